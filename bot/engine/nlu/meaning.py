"""What is meant of what was said: the values of a sentence after negations and self-corrections."""

import re
from datetime import date

from bot.engine.nlu.dates import read_dates
from bot.engine.nlu.festivals import read_festivals
from bot.engine.nlu.figures import read_figures
from bot.engine.nlu.normalise import TOKEN, Normal, normalise
from bot.engine.nlu.places import read_places
from bot.engine.nlu.values import FIELD, Value, longest
from bot.engine.nlu.words import read_words
from services.domain.names import find_names

SEALED = {"id_number", "person_name"}
FIELDS = {
    "tier": r"(?:缴费)?档次|档位|选档|基数",
    "fee_year": r"(?:缴费)?年度|(?:缴费)?年份|哪一?年|年头",
    "fee_period": r"(?:费款|缴费)?所属期|月份|时间段|费款期|哪几个月|时段",
    "insurance": r"险种|保险种类|保险类型",
    "payment_type": r"(?:缴费)?类型|缴费方式",
    "agency": r"(?:社保)?(?:经办)?机构|参保地|经办地|社保局|医保局",
    "insured_group": r"人员类别|参保身份|人员身份|身份类别|人群",
    "arrears_item": r"补缴项目|欠费项目",
}
"""What can be changed, by the word for it."""
_CHANGE = re.compile(r"改|换|变|调|重新?选|选错|错了|不对|另选|更正|修改")

_PAUSE = r"[,，.。;；!！?？、:：…~—]"
_NO_BEFORE = re.compile(
    r"(?<![是要交能会可用想该])(?:不要|不想要?|不是(?:要|交|缴|说)?|别|不用|不必|不需要|不打算|不办|不再|不买|不选择?|不(?:缴|交)|没说|没让你|没要|莫|不得|除了?|而非|并非|不(?=[给帮替])|不考虑|甭|不(?:看|查|开|打印?|付|按|算|走|改|换|退)|不想(?:交|缴|选|办|买)|不肯|不弄|不搞|取消|拒绝)"
    r"(?:给|帮|替|为|我|选|交|缴|办|买|开|那个|这个|那种|的|要|用|按|搞|弄|了|再|查)*$"
)
_AND_NOW = rf"[交缴]{_PAUSE}*(?:现在|今天|这次|我|想|要|来|给|帮)*[交缴补](?:起|上|齐|了|一|下|哈)*$"
_NO_AFTER = re.compile(
    rf"^(?:的|那个|那种|那|保险|档次?|费|先|就|我|呢|也|都|年度?|这个|份|{_PAUSE})*"
    rf"(?:不(?:要|交|缴|想要?|用|选|行|对|买|办|是|考虑|需要)了?(?![要交缴是选]|对不|行不)|算了|太贵|太高了?|太低了?|错了|说错|搞错|除外|免了|取消|先放|先不|暂时不|莫(?!{_AND_NOW})|就免)"
)
"""三月份莫交，补一哈 says that it was not paid; 养老莫交，交医保 takes back."""
_OF_NEXT = re.compile(r"不是[给帮替]$")
"""是给我兄弟交，不是给我: what is rejected follows."""
_NO_VERB = re.compile(r"(?<![是要交缴能会可补])不$")
"""不 before a value that is itself something to do: 不补缴, 不帮我妈交."""
_MISTAKE = re.compile(r"不对|错")
_ASKED = re.compile(r"^.{0,6}(?:行不|行吗|可以|会不会|会怎|有什么|怎么办|怎样|咋|吗|不[?？]?$|有没有|影响)")
_CORRECTION = re.compile(
    rf"不对|错了|说错|讲错|搞错|弄错|记错|选错|说反|口误|哦不|噢不|啊不|呃不|不不|(?<=[,，.。;；、…~—])[啊哦噢呃哎唉诶]?不[啊呀]?(?=[,，.。;；、…~—])|^[啊哦噢呃]?不[啊呀]?$|不是不是|不是(?={_PAUSE}|是)|我是说|我说的是|应该是|应该|改成|改为|改到|改交|改缴|换成|换为|换到|换交|调成|变成|更正|(?:吧|算了|想想|{_PAUSE})我?还是(?!不)|算了|等等|重说|重新说|应当是"
)


_FAVOUR = re.compile(r"[给帮替为](?![我您你自])[^交缴办付买补查开，,。;；\s◇]{0,5}$|代缴$")


def read(typed: str, today: date) -> tuple[Normal, list[Value]]:
    """The sentence in its reading spelling, and the values that are meant, in the order in which they stand.

    Two values of one entity are both meant unless one takes the other back.
    """
    normal = normalise(typed)
    sealed = _sealed(normal.text)
    text = TOKEN.sub(lambda match: "◇" * len(match[0]), normal.text)
    names = _names(normal, typed, bool(sealed))
    found = longest(
        [
            *sealed,
            *names,
            *read_dates(text, today),
            *read_festivals(text, today),
            *read_words(text),
            *read_figures(text),
            *read_places(text),
        ]
    )
    found = [*found, *_favours(text, found)]
    meant = _exact_days(_after_corrections(normal, _without_negated(text, found)))
    return normal, sorted([*meant, *_fields(text, meant)], key=lambda value: value.span)


def _sealed(text: str) -> list[Value]:
    return [Value(match[1], match[0], *match.span()) for match in TOKEN.finditer(text) if match[1] in SEALED]


def _names(normal: Normal, typed: str, sealed: bool) -> list[Value]:
    """Names in a text that was not redacted (`/model/parse`); spans are those of the reading spelling."""
    found = []
    for start, end, name in find_names(typed):
        inside = [place for place, origin in enumerate(normal.origin) if start <= origin < end]
        if inside and not (sealed and "⟦" in typed[start:end]):
            found.append(Value("person_name", name, inside[0], inside[-1] + 1))
    return found


def _favours(text: str, found: list[Value]) -> list[Value]:
    """给 somebody named 交, 给低保户 and a number: for another, also when no relation is said."""
    if any(value.entity == "beneficiary" for value in found):
        return []
    return [
        Value("beneficiary", "other", value.start, value.end)
        for value in found
        if value.entity in SEALED and _FAVOUR.search(text[: value.start])
    ]


def _fields(text: str, meant: list[Value]) -> list[Value]:
    """改一下档次 names what is to be changed, and no value for it."""
    if not _CHANGE.search(text):
        return []
    known = {value.entity for value in meant}
    found = []
    for field, words in FIELDS.items():
        match = re.search(words, text)
        if match and field not in known:
            found.append(Value(FIELD, field, *match.span()))
    return found if len(found) == 1 else found[:1]


# --- negation and correction ------------------------------------------------------------------------


def _without_negated(text: str, found: list[Value]) -> list[Value]:
    """A name or number stays unless another one is said instead: 不是李梅，是李玫."""
    left = [value for value in found if not _is_negated(text, value, found)]
    kept = {value.entity for value in left}
    return [
        value for value in found if value in left or (value.entity in SEALED and value.entity not in kept)
    ]


def _is_negated(text: str, value: Value, found: list[Value]) -> bool:
    reach = _reach(text, value, found)
    if _NO_VERB.search(text[: reach[0]]) and text[value.start] in "补给帮替按照跟" and not _asks(text, value):
        return True
    before = _NO_BEFORE.search(text[: reach[0]])
    if before and not _is_correction(text, before):
        return True
    after = _NO_AFTER.match(text[reach[1] :])
    if not after or _ASKED.match(text[reach[1] + after.end() :]):
        return False
    following = [other for other in found if other.start >= reach[1] + after.end() - 1]
    if _MISTAKE.search(after[0]) and following and all(one.entity != value.entity for one in following):
        return False  # 给我妈交医保，不对，给我自己: something else was wrong
    direct = any(other.start == reach[1] + after.end() for other in following)
    # 今年不是明年: the 不是 stands with what follows it
    return not (
        _OF_NEXT.search(text[reach[1] : reach[1] + after.end() + 1])
        or (direct and after[0].endswith(("不是", "不要", "不交", "不缴", "不选", "不办", "不买", "不用")))
    )


def _asks(text: str, value: Value) -> bool:
    """不补缴会怎么样 asks what follows from it."""
    return bool(re.search(r"会|怎|吗|影响|行不|[?？]", text[value.end :]))


def _reach(text: str, value: Value, found: list[Value]) -> tuple[int, int]:
    """The phrase around `value`: 居民医保 is negated as a whole, 今年的居民医保 too."""
    start, end = value.span
    for other in sorted(found, key=lambda v: -v.end):
        if other.end <= start and text[other.end : start] in {"", "的"} and other.entity != value.entity:
            start = other.start
    for other in sorted(found, key=lambda v: v.start):
        if other.start >= end and text[end : other.start] in {"", "的"} and other.entity != value.entity:
            end = other.end
    return start, end


def _is_correction(text: str, negation: re.Match[str]) -> bool:
    """不是, said twice or followed by a pause, takes back what came before, not what comes after."""
    return bool(
        re.search(
            rf"不是(?:不是|{_PAUSE})|[啊哦噢呃哎唉]不是",
            text[max(0, negation.start() - 1) : negation.end() + 1],
        )
    )


def _after_corrections(normal: Normal, found: list[Value]) -> list[Value]:
    kept = []
    for place, value in enumerate(found):
        later = [
            other for other in found[place + 1 :] if other.entity == value.entity and other.start >= value.end
        ]
        if not later:
            kept.append(value)
            continue
        between = normal.text[value.end : later[0].start]
        moved = re.search(r"(?:从|把|由)[^,，]*$", normal.text[: value.start]) and re.search(
            r"[改换变调]|到", between
        )
        if value.value == later[0].value and value.entity != "ordinal":
            continue
        if not (_CORRECTION.search(between) or moved):
            kept.append(value)
    return kept


def _exact_days(found: list[Value]) -> list[Value]:
    """国庆前的，9月25到9月30: days that are named make the longer stretch around them exact."""
    stretches = [tuple(value.value.split("/")) for value in found if value.entity == "date_range"]
    return [
        value
        for value in found
        if value.entity != "date_range"
        or not any(
            first <= one[0] and one[1] <= last and one != (first, last)
            for first, last in [value.value.split("/")]
            for one in stretches
        )
    ]
