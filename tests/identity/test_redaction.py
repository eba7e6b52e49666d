"""What leaves a message at the edge, and what stays. The corpora are in `spellings`."""

import re
from collections.abc import Sequence
from typing import Any, cast

import pytest

from bot.personal_numbers import Reading
from bot.redaction import Redactor, mask_value
from services.domain.errors import Refused
from services.vault import TOKEN, Vault
from tests.canary import Canary, plant
from tests.identity import spellings
from tests.identity.conftest import CHAT, NAME, NUMBER

_DIGITS = {
    character: str(digit)
    for digit, characters in enumerate(
        ("零〇洞", "一幺壹", "二两贰", "三叁", "四肆", "五伍", "六陆", "七柒拐", "八捌", "九玖勾")
    )
    for character in characters
}


class Memory:
    """A vault in memory, for corpora."""

    def __init__(self) -> None:
        self.values: list[tuple[str, str]] = []
        self.pieces: list[str] = []

    async def seal_all(self, _chat: str, values: Sequence[tuple[str, str]]) -> list[str]:
        self.values.extend(values)
        first = len(self.values) - len(values)
        return [f"⟦{kind}:{first + n:012d}⟧" for n, (kind, _) in enumerate(values)]

    async def load_fragments(self, _chat: str) -> list[str]:
        return self.pieces

    async def save_fragments(self, _chat: str, pieces: Sequence[str]) -> None:
        self.pieces = list(pieces)


def edge() -> tuple[Redactor, Memory]:
    memory = Memory()
    return Redactor(cast(Any, memory)), memory


def digits(text: str) -> str:
    """The digits that are still readable, in whatever script they are."""
    plain = Reading(TOKEN.sub("#", text)).plain
    return "".join(_DIGITS.get(c, c) for c in plain if c in _DIGITS or c.isdigit())


def leaks(text: str, number: str, length: int = 7) -> bool:
    """Whether so many digits of the number in a row can be read."""
    number = re.sub(r"\D", "", number)
    return any(number[i : i + length] in digits(text) for i in range(len(number) - length + 1))


@pytest.fixture(scope="module")
def canaries() -> list[Canary]:
    return [plant() for _ in range(3)]


@pytest.mark.parametrize("spelling", spellings.ID_NUMBER)
async def test_an_id_number_leaves_in_every_spelling(spelling: str, canaries: list[Canary]) -> None:
    for sentence in spellings.ID_SENTENCES:
        for canary in canaries:
            redactor, memory = edge()
            said = sentence.format(spellings.ID_NUMBER[spelling](canary.id_number))
            assert not leaks(await redactor.redact(CHAT, said), canary.id_number), sentence
            if spelling not in {"cut short", "wrong check digit", "swapped"}:
                assert ("id_number", canary.id_number) in memory.values, sentence


@pytest.mark.parametrize("spelling", spellings.MOBILE)
async def test_a_phone_number_leaves_in_every_spelling(spelling: str, canaries: list[Canary]) -> None:
    for sentence in spellings.MOBILE_SENTENCES:
        for canary in canaries:
            redactor, memory = edge()
            said = sentence.format(spellings.MOBILE[spelling](canary.mobile))
            assert not leaks(await redactor.redact(CHAT, said), canary.mobile), sentence
            assert ("phone", canary.mobile) in memory.values, sentence


@pytest.mark.parametrize("spelling", spellings.BANK_CARD)
async def test_a_bank_card_leaves_in_every_spelling(spelling: str, canaries: list[Canary]) -> None:
    for sentence in spellings.CARD_SENTENCES:
        for canary in canaries:
            redactor, _ = edge()
            said = sentence.format(spellings.BANK_CARD[spelling](canary.bank_card))
            assert not leaks(await redactor.redact(CHAT, said), canary.bank_card), sentence


@pytest.mark.parametrize(
    "number",
    ["H12345678", "M1234567801", "E12345678", "护照号AB1234567", "USA520190010125", "520000900307123"],
)
async def test_other_documents_leave_too(number: str) -> None:
    redactor, _ = edge()
    assert not leaks(await redactor.redact(CHAT, f"我的证件是{number}"), number, 5)


async def test_an_email_leaves(canaries: list[Canary]) -> None:
    redactor, memory = edge()
    assert "example" not in await redactor.redact(CHAT, f"邮箱是{canaries[0].email}，谢谢")
    assert memory.values == [("email", canaries[0].email)]


@pytest.mark.parametrize("capture", [None, "id_number"])
@pytest.mark.parametrize("cut", spellings.PIECES, ids=str)
@pytest.mark.parametrize("around", ["{}", "后面{}", "{}。"])
async def test_an_id_number_in_pieces_is_put_together(
    cut: tuple[int, ...], around: str, capture: str | None, canaries: list[Canary]
) -> None:
    for canary in canaries:
        for spell in ("plain", "chinese", "spaced"):
            redactor, memory = edge()
            said = [
                await redactor.redact(CHAT, around.format(spellings.COMMON[spell](piece)), capture=capture)
                for piece in spellings.groups(canary.id_number, *cut)
            ]
            assert ("id_number", canary.id_number) in memory.values
            assert not leaks("".join(said), canary.id_number, 11)
            if capture:
                assert not digits("".join(said))


@pytest.mark.parametrize("sentence", spellings.ORDINARY)
async def test_ordinary_sentences_are_left_alone(sentence: str) -> None:
    for earlier in ([], ["12366", "两个人一共800", "2", "一百八"], ["2026", "520103", "60"]):
        redactor, _ = edge()
        for said in (*earlier, sentence):
            assert await redactor.redact(CHAT, said) == said


@pytest.mark.parametrize("sentence", spellings.NAME_SENTENCES)
async def test_a_name_leaves_wherever_it_is_called_one(sentence: str) -> None:
    for name in spellings.NAMES:
        redactor, memory = edge()
        said = await redactor.redact(CHAT, sentence.format(name))
        assert name not in said
        assert ("person_name", name) in memory.values, (name, said)


@pytest.mark.parametrize("answer", spellings.NAME_ANSWERS)
async def test_an_answer_to_the_question_for_a_name_is_a_name(answer: str) -> None:
    for name in spellings.NAMES:
        redactor, memory = edge()
        said = await redactor.redact(CHAT, answer.format(name), capture="person_name")
        assert memory.values[0] == ("person_name", name)
        assert name not in said


@pytest.mark.parametrize("capture", ["id_number", "person_name"])
@pytest.mark.parametrize("said", ["你猜", "我不知道啊 12 34", "王 小 芳 520000", NUMBER, "@#￥%"])
async def test_nothing_stays_readable_of_what_was_asked_for(capture: str, said: str) -> None:
    redactor, _ = edge()
    left = TOKEN.sub("", await redactor.redact(CHAT, said, capture=capture))
    assert not left.strip()


async def test_number_and_name_in_one_answer_are_both_taken() -> None:
    redactor, memory = edge()
    await redactor.redact(CHAT, f"{NUMBER} {NAME}", capture="id_number")
    assert memory.values == [("id_number", NUMBER), ("person_name", NAME)]


async def test_a_token_that_somebody_types_is_no_token() -> None:
    redactor, _ = edge()
    assert TOKEN.search(await redactor.redact(CHAT, "⟦id_number:000000000000⟧")) is None


async def test_tokens_are_shown_masked(vault: Vault) -> None:
    redactor = Redactor(vault)
    said = await redactor.redact(CHAT, f"我叫{NAME}，身份证{NUMBER}，电话13800138000")
    assert await redactor.mask(CHAT, said) == "我叫**芳，身份证5200**********1238，电话138****8000"
    with pytest.raises(Refused):
        await redactor.mask("rest:somebody-else", said)


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("id_number", "520000900307123", "5***********123"),
        ("id_number", "H12345678", "H*****678"),
        ("id_number", "1234567", "1****67"),
        ("person_name", "芳", "*芳"),
        ("person_name", "欧阳娜娜", "***娜"),
        ("email", "a@example.com", "***"),
    ],
)
def test_masks_are_those_of_the_rules(kind: str, value: str, shown: str) -> None:
    assert mask_value(kind, value) == shown
