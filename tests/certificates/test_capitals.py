"""Amounts in words: the cases of the page on certificates, and what must hold for every amount."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.certificates.capitals import in_words

DIGITS = {c: n for n, c in enumerate("零壹贰叁肆伍陆柒捌玖")}
UNITS = {"拾": 10, "佰": 100, "仟": 1000}


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("400.00", "人民币肆佰元整"),
        ("878.94", "人民币捌佰柒拾捌元玖角肆分"),
        ("10547.28", "人民币壹万零伍佰肆拾柒元贰角捌分"),
        ("1000.05", "人民币壹仟元零伍分"),
        ("1100.50", "人民币壹仟壹佰元伍角整"),
        ("20000.00", "人民币贰万元整"),
        ("0.30", "人民币叁角整"),
        ("0.05", "人民币伍分"),
        ("100010.00", "人民币壹拾万零壹拾元整"),
        ("0.00", "人民币零元整"),
        ("10.00", "人民币壹拾元整"),
        ("1000000.00", "人民币壹佰万元整"),
        ("100000000.00", "人民币壹亿元整"),
        ("-400.00", "人民币负肆佰元整"),
        ("-0.30", "人民币负叁角整"),
    ],
)
def test_amounts_in_words(amount: str, words: str) -> None:
    assert in_words(Decimal(amount)) == words


@given(st.decimals(min_value="0.01", max_value="99999999.99", places=2))
def test_words_say_the_amount(amount: Decimal) -> None:
    words = in_words(amount)
    assert read(words) == amount
    assert "零零" not in words
    assert words.endswith("分") != words.endswith("整")


def read(words: str) -> Decimal:
    """An independent reader of the words."""
    found = re.fullmatch(r"人民币(?:(.+?)元)?零?(?:(.)角)?零?(?:(.)分)?整?", words)
    assert found, words
    whole, jiao, fen = found.groups()
    cents = DIGITS[jiao or "零"] * 10 + DIGITS[fen or "零"]
    return Decimal(_integer(whole or "零")) + Decimal(cents) / 100


def _integer(text: str) -> int:
    for unit, size in (("亿", 10**8), ("万", 10**4)):
        if unit in text:
            high, low = text.split(unit, 1)
            return _integer(high) * size + _integer(low or "零")
    total = digit = 0
    for character in text:
        if character in UNITS:
            total += (digit or 1) * UNITS[character]
            digit = 0
        else:
            digit = DIGITS[character]
    return total + digit
