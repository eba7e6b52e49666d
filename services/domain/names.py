"""Names of people in ordinary Chinese sentences: where they stand, what they are, how they are masked.

A name is taken only where something says that it is one: a label (姓名), a verb of naming (叫), a relation
(我妈), a favour (给…交), or a number of the same person beside it. Everyday words of social insurance and
the places of Guizhou are never names.
"""

import re

from services.domain.kin import WORDS as KIN
from services.domain.name_words import (
    COMMON_SURNAMES,
    COMPOUND_SURNAMES,
    EVERYDAY_WORDS,
    GIVEN_NAME_CHARACTERS,
    GRAMMAR,
    NAMES_TOO,
    PLACES,
    RARE_SURNAMES,
)

MIDDLE_DOT = "·"
DOTS = "·•・‧．.･∙⋅"
LONGEST_NAME = 20
"""Characters; names of minorities are long (`identity-documents` 8)."""

_WORD = re.compile("|".join(sorted(EVERYDAY_WORDS, key=len, reverse=True)))
_BAD_END = frozenset("区县市镇省州乡村局处档费年月险保证号族店院校厅所")

_CN = "一-鿿㐀-䶿\U00020000-\U000323af\uf900-\ufaff"
_COMPOUND = "|".join(COMPOUND_SURNAMES)
_SURNAME = f"(?:{_COMPOUND}|[{COMMON_SURNAMES}])"
_ANY_SURNAME = f"(?:{_COMPOUND}|[{COMMON_SURNAMES}{RARE_SURNAMES}])"
_DOTTED = f"[{_CN}]{{1,12}}(?:[{re.escape(DOTS)}][{_CN}]{{1,12}}){{1,4}}"
_LATIN = r"[A-Za-z][A-Za-z'’-]*(?:[ ,.·][ ]?[A-Za-z][A-Za-z'’-]*){0,4}"
_HARD = r"(?=$|[\s,，.。;；:：!！?？、/|()（）\[\]【】\"“”'‘’⟦〔0-9~～…])"
_SOFT = (
    r"(?=$|[\s,，.。;；:：!！?？、/|()（）\[\]【】\"“”'‘’⟦〔0-9~～…]|[的在是这那他她它和跟与还]"
    r"|交|缴|办|查|开|买|补|付|代|退|申|身份证|证件|电话|手机|号码|医保|医疗|养老|社保|居民|灵活|今年|去年|明年|一起|参保|续|出生|住|要|想)"
)
_VERB = (
    r"(?=[\s]*(?:交|缴|办|查|开|买|补|付|续|代|申|退|打印|下载|选|存|充|弄|登记|参保|的?(?:居民|灵活|城乡|职工|今年|去年|明年|20\d\d|二)?"
    r"(?:年的?|年度的?)?(?:医保|医疗|养老|社保|保险|新农合|缴费|完税|凭证|参保|身份证)))"
)
_RELATION = (
    r"(?:妈妈?|母亲|老妈|娘|爸爸?|父亲|老爸|爹|爷爷?|奶奶?|外公|外婆|姥姥|姥爷|公公|婆婆|岳父|岳母|丈人|丈母娘|老公|老婆|丈夫|妻子|爱人|媳妇|对象|先生|太太"
    r"|儿子|女儿|闺女|孩子|娃娃?|小孩|孙子|孙女|外孙女?|哥哥?|姐姐?|弟弟?|妹妹?|哥|姐|弟|妹|叔叔?|伯伯|舅舅?|姑姑?|姨妈?|婶婶?|嫂子?|姐夫|妹夫|侄[子女儿]|外甥|堂客|婆娘|嬢嬢|舅妈|伯父|伯母|女婿|儿媳妇?"
    r"|老[大二三四五六幺满]|朋友|同事|邻居|亲戚|家人|老人|室友|同学|员工|客户"
    rf"|{KIN})"
)

_IN_NEED = r"(?:低保|五保|特困|贫困|脱贫|困难|残疾)(?:户|人员?|对象|老人)?"

_OF_YEARS = re.compile(
    rf"{_SURNAME}[^今明去后前全满老成少常学每半两一二三四五六七八九十几当历往同整年本多新上下缴交个]?[年月]"
)
"""王松年, 张月: a name may end like a time."""
_UNUSUAL = re.compile(rf"(?!付)[{COMMON_SURNAMES}](?:[{_CN}]岁|我[{_CN}])")
"""李百岁, 任我行: only for who is asked for a name."""
_NUMERALS = re.compile("[零〇一二两三四五六七八九十百千万幺洞拐勾]+(?:块钱?|元钱?|圆)?")
_WISH = re.compile("[付交缴办查退扣再到次档款费月第]")
"""Without a surname before it, what has one of these is no name: 那再付一次, 到年底."""

_LABELLED = re.compile(
    r"(?:姓名|名字|全名|真名|大名|户主|户名|收件人|name)\s*(?P<link>就?(?:是|为|叫做?|[:：=])+)?\s*",
    re.IGNORECASE,
)
_CALLED = re.compile(
    rf"(?:(?P<who>我|他|她|您|人|[个位有]|{_RELATION})(?:的(?:名字|姓名))?(?:就|呢)?(?:是)?(?:名?叫做?|(?P<loud>喊做?)|姓名)(?P<link>[:：])?|^叫|^喊做|名叫)\s*"
)
"""`loud`: 他喊项前进 names him, 他喊我交 does not: only a surname counts then."""
_FAVOUR = re.compile(
    rf"(?:给|帮|替|为|代|帮忙给|帮忙帮)(?:我|我们|俺)?(?:的?(?:家|{_RELATION}|{_IN_NEED}))?\s*(?P<name>{_SURNAME}[{_CN}]{{1,2}}?|{_DOTTED}){_VERB}"
)
_RELATED = re.compile(rf"{_RELATION}\s*[,，:：]?\s*(?P<name>{_SURNAME}[{_CN}]{{1,2}}?){_SOFT}")
_ROLE = re.compile(
    rf"(?:被代缴人|参保人|缴费人|被保险人|投保人|纳税人|申请人|联系人|本人|我本人)\s*(?P<link>是|为|叫|[:：])?\s*"
    rf"(?P<name>{_SURNAME}[{_CN}]{{1,2}}?){_SOFT}"
)
_I_AM = re.compile(
    rf"(?:^|[,，。;；!！\s]|[您你]好|喂)(?:我|俺|这里)是\s*(?P<name>{_SURNAME}[{_CN}]{{1,2}}){_HARD}"
)
_POSSESSIVE = re.compile(
    rf"(?:^|[,，。\s]|一下|查[询哈下]?|看[看哈下]?|交|缴|开具?|打印|下载|要|换成|改成|还有)\s*(?P<name>{_SURNAME}[{_CN}]{{1,2}})的"
    r"(?=(?:居民|灵活|城乡|职工|20\d\d|今年|去年|明年)?(?:年的?|年度的?|就业)?"
    r"(?:医保|医疗|养老|社保|保险|新农合|缴费|完税|凭证|参保|身份证|证件|号码|记录|那份|也要?[交缴]?[。.!！]*$))"
)
_AND = r"(?:和|跟|与|同|还有|以及|、)"
_ONE = rf"(?:我(?:们|自己|本人)?|我?(?:的|家)?{_RELATION}|(?!周[一二三四五六日末]){_SURNAME}[{_CN}]{{1,2}}?)"
_SEVERAL = re.compile(
    rf"(?:^|(?<=[\s,，。;；给帮替为查看开打要交缴是成上]))(?P<all>{_ONE}(?:的?{_AND}\s*{_ONE})+)(?:{_SOFT}|(?=[都两俩各]))"
)
"""我和王小芳的, 给李梅和我妈开, 王小芳、李梅都交: whoever stands beside somebody."""
_NAMED = re.compile(rf"\s*(?!{_RELATION}){_SURNAME}[{_CN}]{{1,2}}")
_TOGETHER = re.compile(
    rf"(?:^|[\s,，。;；])(?:和|跟|与|同)\s*(?P<name>{_SURNAME}[{_CN}]{{1,2}}?)(?=一[起块路])"
)
_COMMON = re.compile(
    rf"(?:^|还有|以及|换|成|加上?|开|要|是|给|帮|替|查|看)\s*(?P<name>{_SURNAME}[{_CN}]{{2}})(?=的|那[份张个笔条]|也|都|$)"
)
"""换成王小芳, 还有王小芳的: only what is made of the characters of many names."""
_ASKED = re.compile(
    rf"(?:^|[查看问]一?[下哈看]?|{_RELATION}家?[里头]?的?|隔壁家?的?)\s*(?P<name>{_SURNAME}[{_CN}]{{1,2}}?)"
    r"(?=(?:今年|去年|前年|明年)?的?(?:居民)?(?:医保|养老|社保)?费?(?:[交缴]了?费?没|有没有[交缴]))"
)
"""查一下邻居家罗玉珍交了没."""
_NOT_BUT = re.compile(
    rf"不是\s*(?P<wrong>{_SURNAME}[{_CN}]{{1,2}})[,，\s]*(?:而|应该|应当)?是\s*(?P<right>{_SURNAME}[{_CN}]{{1,2}}){_HARD}"
)
_PUT_RIGHT = re.compile(
    rf"(?:姓名|名字?)[{_CN}]{{0,3}}(?:错|不对)[^,，。]{{0,3}}[,，。\s]*(?:应该|应当|其实|我)?(?:是|叫|改成|改为)\s*"
    rf"(?P<right>{_SURNAME}[{_CN}]{{1,2}}){_HARD}"
)
"""不是李梅，是李玫; 名字写错了，应该是王小芳."""
_SHOULD_BE = re.compile(rf"应[该当](?:是|给|为)\s*(?P<name>{_SURNAME}[{_CN}]{{2}}){_HARD}")
_BESIDE_A_WISH = re.compile(
    rf"(?:^(?P<before>{_SURNAME}[{_CN}]{{2}})[\s,，、]+[交缴]?(?=(?:居民|灵活|城乡)?(?:就业)?(?:医保|医疗|养老|社保))"
    rf"|(?:医保|医疗|养老|社保|保险)(?:费|保险)?[\s,，、]+(?P<after>{_SURNAME}[{_CN}]{{2}})[\s。.!！]*$)"
)
"""交居民医保 龙海英: as certain a name as one that is the whole message."""
_ADDRESSED = re.compile(rf"[{_CN}]大[爷妈姐哥叔婶伯娘]")
"""王大姐 says who it is to a neighbour, and is no name: only for who is asked for one."""
_NUMBER = r"(?:⟦(?:id_number|phone|bank_card):[0-9A-Z]{12}⟧)"
_BEFORE_NUMBER = re.compile(
    rf"(?:^|(?<=[^{_CN}])|(?<=[是为给帮替查看开打补交缴成到叫和跟与加有户家人保爸妈爹娘公婆爷奶叔伯姑姨舅婶嫂哥姐弟妹夫媳女子娃儿崽友居事戚]))(?P<name>{_ANY_SURNAME}[{_CN}]{{1,2}}|{_DOTTED})[\s,，、:：;；/|（(-]*"
    rf"(?:的?呢[\s,，]*)?的?(?:本人)?(?:居民)?(?:身份证|证件|手机|电话|联系)?(?:号码?|方式)?\s*(?:是|为)?\s*[:：]?\s*(?={_NUMBER})"
)
_AFTER_NUMBER = re.compile(
    rf"{_NUMBER}[\s,，、:：;；/|（(-]*(?:姓名|名字|叫|名)?\s*(?:是|叫)?[:：]?\s*"
    rf"(?!都[交缴买办付开查补要也是不])(?P<name>{_DOTTED}|{_ANY_SURNAME}[{_CN}]{{1,2}}?){_SOFT}"
)
_BESIDE_A_DOCUMENT = re.compile(
    rf"{_RELATION}的?(?:身份证|证件)(?:号码?)?[\s,，、:：]+(?:叫|是|名字)?(?P<name>{_SURNAME}[{_CN}]{{1,2}}){_HARD}"
)
"""⟦…⟧是我娃的身份证，罗小梅."""
_DOTTED_ALONE = re.compile(_DOTTED.replace(re.escape(DOTS), "·•・‧"))
_WHOLE = re.compile(rf"^\s*(?P<name>{_SURNAME}[{_CN}]{{2}})[\s。.!！]*$")
_CUT = re.compile(
    rf"^.*(?:{_RELATION}|名字|一下|[叫是给帮替为查交缴和跟与的名我他她人])"
    r"(?=[^叫是给帮替为查交缴和跟与的名我他她人])"
)
_AFTER_DOTTED = re.compile(
    r"[交缴办查开的是在这那他她和跟想要就也啊呀吧呢哦]|补缴|付|续保|代|退|身份证|证件|电话|手机|医保|医疗|养老|社保|居民|灵活"
    r"|参保|今年|明年|去年|现在|本人|买医|买养|买社"
)
"""What stands before and after a name with dots in it."""

_TRIGGER = re.compile(
    rf"应[该当]|[交缴]了?费?没|没有[交缴]|[叫喊给帮替为代是的那和跟与同、⟦姓名{DOTS[:5]}]|人|户主|还有|以及|[换改]成|{_RELATION}|name",
    re.IGNORECASE,
)
_STRICT_NAME = re.compile(rf"(?P<name>{_ANY_SURNAME}[{_CN}]{{1,2}}?){_SOFT}")
_FREE_NAME = re.compile(rf"(?P<name>{_DOTTED}|[{_CN}]{{2,6}}){_HARD}")
_LATIN_FULL = re.compile(r"(?P<name>[A-Z][A-Za-z'’-]+(?:[ ,.·][ ]?[A-Z][A-Za-z'’-]*){1,4})(?=$|[^A-Za-z])")
"""Given name and family name in capitals, as passports have them: a name also without a word that says so."""
_LATIN_NAME = re.compile(rf"(?P<name>{_LATIN})(?=$|[^A-Za-z])")


def find_names(text: str) -> list[tuple[int, int, str]]:
    """Names in `text`: `(start, end, name)` in order, without overlaps; `name` in its canonical spelling.

    Numbers that were sealed before (`⟦id_number:…⟧`) count as numbers of the person named beside them.
    """
    found: list[tuple[int, int]] = []
    whole = _WHOLE.match(text)
    if (
        whole
        and all(c in GIVEN_NAME_CHARACTERS for c in whole["name"][1:])
        and is_plausible_name(whole["name"])
    ):
        found.append(whole.span("name"))
    elif beside := _beside_a_wish(text):
        found.append(beside)
    elif _TRIGGER.search(text):
        found = [
            *_labelled(text),
            *_called(text),
            *_in_context(text),
            *_beside_others(text),
            *_put_right(text),
            *_dotted(text),
        ]
        found = [_trimmed(text, *span) for span in found]
    return [(start, end, canonical_name(text[start:end])) for start, end in _without_overlaps(found)]


def canonical_name(name: str) -> str:
    """One spelling for comparing and storing: `·` between the parts, single spaces in Latin names."""
    name = name.strip()
    if re.search(f"[{_CN}]", name):
        name = re.sub(rf"\s*[{re.escape(DOTS)}]\s*", MIDDLE_DOT, name)
        return re.sub(r"\s+", "", name)
    return re.sub(r"\s+", " ", name).upper()


def mask_name(name: str) -> str:
    """The last character only: `*芳`, `**芳` (`identity-documents` 9)."""
    return "*" * max(len(name) - 1, 1) + name[-1:]


def is_plausible_name(name: str) -> bool:
    """Could these characters be somebody's name at all? Domain words, places and grammar are not."""
    if any(c in name for c in DOTS):
        return len(name) <= LONGEST_NAME
    ends_badly = name[-1] in _BAD_END and not _OF_YEARS.fullmatch(name)
    if not 2 <= len(name) <= 6 or ends_badly or name[:2] in PLACES or name[-2:] in PLACES:
        return False
    return not (_WORD.search(name) or any(c in GRAMMAR for c in name[1:]) or name[0] in GRAMMAR - {"钱"})


def _may_be_told(name: str) -> bool:
    """Whether it can be the answer to "what is the name?": more than in a sentence, but no number and no wish."""
    if _NUMERALS.fullmatch(name) or (not begins_with_surname(name) and _WISH.search(name)):
        return False
    return is_plausible_name(name) or name in NAMES_TOO or _UNUSUAL.fullmatch(name) is not None


def read_name_answer(text: str) -> str | None:
    """The name in an answer to "what is the name?", or None if the answer is something else."""
    found = find_names(text)
    if found:
        return found[0][2]
    bare = re.sub(
        rf"^(?:嗯+|哦|呃|好的?|那个|他|她|我|{_RELATION}|的|是|就|叫做?|喊做?|名字|姓名|[:：,，\s])+",
        "",
        text.strip(),
    ).strip("。.!！?？,，;；:： ")
    bare = re.sub(r"(?:啊|呀|吧|哈|哦|的)$", "", bare)
    compact = re.sub(r"\s+", "", bare)
    if re.fullmatch(f"{_DOTTED}|[{_CN}]{{2,6}}", compact) and _may_be_told(compact):
        return canonical_name(compact)
    if re.fullmatch(_LATIN, bare) and len(bare) >= 3:
        return canonical_name(bare)
    return None


def begins_with_surname(name: str) -> bool:
    """Whether it begins with one of the common surnames."""
    return re.match(_SURNAME, name) is not None


def _beside_a_wish(text: str) -> tuple[int, int] | None:
    match = _BESIDE_A_WISH.search(text)
    if match is None or _TRIGGER.search(text):
        return None
    group = "before" if match["before"] else "after"
    given = all(c in GIVEN_NAME_CHARACTERS for c in match[group][1:])
    return match.span(group) if given and is_plausible_name(match[group]) else None


def _labelled(text: str) -> list[tuple[int, int]]:
    """After 姓名: and the like. With a colon or 是 any characters will do, otherwise a surname is wanted."""
    found = []
    for label in _LABELLED.finditer(text):
        patterns = [_STRICT_NAME, _FREE_NAME, _LATIN_NAME] if label["link"] else [_STRICT_NAME, _LATIN_FULL]
        found.extend(_first_plausible(patterns, text, label.end()))
    return found


def _called(text: str) -> list[tuple[int, int]]:
    found = []
    for cue in _CALLED.finditer(text):
        free = [] if cue["loud"] else [_FREE_NAME, *([_LATIN_NAME] if cue["who"] else [])]
        patterns = [_STRICT_NAME, *free]
        found.extend(_first_plausible(patterns, text, cue.end()))
    return found


def _first_plausible(patterns: list[re.Pattern[str]], text: str, start: int) -> list[tuple[int, int]]:
    for pattern in patterns:
        match = pattern.match(text, start)
        if match and (pattern in (_LATIN_NAME, _LATIN_FULL) or is_plausible_name(match["name"])):
            return [match.span("name")]
    return []


def _in_context(text: str) -> list[tuple[int, int]]:
    found = []
    for pattern in (
        _BEFORE_NUMBER, _AFTER_NUMBER, _ROLE, _FAVOUR, _RELATED, _I_AM, _POSSESSIVE, _SHOULD_BE,
    ):  # fmt: skip
        for match in pattern.finditer(text):
            if is_plausible_name(match["name"]) and not _ADDRESSED.fullmatch(match["name"]):
                found.append(match.span("name"))
    return found


def _beside_others(text: str) -> list[tuple[int, int]]:
    """Names in an enumeration; all that stands in it and is nobody's relation has to be a name."""
    found = []
    for match in _SEVERAL.finditer(text):
        parts = [
            part for part in re.finditer(rf"(?:(?!的?{_AND}).)+", match["all"]) if _NAMED.fullmatch(part[0])
        ]
        if all(is_plausible_name(part[0].strip()) for part in parts):
            found += [(match.start("all") + part.start(), match.start("all") + part.end()) for part in parts]
    found += [match.span("name") for match in _TOGETHER.finditer(text) if is_plausible_name(match["name"])]
    return found + [
        match.span("name")
        for match in (
            *_COMMON.finditer(text),
            *_ASKED.finditer(text),
            *_BESIDE_A_DOCUMENT.finditer(text),
        )
        if set(match["name"][1:]) <= GIVEN_NAME_CHARACTERS and is_plausible_name(match["name"])
    ]


def _put_right(text: str) -> list[tuple[int, int]]:
    """A name that was wrong, and the one that is right."""
    return [
        span
        for pattern in (_NOT_BUT, _PUT_RIGHT)
        for match in pattern.finditer(text)
        if all(is_plausible_name(name) for name in match.groups())
        for span in match.regs[1:]
    ]


def _dotted(text: str) -> list[tuple[int, int]]:
    """A name with a dot inside is a name wherever it stands."""
    return [match.span() for match in _DOTTED_ALONE.finditer(text)]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the words that stand before and after a name with dots: nothing else shows where it ends."""
    parts = re.split(r"[·•・‧]", text[start:end])
    if len(parts) == 1:
        return start, end
    cut = _CUT.match(parts[0])
    follow = _AFTER_DOTTED.search(parts[-1], 1)
    return start + (cut.end() if cut else 0), end - (len(parts[-1]) - follow.start() if follow else 0)


def _without_overlaps(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longer of two overlapping spans stays."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if all(end <= other[0] or start >= other[1] for other in kept):
            kept.append((start, end))
    return sorted(kept)
