"""One spelling for reading: half width, simplified characters, right homophones. Offsets lead back."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

DATA = Path(__file__).parent / "data"
_NUMERALS = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")
_FORMAL = re.compile(r"[壹贰叁肆伍陆柒捌玖拾佰仟零]{2,}|[拾佰仟](?=[元块档])")
_PAYING_SLIP = re.compile(
    r"[叫教焦浇胶脚](?=(?:了|个|一下|下|哈)?(?:今年|明年|去年|20\d\d|居民|灵活|城乡|合作|新农合|农合|养老|医保|医疗|社保))"
)
_PAUSED_NO = re.compile(r"(?<=\S\S)\s([啊哦噢呃]?不是?|[啊哦噢呃]不对)\s(?=\S\S)")
"""七十 不 九十: the pauses show that it takes back, so they stay. As long as before."""
_PAUSED_FIRST = re.compile(r"^([啊哦噢呃]?不是?|不对)\s(?=\S\S)")
"""不是 全年: what follows is meant."""
TOKEN = re.compile(r"⟦([a-z_]+):([0-9A-Z]{12})⟧")


@dataclass(frozen=True)
class Normal:
    """`text` for reading; character `i` of it stands at `origin[i]` of what was typed."""

    text: str
    origin: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]` stands in what was typed."""
        return self.origin[start], self.origin[end - 1] + 1


def normalise(typed: str) -> Normal:
    """`typed` in the spelling that the grammars expect. Vault tokens are left as they are."""
    typed = _PAUSED_NO.sub(lambda match: f"，{match[1]}，", typed)
    typed = _PAUSED_FIRST.sub(lambda match: f"{match[1]}，", typed)
    characters: list[str] = []
    origin: list[int] = []
    sealed = [match.span() for match in TOKEN.finditer(typed)]
    simplified = _simplified()
    for place, character in enumerate(typed):
        if any(start <= place < end for start, end in sealed):
            spelled = character
        else:
            spelled = unicodedata.normalize("NFKC", character).translate(simplified)
        for part in spelled:
            if part.isspace() and (not characters or not _between_latin(characters[-1], typed, place)):
                continue
            characters.append(part)
            origin.append(place)
    text = _without_slips(_FORMAL.sub(_everyday, "".join(characters)))
    return Normal(text, tuple(origin))


def _everyday(match: re.Match[str]) -> str:
    """Formal numerals as everyday ones; alone, 陆 and 伍 are surnames."""
    return match[0].translate(_NUMERALS)


def _between_latin(before: str, typed: str, place: int) -> bool:
    """Spaces matter between Latin letters and digits only."""
    after = typed[place + 1 : place + 2]
    return before.isascii() and before.isalnum() and after.isascii() and after.isalnum()


def _without_slips(text: str) -> str:
    """Homophones of the field's words put right; each is as long as what replaces it."""
    pattern, right = _slips()
    text = pattern.sub(lambda match: right[match[0]], text)
    return _PAYING_SLIP.sub("缴", text)


@cache
def _slips() -> tuple[re.Pattern[str], dict[str, str]]:
    words: dict[str, list[str]] = yaml.safe_load((DATA / "slips.yml").read_text(encoding="utf-8"))
    right = {slip: word for word, slips in words.items() for slip in slips}
    uneven = [slip for slip, word in right.items() if len(slip) != len(word)]
    if uneven:
        raise ValueError(f"a slip must be as long as its word: {uneven}")
    return re.compile("|".join(sorted(map(re.escape, right), key=len, reverse=True))), right


@cache
def _simplified() -> dict[int, str]:
    """Traditional to simplified characters, one to one."""
    lines = (DATA / "traditional.txt").read_text(encoding="utf-8").split()
    return {ord(pair[0]): pair[1] for pair in lines}
