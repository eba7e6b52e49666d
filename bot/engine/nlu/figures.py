"""Tiers, amounts and places in a list, as they are written and spoken."""

import re
from collections.abc import Iterator
from decimal import Decimal

from bot.engine.nlu.numbers import CHINESE, NUMBER, read_integer, read_number
from bot.engine.nlu.values import Value

RESIDENT_TIERS = frozenset({100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1200, 1500, 2000, 2500, 3000})
"""Yuan a year that people may name; the bureau decides which are offered (`rates` 1.1)."""
PERCENTS = range(60, 301, 10)
LOWEST_TIER = 20
"""A smaller number before 档 is a place in the list."""
LONGEST_STRETCH = 20
_MERE_VERBS = {"交", "缴", "来", "办", "就", "要"}

_PERCENT = re.compile(
    rf"(?P<all>百分之?百(?![{CHINESE}])(?:的?(?:那|这)(?:一|个)*档次?)?)|百分之(?P<n>{NUMBER})(?:的?(?:那|这)?(?:一|个)*档次?)?|(?P<d>\d+(?:\.\d+)?)%(?:的?(?:那|这)?(?:一|个)*档次?)?"
)
_TENTHS = re.compile(
    r"(?<![完分变换改弄办做生造构组促赞])(?P<n>[一二三四五六七八九十1-9])成(?!功|都|为|员|年|本|(?<![按照选用].成)交(?![医养灵居城社全上下第\d一二三四五六七八九十])|绩|立|人|了|别|医|养|灵|居|最)"
)
_TIMES = re.compile(rf"(?P<n>{NUMBER})倍(?P<half>半)?(?:的?(?:那|这)?(?:一|个)*档次?)?")
_TIER = re.compile(rf"(?<!第)(?P<n>{NUMBER})(?P<yuan>元|块钱?)?(?:一年)?的?(?:那|这)?(?:一|个)*档次?(?!案)")
_AFTER_TIER = re.compile(
    rf"档次?(?:选|要|是|为|改[成为到]|换[成为]|用|按|就|[:：])*(?P<n>{NUMBER})(?P<yuan>元|块钱?)?(?![个项条年月日号天岁])"
)
_CHOSEN = re.compile(
    rf"(?:^|(?<=[,，.。;；!！…~—、])(?<!\d[,.])|(?P<verb>还是|应该是|不是|不对|错了|(?<=[十百千])不|选择?|按照?|要|改[成为到]?|换[成为]?|调[成到]|交|缴|来|办|就|整|搞|养老))(?:个|一个|那个)?(?P<n>{NUMBER})(?P<yuan>元|块钱?)?(?P<de>的)?"
    r"(?=$|[吧就交缴,，.。;；!！哈嘛啊呢]|那|算|好|行|不)"
)
_YEARLY = re.compile(
    rf"(?:一年|每年)(?P<a>{NUMBER})(?:元|块钱?)?(?![{CHINESE}\d个年岁])|(?P<b>{NUMBER})(?:元|块钱?)?(?:一年|每年)(?![{CHINESE}\d])"
)
"""两千块一年: the resident pension is paid by the year."""
_BEFORE = r"(?:去年|旧年|上一?年|前年|上次|上回|上一次|以前|之前|原来|往年|头年|前面|上个月|上月|先前)"
_WHAT_WAS = r"(?:的|那个|那种|选|那|[交缴])*(?:档次?)?"
_NAMED = r"(?:的|那|一|个|这|档次?|标准|缴费)*"
_LAST_TIER = re.compile(
    rf"(?:跟|和|同|照|按|与|像|依){{1,2}}着?我?{_BEFORE}{_WHAT_WAS}(?:是?一样|相同|差不多|一致|不变)的?(?:档次?)?"
    rf"|(?:照|按|依)[照着]?我?{_BEFORE}{_WHAT_WAS}(?:来|走|办|交|缴)?"
    rf"|^同{_BEFORE}$"
    r"|(?:上次|上回|去年|原来|以前|之前|原先|往年)(?:的|那个|选的|选|交的|那一?)+档次?"
    r"|(?:档次)?照旧|老样子|(?<!养)老档次?|原档次?|保持不变|(?:档次)?不变"
)
_RELATIVE = (
    ("last", _LAST_TIER),
    ("lowest", re.compile(rf"(?:最(?:低|便宜|少|小|底|下面)|顶(?:低|便宜|少)){_NAMED}|起步档|最低限度|下限")),
    ("highest", re.compile(rf"(?:最(?:高|贵|多|大|顶)|顶(?:高|贵)){_NAMED}|顶格|封顶的?档?|上限|顶档")),
)
_AMOUNT = re.compile(
    rf"(?:[￥¥](?P<sign>{NUMBER}(?![\d档%]))|(?P<n>{NUMBER})(?:元|块钱?|圆|整(?!个|年|月))(?:整|钱)?"
    rf"(?:(?P<jiao>[一二两三四五六七八九1-9])(?:[毛角](?:(?P<fen>[一二两三四五六七八九1-9])分?)?)?(?![{CHINESE}\d年月个]))?)"
)

_SPOKEN_SUM = re.compile(
    rf"^(?:总共|一共|就是|是)?(?P<n>[{CHINESE}]*[百千万][{CHINESE}]*)(?:吧|嘛|啊|哦|哈)?$"
)
"""两万一, said alone: where it is no tier it is money."""
_TOGETHER = re.compile(r"[一1]块儿?(?!钱|[零〇一二两三四五六七八九\d])(?=[交缴付办补买弄给帮都来儿的吧]|$)")
"""一块交 means together, not one yuan."""
_UNIT = r"(?:个|项|条|种|号|款|笔|家|张|行|份)"
_NTH = re.compile(
    r"(?P<last>倒数)?第(?P<n>\d{1,2}|[一二两三四五六七八九十]+)(?:(?:个|项|条|种|档次?|款|笔|家|张|行|份)|号)?(?!次|回|季|年|月|步|天|名|遍|代|口|胎)"
)
_PLACE = r"(?:\d{1,2}|[一二两三四五六七八九十]{1,2})"
_FROM_TO = re.compile(
    rf"第(?P<a>{_PLACE}){_UNIT}?(?:到|至|-|~|—)第?(?P<b>{_PLACE}){_UNIT}?(?![月季年天步])"
    rf"|(?<![\d月年第])(?P<c>{_PLACE})(?:到|至|-|~|—)(?P<d>{_PLACE})(?:[条项笔张行]|号(?![楼码线院]))"
)
_FOREMOST = re.compile(
    rf"(?<![以之目])(?:最?前面?|头)(?P<n>[二两三四五六七八九2-9]){_UNIT}(?![月季人星礼年])"
)
_HINDMOST = re.compile(
    rf"(?<![以之目])(?:最?后[面头]?|最?末尾?|最?下[面头]|倒数)的?(?P<n>[二两三四五六七八九2-9]){_UNIT}(?![月季人星礼年])"
)
"""第二个到第四个, 二到四号, 前三个, 后面两张: as many places."""
_LAST = re.compile(
    rf"倒数头一{_UNIT}?|(?:最后|最末|末尾|最下面?|最底下|最下头|最后头|末(?=一))(?:的|一|那|面)*{_UNIT}|最后一档|倒数第一{_UNIT}?|最末尾的?|最下面的?$"
)
_FIRST = re.compile(
    rf"(?:头一|打头的?那?一?|开头的?那?一?|最上面?的?那?一?|最前面?的?那?一?|最上头的?那?一?|首){_UNIT}|最上面的?$"
)
_NUMBERED = re.compile(r"(?<![\d月年第])(?P<n>\d{1,2}|[一二三四五六七八九十]{1,2})号(?![楼码线院])")
_SMALL_TIER = re.compile(
    r"(?<![\d第哪那这零〇一二两三四五六七八九十百千万])(?P<n>[1-9]|1\d|[一二三四五六七八九])(?:档)(?!次|案)"
)
_BARE = re.compile(
    r"^我?就?(?:选|要|点|用|回复?|打|按|选项)?(?P<n>\d{1,2}|[一二两三四五六七八九十]{1,2})(?:吧|啊|嘛|哈|呗|了)?[.。!！]?$"
)

_SEVERAL = re.compile(
    rf"^我?就?(?:选|要|点|开|补开|打)?(?P<n>{_PLACE}{_UNIT}?(?:(?:和|跟|与|、|还有){_PLACE}{_UNIT}?)+)"
    r"(?:都要|也要|都开|吧|啊|嘛|哈)*[.。!！]?$"
)
"""1和3, 一、二、四."""


def read_figures(text: str) -> list[Value]:
    """Tiers, amounts and ordinals in `text`; which of 60 and 2000 is a percentage follows from the value."""
    tiers = [*_relative(text), *_percentages(text), *_tiers(text)]
    amounts = [
        v
        for v in [*_amounts(text), *_spoken_sum(text)]
        if all(v.end <= t.start or v.start >= t.end for t in tiers)
    ]
    return [*tiers, *amounts, *_ordinals(text)]


def _percentages(text: str) -> Iterator[Value]:
    for pattern, factor in ((_PERCENT, 1), (_TENTHS, 10), (_TIMES, 100)):
        for match in pattern.finditer(text):
            said = match.groupdict()
            number = Decimal(100) if said.get("all") else read_number(said["n"] or said["d"])
            if number is not None:
                whole = number + Decimal("0.5") if said.get("half") else number
                yield Value("tier", f"{(whole * factor).normalize():f}%", *match.span())


def _tiers(text: str) -> Iterator[Value]:
    flexible = "灵活" in text or "自由职业" in text
    resident = "居民" in text or "城乡" in text or "农" in text
    for match in [*_TIER.finditer(text), *_AFTER_TIER.finditer(text)]:
        yield from _tier(match, match.span(), flexible=flexible, resident=resident)
    for match in _YEARLY.finditer(text):
        number = read_integer(match["a"] or match["b"])
        if number in RESIDENT_TIERS and "医" not in text:
            yield Value("tier", str(number), *match.span())
    for match in _CHOSEN.finditer(text):
        if _is_chosen(text, match):
            span = match.start("n"), match.end("yuan" if match["yuan"] else "n")
            yield from _tier(match, span, flexible=flexible, resident=resident)


def _is_chosen(text: str, match: re.Match[str]) -> bool:
    """选2000 and 交2000的 name a tier; 交400元的医保 names an amount."""
    number = read_integer(match["n"])
    if not match["yuan"]:
        return number in RESIDENT_TIERS or number in PERCENTS
    said = match["verb"] and match["verb"] not in _MERE_VERBS
    named = said or "养老" in text or match["de"] or text.startswith("那", match.end())
    return number in RESIDENT_TIERS and bool(named) and "医" not in text


def _amounts(text: str) -> Iterator[Value]:
    for match in _AMOUNT.finditer(text):
        number = read_number(match["n"] or match["sign"])
        for part, worth in (("jiao", Decimal("0.1")), ("fen", Decimal("0.01"))):
            if number is not None and match[part]:
                number += (read_number(match[part]) or 0) * worth
        if number is not None and not _TOGETHER.match(text[match.start() :]):
            yield Value("amount", f"{number:.2f}", *match.span())


def _spoken_sum(text: str) -> Iterator[Value]:
    match = _SPOKEN_SUM.match(text)
    number = read_number(match["n"]) if match else None
    if match and number is not None:
        yield Value("amount", f"{number:.2f}", *match.span("n"))


def _relative(text: str) -> list[Value]:
    return [
        Value("tier", value, *match.span())
        for value, pattern in _RELATIVE
        for match in pattern.finditer(text)
        if _is_tier(text, match)
    ]


_SEEN = re.compile(r"(?:帮?我?想?|请|麻烦)[查看](?!着)")
"""看看我之前选的档次 looks one up and chooses none."""


_ASKS_WHICH = re.compile(r"哪|[交缴]得|[笔条张次](?:的|是)*最|金额|最[多少大小](?:的|是|那)*[笔条张次]")
"""哪一年交得最多, 最少的那笔: of records."""


def _is_tier(text: str, match: re.Match[str]) -> bool:
    """最少 in 最少要交多少 asks something; a tier is named by 档, or stands as a choice."""
    said, after = match[0], text[match.end() :]
    if re.match(rf"{NUMBER}(?:元|块)?(?:的|那|这)?一?[档个]", after):
        return False
    if _SEEN.match(text):
        return False
    if "档" in said:
        return True
    if _ASKS_WHICH.search(text):
        return False
    if re.match(r".{0,3}(?:多少|几|年限|好多|什么时候)|晚|年限|限额|近|后", after):
        return False
    return not said.startswith("最") or said[1] not in "多大小少" or said.endswith("的") or len(text) <= 8


def _tier(match: re.Match[str], span: tuple[int, int], *, flexible: bool, resident: bool) -> Iterator[Value]:
    number = read_integer(match["n"])
    if number is None or number < LOWEST_TIER:
        return
    either = number in PERCENTS and not match["yuan"] and not resident
    percent = either and (flexible or number not in RESIDENT_TIERS - {100, 200})
    yield Value("tier", f"{number}%" if percent else str(number), *span)


def _ordinals(text: str) -> list[Value]:
    found = [Value("ordinal", "-1", *match.span()) for match in _LAST.finditer(text)]
    found += [Value("ordinal", "1", *match.span()) for match in _FIRST.finditer(text)]
    for match in _NTH.finditer(text):
        number = read_integer(match["n"])
        if number:
            found.append(Value("ordinal", str(-number if match["last"] else number), *match.span()))
    found += _stretches(text)
    for pattern in (_NUMBERED, _SMALL_TIER):
        for match in pattern.finditer(text):
            number = read_integer(match["n"])
            if number and number <= 31:
                found.append(Value("ordinal", str(number), *match.span()))
    several = _SEVERAL.match(text)
    if several and not found:
        numbers = [read_integer(said) for said in re.findall(_PLACE, several["n"])]
        found = [Value("ordinal", str(n), *several.span("n")) for n in numbers if n and n <= LONGEST_STRETCH]
    bare = _BARE.match(text)
    if bare and not found:
        number = read_integer(bare["n"])
        if number and number <= 25:
            found.append(Value("ordinal", str(number), *bare.span("n")))
    return found


def _stretches(text: str) -> Iterator[Value]:
    for match in _FROM_TO.finditer(text):
        first, last = read_integer(match["a"] or match["c"]), read_integer(match["b"] or match["d"])
        if first and last and last - first in range(1, LONGEST_STRETCH):
            yield from _places(first, last, match.span())
    for match in _FOREMOST.finditer(text):
        yield from _places(1, read_integer(match["n"]) or 1, match.span())
    for match in _HINDMOST.finditer(text):
        yield from _places(-(read_integer(match["n"]) or 1), -1, match.span())


def _places(first: int, last: int, span: tuple[int, int]) -> Iterator[Value]:
    return (Value("ordinal", str(place), *span) for place in range(first, last + 1))
