"""Years as they are spoken: 今年, 二六年, 2023年到2025年, 近两年."""

import re
from collections.abc import Iterator
from datetime import date

from bot.engine.nlu.numbers import read_integer, to_integer
from bot.engine.nlu.values import Value

_RELATIVE_YEARS = {
    "大前年": -3, "前年": -2, "去年": -1, "上一年": -1, "上年": -1, "旧年": -1, "头年": -1,
    "今年": 0, "本年": 0, "当年": 0, "这一年": 0,
    "明年": 1, "来年": 1, "下一年": 1, "下年": 1, "翻年": 1, "翻过年": 1, "翻了年": 1,
    "后年": 2, "大后年": 3,
}  # fmt: skip
DIGIT = "零〇一二两三四五六七八九"
WORD_YEAR = "|".join(sorted(_RELATIVE_YEARS, key=len, reverse=True))
_LONG_YEAR = rf"(?:(?:{WORD_YEAR})(?!纪)(?:度|子|份)?|20[1-4]\d(?:年度?|(?!\d))|二[零〇][{DIGIT}]{{2}}年?度?)"
_SHORT_YEAR = rf"(?:(?<!\d)[1-4]\d年度?|[一二三][{DIGIT}]年度?)"
YEAR = rf"(?:{_LONG_YEAR}|{_SHORT_YEAR})"
_AGE = rf"[{DIGIT}十\d]{{1,3}}(?:周?岁|多?了)"
"""我今年五十八了 says how old somebody is."""
_OF_WHAT = r"(?=的|度|医|养|居|城|灵|社|新|农|合|[和跟、,，]?(?:20)?[1-4]\d年)"
BARE_YEAR = re.compile(
    rf"(?<![\d第])(?P<long>{_LONG_YEAR})(?![级档元块%月.]|\d(?!\d{{2,3}}(?![\d年月.]))|[-/.]\d|上[小大中幼]|读|刚?满|多大|考|{_AGE})"
    rf"|(?<![交缴满够足共计干近有好了过第\d零〇{DIGIT}十百千万])(?P<short>{_SHORT_YEAR})(?![级\d月.以才后前内])"
    rf"|(?<=[交缴])(?P<paid>{_SHORT_YEAR}){_OF_WHAT}"
)
"""A short year after 交 may be a duration (交20年): it is a year where it says of what."""
_YEARS_BETWEEN = re.compile(
    rf"(?P<a>{YEAR}|(?<!\d)2[2-9]|二[{DIGIT}])(?:到|至|-|~|—)(?P<b>{YEAR})(?![月.\d])"
)
_LATEST_YEARS = re.compile(r"(?:最近|近|过去|前面?|头)(?P<n>[2-5二两三四五])年(?!前|以前|之前|级)")


def read_years(text: str, today: date) -> Iterator[Value]:
    """Every year named in `text`; one phrase may name several."""
    for match in BARE_YEAR.finditer(text):
        year = year_of(match[0], today)
        if year:
            yield Value("fee_year", str(year), *match.span())
    yield from _several_years(text, today)


def _several_years(text: str, today: date) -> Iterator[Value]:
    """2023年到2025年 and 近两年 are as many years."""
    for match in _YEARS_BETWEEN.finditer(text):
        first, last = year_of(match["a"], today), year_of(match["b"], today)
        if first and last:
            yield from (Value("fee_year", str(year), *match.span()) for year in range(first, last + 1))
    for match in _LATEST_YEARS.finditer(text):
        last = today.year - 1 if match[0].startswith(("前", "头")) else today.year
        first = last - to_integer(match["n"]) + 1
        yield from (Value("fee_year", str(year), *match.span()) for year in range(first, last + 1))


def year_of(said: str | None, today: date) -> int | None:
    """The year that `said` names; None for none."""
    if not said:
        return None
    bare = said.rstrip("的").removesuffix("份").removesuffix("子").removesuffix("度")
    if bare in _RELATIVE_YEARS:
        return today.year + _RELATIVE_YEARS[bare]
    number = read_integer(
        bare.removesuffix("年").translate(str.maketrans("〇零一二三四五六七八九", "00123456789"))
    )
    if number is None:
        return None
    year = number + 2000 if number < 100 else number
    return year if 2008 <= year <= 2049 else None
