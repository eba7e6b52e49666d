"""What a sentence says of a query beside its values: the whole time, another page, a record, a chart, a file."""

import re
from datetime import date

from actions.choices import plain, whole_number
from actions.turn import Turn

PAYS = re.compile(r"[交缴买付](?!费?的)|参保|续保|(?:[落欠漏]下|欠起).*补|^/")
"""What asks for a payment, or is a button."""
ANOTHER = re.compile(r"另|别的?个?|换")
"""Somebody else than a moment ago."""
ALL = "all"
LIST, DETAIL, CHART, EXPORT, TOTAL, SETTLED = "list", "detail", "chart", "export", "total", "settled"
MOST, LEAST = "most", "least"
LATEST = "latest"
"""As a place: 最近一次."""
WITHIN = "within"
"""The query of the list of which a part is counted."""
OTHER = "paid_for_other"
NEXT, PREVIOUS, LAST, SAME = "next", "previous", "-1", "same"

_SHORT = 14
"""Characters of a sentence that asks of a list and of nothing else."""

_TO = r"(?:请|我?要|我想|帮我|给我|再|看|翻|到|查|回|返|去|跳)*"
_NUMBER = r"[0-9]{1,3}|[一二两三四五六七八九十]{1,3}"
_NEXT = re.compile(
    _TO + r"(?:下一?页|下页|后一?页|后面|下面|往[后下](?:翻|看)?|翻页|翻一页|接着看|接着念|继续看|继续念|更多"
    r"|(?:还)?有没有(?:别|其他|更多)|还有(?:没有|哪些|什么|别)?|剩下|其余)(?:的|看|一下|看看)*"
)
_PREVIOUS = re.compile(_TO + r"(?:上一?页|上页|前一?页|前面|往[前上](?:翻|看)?|翻回去)(?:的|看|看看)*")
_PAGE = re.compile(rf"{_TO}第({_NUMBER})页(?:的|看|看看)*")
_FIRST = re.compile(_TO + r"(?:首页|最前一?页|头一页)(?:的|看|看看)*")
_LAST = re.compile(_TO + r"(?:最后一?页|末页|尾页)(?:的|看|看看)*")
_BACK = re.compile(_TO + r"(?:列表|清单|那一?页)(?:去|的|看看?)*")
_CHART = re.compile(
    r"(?:按|分)年(?:份|度)?|汇总|画.{0,3}图|图表|柱状?图|统计图|成图|看.{0,2}图|每一?年|各年|逐年|年年|哪一?年.{0,4}最[多少]"
)
_EXPORT = re.compile(
    r"导出|导成|[给做][我成]?.{0,2}[张个]?表(?!示)|excel|xlsx?|电子表|表格|另存|存下来|下载|生成.{0,2}(?:表|文件)|pdf|打印",
    re.IGNORECASE,
)
_PAPER = re.compile(r"凭证|证明|票|收据")
_DETAIL = re.compile(r"详情|详细|明细|展开|具体|^(?:这[条笔]?)?是?(?:哪一?天|几号|什么时候|啥时候)[交缴入退]")
_WHOLE = re.compile(
    r"全部|所有|一共|总共|累计|历年|历史|往年|这[几些]年|从来|一直以来|都[交缴]过|不限|不管|随便|都(?:要|看|查|可以|行)"
)
_EVERY = re.compile(
    r"(?:有效(?:的)?(?:和|跟|、)?无效(?:的)?|两[种个样类](?:记录)?|[全这]部?|所有|一起|每年|哪年)?(?:的)?都(?:给我)?(?:要|看|查|行|可以|来|有)(?:看|查|一下)*"
)
_YEARS = re.compile(r"(?:最近|近|过去|这)的?(?P<n>[1-9]|[一二两三四五六七八九十])年")
_SINCE = re.compile(r"以来|以后|之后|过后|至今|开始的?|(?<!一)起(?![码步])|往后")
_BEFORE = re.compile(r"以前|之前|为止")
_BOOKED = re.compile(r"入[库账帐]")
_PART_OF_YEAR = re.compile(r"[0-9一二三四五六七八九十]月|[上下]半年|季度")
_NAMES_YEAR = re.compile(
    r"(?<!半)年|[去今前明]|最近|近[0-9一二两三四五六七八九十几]|[上本这下]个?月|[0-9]{4}"
)
_LUNAR = re.compile(r"农历|阴历|旧历|腊月|冬月|正月")
_FOR_OTHER = re.compile(
    r"邻居|隔壁|同事|亲戚|代(?:他人|别人|别个|人)?[缴交]|[替帮给](?:别人|他人|别个|家里人|家人)"
)
_OWN = re.compile(
    r"(?:那|还有|还是|开|查|看|打|要)*我(?:自己|本人)?(?:的|那[份张])(?:凭证|完税证明|证明|缴费记录|记录)?"
)
_TOTAL = re.compile(
    r"(?:那|这些|这几[条笔张]|(?:社保|医保|养老|医疗)(?:保险)?费?)?(?:加起来|加在一起|一起|一共|总共|合计|总计)(?:[交缴付]了?|是|有|[花出]了)?(?:多少|好多|几多)?钱?"
)
_HOW_MUCH = re.compile(r"多少|好多|几多|钱")
_WHEN = r"哪一?天|好久|什么时候|啥时候|几号|多少|好多"
_LATEST = re.compile(
    rf"(?:最近|最新|最后)的?[一那]?[次回](?!性)|(?:最近|最新)的?[一那][条笔张份]|上一?[次回].{{0,6}}(?:{_WHEN})|^就?要?(?:最近|最新)的$"
)
_ONLY_LATEST = re.compile(
    rf"(?:我|查|看)*(?:最近|最新|最后|上)的?[一那]?[次回](?:(?:是|{_WHEN}|[交缴付]).*)?"
)
_DECLARES = re.compile(r"(?<![汇举预])报(?:了|过)?(?:几|好多|多少)[次回笔条]|申报")
_PERSONS = re.compile(r"(?:我?是?|都是|查)?(?:个人|自然人|私人)(?:缴费)?(?:的)?")
"""As the kind of payer: both of those that there are."""
_EVERY_INSURANCE = re.compile(r"(?<!居民)(?<!就业)(?<!灵活)社保(?!局|所|卡|中心)|社会保险")
_COUNT = re.compile(r"(?<![第哪这那好])(?:好?几|多少|好多)(?:[条笔张份]|个(?![月年人地星多]))")
_WHICH_OF = re.compile(r"哪[一几些]?[条笔张]|哪些|是哪")
_MOST = re.compile(r"(?<!顶)最(?:多|大|高|贵)|顶多的")
_LEAST = re.compile(r"最(?:少|小|低|便宜)|顶少的")
_OF_A_YEAR = re.compile(r"哪一?年|哪个年|年份?最|年度最")
_OF_ONE = re.compile(r"[笔条张次回月]|哪个|金额|^最[多少大小]")
_SETTLED = re.compile(
    r"(?:请问)?(?:这|那|它|到底|究竟|一?[条笔个次]|我|已经|都|钱|费|的)*"
    r"(?:[缴交付][费钱]?[了过]?(?:没有?|没得|吗|不曾|不)|[缴交付]没[有得]?[缴交付]?[了过]?|有没有[缴交付][费钱过]?|是不是[缴交]了|还没[有得]?[缴交]吗?)"
)
"""缴了没有, of what is in view."""
_STATES = (
    ("tier_choice", "invalid", re.compile(r"无效|失效|没有?效|作废|不作数|过期")),
    ("tier_choice", "valid", re.compile(r"有效|生效|作数|管用")),
    ("declaration", "unpaid", re.compile(r"[没未]有?得?[缴交付]|欠")),
    ("declaration", "void", re.compile(r"作废|无效|撤")),
    ("declaration", "paid", re.compile(r"已?经?[缴交付][了过]|已[缴交]")),
    ("paid", "refunded", re.compile(r"退")),
    (OTHER, "refunded", re.compile(r"退")),
)
"""Kind of query, what a record of it may be, how that is said."""
_STATUS = re.compile(
    r"查.{0,4}缴费(?!成|结果)|查.{0,2}[他她我]的|申报|报[了过]|记录|明细|查询|历史|一共|总共|清单|列表|汇总|每一?年|代[缴交]"
)


def page_asked(turn: Turn) -> str | None:
    """The page that is asked for: its number, `next`, `previous`, `same` or `-1`."""
    if (said := turn.last("query_page")) is not None:
        return str(said)
    text = plain(turn.text)
    if match := _PAGE.fullmatch(text):
        return str(whole_number(match[1]))
    patterns = ((_NEXT, NEXT), (_PREVIOUS, PREVIOUS), (_FIRST, "1"), (_LAST, LAST), (_BACK, SAME))
    return next((page for pattern, page in patterns if pattern.fullmatch(text)), None)


def view_asked(turn: Turn) -> str | None:
    """`chart` or `export` where one is asked for, `detail` for 看详情 without saying of which."""
    if (said := turn.last("query_view")) is not None:
        return str(said)
    if turn.text.startswith("/") or _PAPER.search(turn.text):
        return None
    if _EXPORT.search(turn.text):
        return EXPORT
    return CHART if _CHART.search(turn.text) else None


def asks_detail(turn: Turn) -> bool:
    return bool(_DETAIL.search(turn.text)) and len(plain(turn.text)) <= 8


def asks_total(turn: Turn) -> bool:
    """一共多少钱, of the records that were shown."""
    return bool(_TOTAL.fullmatch(plain(turn.text)))


def asks_how_much(turn: Turn) -> bool:
    """我一共付了好多钱, with no list that it could be about."""
    return asks_total(turn) and bool(_HOW_MUCH.search(turn.text))


def asks_latest(turn: Turn) -> bool:
    """最近一次."""
    return not turn.text.startswith("/") and bool(_LATEST.search(turn.text))


def asks_last_payment(turn: Turn) -> bool:
    """我最近一次交钱是好久, with no list that it could be about."""
    return asks_latest(turn) and bool(_ONLY_LATEST.fullmatch(plain(turn.text)))


def asks_declared(turn: Turn) -> bool:
    """看哈我报了几次."""
    return not turn.text.startswith("/") and bool(_DECLARES.search(turn.text))


def asks_times(turn: Turn) -> bool:
    """几次, 好多回."""
    return bool(re.search(r"(?:几|好多|多少)[次回]", turn.text))


def means_persons(turn: Turn) -> bool:
    """个人, of the kinds of payers."""
    return bool(_PERSONS.fullmatch(plain(turn.text)))


def names_every_insurance(turn: Turn) -> bool:
    """社保, and not which."""
    return bool(_EVERY_INSURANCE.search(turn.text)) and turn.last("insurance") is None


def asks_count(turn: Turn) -> bool:
    """一共有几条, 没开的有好多张: how many there are, of the list that was shown."""
    text = plain(turn.text)
    return len(text) <= _SHORT and not text.startswith("/") and bool(_COUNT.search(text))


def asks_which(turn: Turn) -> bool:
    """没缴的是哪条, 哪几张没开."""
    text = plain(turn.text)
    return len(text) <= _SHORT and not text.startswith("/") and bool(_WHICH_OF.search(text))


def extreme_asked(turn: Turn, *, tiers: bool = False) -> tuple[str, bool] | None:
    """`most` or `least`, and whether of the years: 哪一笔最多, 哪一年交得最少; of `tiers` 哪一档最高."""
    text = plain(turn.text)
    if tiers:
        text = text.replace("档", "条")
    if len(text) > _SHORT or "档" in text or text.startswith("/"):
        return None
    extreme = MOST if _MOST.search(text) else LEAST if _LEAST.search(text) else None
    of_years = bool(_OF_A_YEAR.search(text))
    return (extreme, of_years) if extreme and (of_years or _OF_ONE.search(text)) else None


def asks_settled(turn: Turn) -> bool:
    """Whether it is asked if something is paid, and nothing else is said."""
    return bool(_SETTLED.fullmatch(plain(turn.text)))


def state_said(turn: Turn, kind: str) -> str | None:
    """What the records that are meant have in common: 无效的, 没缴的, 退了费的."""
    return next((state for of, state, said in _STATES if of == kind and said.search(turn.text)), None)


def asks_whole(turn: Turn) -> bool:
    """全部, 这几年, 一共: no bounds in time."""
    return not turn.text.startswith("/") and bool(_WHOLE.search(turn.text))


def asks_all(turn: Turn) -> bool:
    """都要, 两种都看, 有效无效都要: all of what was offered."""
    return bool(_EVERY.fullmatch(plain(turn.text)))


def asks_records(turn: Turn) -> bool:
    """Whether records are asked for, not the state of the payment that was just made."""
    return bool(_STATUS.search(turn.text)) or turn.text.startswith("/")


def recent_years(turn: Turn, today: date) -> str | None:
    """近一年 as the twelve months up to this one, 最近三年 as this year and the two before."""
    match = _YEARS.search(turn.text)
    if match is None:
        return None
    years = whole_number(match["n"])
    if years > 1:
        return f"{today.year - years + 1}-01/{today.year}-12"
    start = today.year * 12 + today.month - 12
    return f"{start // 12}-{start % 12 + 1:02d}/{today:%Y-%m}"


def asks_for_other(turn: Turn) -> bool:
    return bool(_FOR_OTHER.search(turn.text))


def asks_own(turn: Turn) -> bool:
    """Whether one's own are meant: 我自己的呢, 那我的呢."""
    return turn.last("beneficiary") == "self" or bool(_OWN.fullmatch(turn.text.strip("，。？?！ 呢啊嘛喃")))


def asks_booking(turn: Turn) -> bool:
    """Whether a time is that of booking: 十月入库的."""
    return bool(_BOOKED.search(turn.text))


def is_lunar(turn: Turn) -> bool:
    """Whether a time is said in the old calendar, which the books do not know."""
    return bool(_LUNAR.search(turn.text))


def in_year_shown(turn: Turn, span: str, shown: str) -> str:
    """七月的, 八月十号的: of the year that is shown, where no year is said; `span` and `shown` are months or days."""
    said, seen = ({end[:4] for end in period.split("/")} for period in (span, shown))
    names_no_year = _PART_OF_YEAR.search(turn.text) and not _NAMES_YEAR.search(turn.text)
    if not names_no_year or len(said) != 1 or len(seen) != 1 or span == ALL:
        return span
    return span.replace(said.pop(), seen.pop())


def widened(turn: Turn, span: str, *, earliest: str, latest: str) -> str:
    """The years of `span` up to now (去年以来), or from the beginning (去年以前); the parse does for months, days."""
    first, _, last = span.partition("/")
    if _SINCE.search(turn.text) and first <= latest:
        return f"{first}/{latest}"
    return f"{earliest}/{last or first}" if _BEFORE.search(turn.text) else span
