"""Numbers of ID documents: what is right, what is wrong and why, and how they are shown."""

from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.domain.id_documents import (
    birth_date,
    check_digit,
    check_id_number,
    could_be,
    mask_id,
    normalise,
    renew,
    same_document,
)
from services.domain.kinds import IdType

CARD, PERMANENT = IdType.RESIDENT_ID_CARD, IdType.FOREIGN_PERMANENT_RESIDENT_ID
HK_PERMIT, TW_PERMIT = IdType.HK_MACAO_TRAVEL_PERMIT, IdType.TAIWAN_TRAVEL_PERMIT
HK_RESIDENCE, TW_RESIDENCE = IdType.HK_MACAO_RESIDENCE_PERMIT, IdType.TAIWAN_RESIDENCE_PERMIT


@pytest.mark.parametrize(
    "number, id_type, found",
    [
        ("11010519491231002X", CARD, CARD),
        ("11010519491231002x", CARD, CARD),
        ("440308199901101512", CARD, CARD),
        ("520000199003071238", CARD, CARD),
        ("810000199408230021", CARD, HK_RESIDENCE),
        ("830000199201300022", CARD, TW_RESIDENCE),
        ("810000199408230021", HK_RESIDENCE, HK_RESIDENCE),
        ("952840198002290019", CARD, PERMANENT),
        ("CAN520180050114", PERMANENT, PERMANENT),
        ("USA520190010125", PERMANENT, PERMANENT),
        ("H12345678", HK_PERMIT, HK_PERMIT),
        ("m1234567801", HK_PERMIT, HK_PERMIT),
        ("12345678", TW_PERMIT, TW_PERMIT),
        ("1234567890B", TW_PERMIT, TW_PERMIT),
        ("E 1234 5678", IdType.FOREIGN_PASSPORT, IdType.FOREIGN_PASSPORT),
    ],
)
def test_right_numbers_tell_their_own_type(number: str, id_type: IdType, found: IdType) -> None:
    checked = check_id_number(number, id_type)
    assert (checked.ok, checked.reason, checked.id_type) == (True, "", found)


@pytest.mark.parametrize(
    "number, id_type, reason",
    [
        ("", CARD, "length"),
        ("52000019900307123", CARD, "length"),
        ("5200001990030712388", CARD, "length"),
        ("520000900307123", CARD, "expired_form"),
        ("52000019900307123A", CARD, "characters"),
        ("5200001990030X1238", CARD, "characters"),
        ("我不想说", CARD, "characters"),
        ("٥٢٠٠٠٠١٩٩٠٠٣٠٧١٢٣٨", CARD, "characters"),
        ("520000199003071239", CARD, "check_digit"),
        ("52000020180229100X", CARD, "birth_date"),
        ("520000189912311234", CARD, "birth_date"),
        ("990000199003071238", IdType.RESIDENT_ID_CARD, "province"),
        ("160000199003071238", CARD, "province"),
        ("911156198105030011", CARD, "country"),
        ("CHN520180050114", PERMANENT, "country"),
        ("CAN520180050115", PERMANENT, "check_digit"),
        ("CAN520180130114", PERMANENT, "birth_date"),
        ("520000199003071238", HK_RESIDENCE, "province"),
        ("C12345678", HK_PERMIT, "characters"),
        ("H1234567", HK_PERMIT, "length"),
        ("1234567", TW_PERMIT, "length"),
        ("E123", IdType.FOREIGN_PASSPORT, "length"),
        ("E1234567", IdType.CHINESE_PASSPORT, "unsupported"),
        ("A123456789", IdType.BIRTH_CERTIFICATE, "unsupported"),
        ("anything", IdType.FOREIGN_WORK_PERMIT, "unsupported"),
    ],
)
def test_wrong_numbers_are_told_apart(number: str, id_type: IdType, reason: str) -> None:
    checked = check_id_number(number, id_type)
    assert (checked.ok, checked.reason) == (False, reason)


def test_every_reason_has_a_sentence() -> None:
    from pathlib import Path

    texts = yaml.safe_load(
        (Path(__file__).parents[2] / "actions/texts/zh_CN.yml").read_text(encoding="utf-8")
    )
    reasons = {
        "length", "characters", "check_digit", "birth_date", "province", "country", "expired_form", "unsupported",
    }  # fmt: skip
    assert reasons == set(texts["id_problem"])


@pytest.mark.parametrize(
    "said",
    [
        "５２００００１９９００３０７１２３８",
        "520000 19900307 1238",
        "520000-19900307-1238",
        "五二零零零零一九九零零三零七一二三八",
        "五二洞洞洞洞幺勾勾洞洞三洞拐幺两三八",
    ],
)
def test_a_number_may_be_written_and_said_in_many_ways(said: str) -> None:
    assert normalise(said) == "520000199003071238"
    assert check_id_number(said).ok


@pytest.mark.parametrize("end", ["x", "Ｘ", "叉", "艾克斯", "×"])
def test_the_last_x_has_many_names(end: str) -> None:
    assert normalise(f"11010519491231002{end}") == "11010519491231002X"


def test_nobody_is_born_tomorrow() -> None:
    number = "52000019900307000" + check_digit("52000019900307000")
    assert check_id_number(number, today=date(1990, 3, 7)).ok
    assert check_id_number(number, today=date(1990, 3, 6)).reason == "birth_date"


def test_the_date_of_birth_is_read_where_there_is_one() -> None:
    assert birth_date("520000199003071238") == date(1990, 3, 7)
    assert birth_date("H12345678", HK_PERMIT) is None


@pytest.mark.parametrize(
    "number, shown",
    [
        ("520103199003071238", "5201**********1238"),
        ("H12345678", "H*****678"),
        ("CAN520180050114", "C***********114"),
        ("E12345", "E***45"),
    ],
)
def test_masks_show_the_ends_only(number: str, shown: str) -> None:
    assert mask_id(number) == shown


def test_a_renewed_permit_is_the_same_document() -> None:
    assert same_document("H1234567801", "H12345678", HK_PERMIT)
    assert not same_document("H1234567901", "H12345678", HK_PERMIT)
    assert not same_document("520000199003071238", "520000199003071239", CARD)


@given(
    st.dates(date(1900, 1, 1), date(2026, 11, 23)), st.integers(0, 999), st.integers(0, 16), st.integers(1, 9)
)
def test_one_wrong_digit_is_always_noticed(born: date, sequence: int, place: int, step: int) -> None:
    first17 = f"520103{born:%Y%m%d}{sequence:03}"
    number = first17 + check_digit(first17)
    assert check_id_number(number).ok
    wrong = str((int(number[place]) + step) % 10)
    assert not check_id_number(number[:place] + wrong + number[place + 1 :]).ok


@given(st.text(max_size=40))
def test_any_text_has_an_answer(text: str) -> None:
    for id_type in IdType:
        checked = check_id_number(text, id_type)
        assert checked.ok == (checked.reason == "")
        assert text not in repr(checked) or len(text) < 8


def test_an_old_number_becomes_the_new_one_of_the_same_person() -> None:
    assert renew("520103700405000") == "52010319700405000" + check_digit("52010319700405000")
    assert check_id_number(renew("520103700405000") or "").ok


@pytest.mark.parametrize("old", ["520103701305000", "52010370040500", "52010370040500X", "990103700405000", "520103990405996"])  # fmt: skip
def test_what_was_never_a_number_of_fifteen_digits_becomes_none(old: str) -> None:
    assert renew(old) is None


@pytest.mark.parametrize(
    ("number", "documents"),
    [
        ("H12345678", {HK_PERMIT, IdType.FOREIGN_PASSPORT}), ("12345678", {TW_PERMIT, IdType.FOREIGN_PASSPORT}),
        ("E12345678", {IdType.FOREIGN_PASSPORT}), ("520103198602140001", set()), ("5201031986", set()),
    ],
)  # fmt: skip
def test_a_number_that_is_plainly_of_no_card_may_be_of_others(number: str, documents: set[IdType]) -> None:
    assert set(could_be(number)) == documents
