"""Personal data leaves a message here, before anything else sees it: numbers and names become vault tokens.

The message is read as a resident may have typed or spoken it: full width, spaced, in Chinese digits, in
pieces over several messages (`reliability` 5.3). What has nothing personal in it costs no database access.
"""

import re
from collections.abc import Sequence

from bot.personal_numbers import (
    Found,
    Reading,
    begins_id,
    find_numbers,
    has_check_digit,
    join_pieces,
    leftover_digits,
    may_begin_number,
)
from services.domain.kin import MY_RELATION, RELATION
from services.domain.names import begins_with_surname, find_names, mask_name, read_name_answer
from services.vault import TOKEN, Vault

FRAGMENTS_KEPT = 6
BESIDE_A_FRAGMENT = 14
"""A message is a piece of a number when it has at most so many other characters."""

_BRACKETS = str.maketrans({"⟦": "〔", "⟧": "〕"})
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\ufff9-\ufffb]"
)
_WORDS = "零〇○洞一幺壹二两贰三叁四肆五伍六陆七柒拐八捌九玖勾"
_ORNATE = "²³¹⁰-⁹₀-₉①-⓿❶-➓㈠-㈩㊀-㊉"
"""Digits in circles, brackets and corners, which are digits after normalising."""
_DIGITS = re.compile(
    rf"\d.*\d|[{_WORDS}].*[{_WORDS}\d]|[{_ORNATE}]|[\d{_WORDS}]\s*[xXｘＸ叉×]|[@＠]|^\s*[\dxXｘＸ叉{_WORDS}]\s*$",
    re.DOTALL,
)
_DATE_ONLY = re.compile(
    r"\D*20\d\d\D?(?:0?[1-9]|1[0-2])?(?:[-./月](?:[0-2]?\d|3[01]))?(?:\D{1,3}20\d\d.*)?\D*", re.DOTALL
)
_DATES = re.compile(r"20\d\d[-./]?(?:0[1-9]|1[0-2])")
_UNITS = "年月元档块百千万岁共%"
"""Numbers beside these are said in a sentence, and are no pieces of another number."""
_NOTHING_SAID = re.compile(r"[\s,，.。;；:：!！?？、~～\-—_/|()（）\[\]【】\"“”'‘’]*")
_BETWEEN = re.compile(r"[\s,，:：的叫是]*")
"""What may stand between 女儿 and her name."""
_LONG_ENOUGH_FOR_A_PIECE = 4
_REJECTED = re.compile(r"不是[给帮替]?\s*$")


class Redactor:
    """Redacts what residents say. One per process; holds nothing of a conversation but through the vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def redact(
        self, conversation_id: str, text: str, *, capture: str | None = None, names: bool = True
    ) -> str:
        """`text` with vault tokens for everything personal.

        `capture` is the personal fact that the dialogue asked for (`id_number`, `person_name`): then nothing
        of the text stays readable. `names=False` leaves names in place.
        """
        text = _INVISIBLE.sub("", text).translate(_BRACKETS)
        if capture:
            return await self._capture(conversation_id, text, capture)
        found = await self._numbers(conversation_id, text)
        if names:
            found = [*found, *_names(text, found)]
        return await self._seal(conversation_id, text, found)

    async def mask(self, conversation_id: str, text: str) -> str:
        """`text` for a screen: each token as its masked value (`identity-documents` 9)."""
        shown, last = "", 0
        for match in TOKEN.finditer(text):
            value = await self._vault.open(conversation_id, match[0])
            shown += text[last : match.start()] + mask_value(match[1], value)
            last = match.end()
        return shown + text[last:]

    async def _numbers(self, conversation_id: str, text: str) -> list[Found]:
        if not _DIGITS.search(text):
            return []
        reading = Reading(text)
        found = find_numbers(reading)
        digits, beside = leftover_digits(reading, [])
        if digits and beside <= BESIDE_A_FRAGMENT and not _is_whole(found):
            if not found:
                return await self._piece(conversation_id, reading, digits)
            whole = await self._last_piece(conversation_id, reading, digits)
            if whole:
                return [whole]
        if found and begins_id(found[-1].value):
            await self._vault.save_fragments(conversation_id, [found[-1].value])
        return found

    async def _last_piece(self, conversation_id: str, reading: Reading, digits: str) -> Found | None:
        """The rest of an ID number may look like something else: `199003071238` has a phone in it."""
        joined = join_pieces([*await self._vault.load_fragments(conversation_id), digits])
        if joined is None or joined[0] != "id_number":
            return None
        await self._vault.save_fragments(conversation_id, [])
        runs = reading.runs()
        return reading.found(runs[0].places[0], runs[-1].ends[-1], *joined)

    async def _piece(self, conversation_id: str, reading: Reading, digits: str) -> list[Found]:
        """A message of hardly more than digits: does it go on with what was begun in earlier ones?"""
        pieces = await self._vault.load_fragments(conversation_id)
        is_date = _DATE_ONLY.fullmatch(reading.plain) is not None
        is_sentence = any(unit in reading.plain for unit in _UNITS) or len(_DATES.findall(reading.plain)) > 1
        if not pieces and (is_date or is_sentence or not may_begin_number(digits)):
            return []
        pieces = [*pieces, digits][-FRAGMENTS_KEPT:]
        runs = reading.runs()
        start, end = runs[0].places[0], runs[-1].ends[-1]
        joined = join_pieces(pieces)
        goes_on = not is_sentence and any(
            begins_id("".join(pieces[first:])) for first in range(len(pieces) - 1)
        )
        if joined and (is_date or is_sentence) and not has_check_digit(joined[1]):
            joined = None
        if is_sentence and not joined:
            return []
        # Four groups of four may be a card, or the beginning of an ID number that happens to satisfy Luhn.
        await self._vault.save_fragments(conversation_id, [] if joined and not goes_on else pieces)
        if joined:
            return [reading.found(start, end, *joined)]
        return [reading.found(start, end, "id_number", digits)] if goes_on or begins_id(digits) else []

    async def _capture(self, conversation_id: str, text: str, capture: str) -> str:
        """All of the text goes to the vault, as what it is as far as that can be told; whose it is stays: 我妈."""
        reading = Reading(text)
        found = find_numbers(reading)
        if capture == "id_number":
            found = await self._asked_number(conversation_id, reading, found)
        found = [*found, *_meant(text, _names(text, found))]
        rest = _without(text, found)
        if not any(f.kind == "person_name" for f in found):
            name = read_name_answer(rest)
            is_asked = capture == "person_name" or begins_with_surname(name or "")
            if name is not None and (is_asked or found):
                start = _first_place(text, found)
                found, rest = [*found, Found(start, start, "person_name", name)], ""
        values = [(f.start, f.kind, f.value) for f in found]
        if not _NOTHING_SAID.fullmatch(rest):
            values.append((len(text), "text", rest.strip()))
        values.sort()
        tokens = (
            await self._vault.seal_all(conversation_id, [value[1:] for value in values]) if values else []
        )
        said = [(start, token) for (start, *_), token in zip(values, tokens, strict=True)]
        return " ".join(words for _, words in sorted([*said, *_relations(text, found)]))

    async def _asked_number(self, conversation_id: str, reading: Reading, found: list[Found]) -> list[Found]:
        """While a number is asked for, whatever has digits is that number, or goes on with its beginning."""
        if _is_whole(found):
            return found
        number = re.search(r"[A-Z]{0,3}[\s-]?\d(?:[\s-]?[0-9A-Z])*", reading.plain)
        before = await self._vault.load_fragments(conversation_id)
        runs = [
            run
            for run in reading.runs()
            if number or len(run.digits) > 1 or run.digits == "X" or join_pieces([*before, run.digits])
        ]
        if not runs:
            return found
        longest = max(runs, key=lambda run: len(run.digits))
        value = longest.digits
        place = reading.found(longest.places[0], longest.ends[-1], "id_number", value)
        pieces = [*before, value][-FRAGMENTS_KEPT:]
        joined = join_pieces(pieces)
        if joined and joined[0] == "id_number":
            await self._vault.save_fragments(conversation_id, [])
            return [Found(place.start, place.end, *joined)]
        await self._vault.save_fragments(conversation_id, pieces)
        if number and len(number[0]) > len(value):
            value = re.sub(r"[\s-]", "", number[0])
            place = reading.found(*number.span(), "id_number", value)
        others = [f for f in found if f.end <= place.start or f.start >= place.end]
        return [*others, place]

    async def _seal(self, conversation_id: str, text: str, found: Sequence[Found]) -> str:
        if not found:
            return text
        found = sorted(found, key=lambda f: f.start)
        tokens = await self._vault.seal_all(conversation_id, [(f.kind, f.value) for f in found])
        sealed, last = "", 0
        for one, token in zip(found, tokens, strict=True):
            sealed += text[last : one.start] + token
            last = one.end
        return sealed + text[last:]


def mask_value(kind: str, value: str) -> str:
    """What a screen may show of a personal value (`identity-documents` 9, `reliability` 5.1)."""
    if kind == "person_name":
        return mask_name(value)
    if kind == "phone":
        return value[:3] + "****" + value[-4:]
    if kind in {"id_number", "bank_card"}:
        ends = (4, 4) if len(value) >= 16 else (1, 3) if len(value) >= 8 else (1, 2)
        return value[: ends[0]] + "*" * (len(value) - sum(ends)) + value[-ends[1] :]
    return "***"


def _is_whole(found: Sequence[Found]) -> bool:
    """Is there an ID number that is not just the beginning of one?"""
    return any(f.kind == "id_number" and not begins_id(f.value) for f in found)


def _names(text: str, numbers: Sequence[Found]) -> list[Found]:
    """Names in `text`, where its numbers count as such: a name is often told by the number beside it."""
    marked, shifts, last = "", [], 0
    for number in sorted(numbers, key=lambda f: f.start):
        marked += text[last : number.start] + f"⟦{number.kind}:{'0' * 12}⟧"
        shifts.append((len(marked), number.end - len(marked)))
        last = number.end
    marked += text[last:]
    found = []
    for start, end, name in find_names(marked):
        shift = next((s for at, s in reversed(shifts) if at <= start), 0)
        found.append(Found(start + shift, end + shift, "person_name", name))
    return found


def _meant(text: str, names: list[Found]) -> list[Found]:
    """Of 不是安小云，是马兰香 the latter: nothing else of what is captured says so."""
    left = [one for one in names if not _REJECTED.search(text[: one.start])]
    return left or names


def _relations(text: str, found: Sequence[Found]) -> list[tuple[int, str]]:
    """我妈, and 女儿 where her name or number follows."""
    mine = [(match.start(), match[0]) for match in MY_RELATION.finditer(text)]
    taken = [(start, start + len(words)) for start, words in mine] + [(f.start, f.end) for f in found]
    told = [
        (match.start(), match[0])
        for match in RELATION.finditer(text)
        if not any(start <= match.start() < end for start, end in taken)
        and any(_BETWEEN.fullmatch(text[match.end() : f.start]) for f in found if f.start >= match.end())
    ]
    return [*mine, *told]


def _without(text: str, found: Sequence[Found]) -> str:
    kept, last = [], 0
    for one in sorted(found, key=lambda f: f.start):
        kept.append(text[last : one.start])
        last = one.end
    return " ".join([*kept, text[last:]]).strip()


def _first_place(text: str, found: Sequence[Found]) -> int:
    """Before the first number if something is said there, else at the end."""
    if not found:
        return 0
    first = min(f.start for f in found)
    return 0 if not _NOTHING_SAID.fullmatch(text[:first]) else len(text)
