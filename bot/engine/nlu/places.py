"""Agencies by their place: divisions of Guizhou (`data/divisions.csv`), short names and former names too."""

import csv
import re
from functools import cache
from pathlib import Path

from bot.engine.nlu.values import Value

DATA = Path(__file__).parent / "data"

_ENDING = re.compile(r"(?:(?:仡佬族|苗族|布依族|侗族|土家族|水族|彝族|回族)+自治[县州]|特区|[省市区县])$")
FORMER = {
    "遵义县": "520304", "水城县": "520204", "盘县": "520281", "平坝县": "520403", "黔西县": "520581",
    "小河区": "520111", "兴仁县": "522302", "六枝": "520203", "金阳新区": "520115",
    "毕节地区": "520500", "铜仁地区": "520600", "安顺地区": "520400",
    "省本级": "520000", "贵州省本级": "520000", "省社保局": "520000",
}  # fmt: skip
"""Names that people still use, or that stand for an agency."""
EVERYDAY = frozenset(
    [
        "大方",
        "白云",
        "江口",
        "长顺",
        "钟山",
        "金沙",
        "天柱",
        "台江",
        "万山",
        "西秀",
        "水城",
        "正安",
        "余庆",
        "从江",
        "德江",
    ]
)
"""Short names that are also words or names of people: taken only where an office or a direction is named."""
_OFFICE = (
    r"(?:的|那边|这边|那儿|这里)?(?:社保局|医保局|社会保险|社保经办|医保经办|经办机构|税务局|社保中心|医保中心"
    r"|人社局|社保|医保|局|机构|的$|$)"
)
_TOWARDS = r"(?:在|是|选|去|到|选择|换成|改成|改到|交到|缴到|归)"


def read_places(text: str) -> list[Value]:
    """The agencies named in `text`; of 贵阳市云岩区 only the more special one."""
    found = [Value("agency", _codes()[match[0]], *match.span()) for match in _pattern().finditer(text)]
    found = [
        value for value in found if text[value.start : value.end] not in EVERYDAY or _is_place(text, value)
    ]
    found = [value for value in found if not any(_is_within(other, value) for other in found)]
    return [
        *found,
        *(
            Value("agency", m[0], *m.span())
            for m in re.finditer(r"(?<!\d)52\d{4}(?!\d)", text)
            if m[0] in _known()
        ),
    ]


def _is_within(part: Value, whole: Value) -> bool:
    """Whether `part` is said right after the prefecture `whole` that it belongs to."""
    belongs = whole.value.endswith("00") and part.value != whole.value and part.value[:4] == whole.value[:4]
    return belongs and 0 <= part.start - whole.end <= 1


def _is_place(text: str, value: Value) -> bool:
    return bool(re.match(_OFFICE, text[value.end :]) or re.search(_TOWARDS + "$", text[: value.start]))


@cache
def _codes() -> dict[str, str]:
    with (DATA / "divisions.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["level"] != "province"]
    names = {row["name"]: row["code"] for row in rows}
    short = {_ENDING.sub("", name): code for name, code in names.items()}
    return {**{name: code for name, code in short.items() if len(name) >= 2}, **names, **FORMER}


@cache
def _known() -> frozenset[str]:
    return frozenset(_codes().values())


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(sorted(map(re.escape, _codes()), key=len, reverse=True)))
