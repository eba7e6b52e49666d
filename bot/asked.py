"""What is said while a number or a name is asked for: the answer, or something else.

The whole of an answer is sealed, since nobody knows what is in it. So what is no answer has to be known before
anything else reads the text: from its words, and from the understanding, which parses it in memory.
"""

import re
from typing import Any, Protocol

from services.domain.kin import RELATION
from services.domain.names import begins_with_surname, read_name_answer
from services.vault import TOKEN

CONTROL = frozenset(
    {"cancel", "go_back", "change_answer", "help", "request_human", "restart", "repeat", "hold", "deny",
     "login", "faq", "bot_challenge", "complain"}
)  # fmt: skip
SURE = 0.9
SIGHS = "那哎唉嗯，,"
PUNCTUATION = " 　，。！？、,.!?~～…"
TASKS = frozenset({"pay_insurance", "get_certificate", "query_records", "check_payment_status"})
"""What else may be asked for instead of giving a number or a name."""
ASIDES = frozenset({"faq", "request_refund", "check_payment_status"})
ASKS = re.compile(r"怎么|咋|为什么|为啥|多少|好多|哪里|哪儿|什么时候|能不能|可不可以|吗$|[?？]")
"""What is asked in between is no answer, also where the understanding is less sure of it."""
NUMBERED = re.compile(r"[\dA-Za-z]")
YEAR = re.compile(r"(?<!\d)(?:20)?\d\d年|(?<!\d)20\d\d(?=的)")
"""2026年的 is no number of anybody."""
NUMERALS = re.compile(r"[\dA-Za-z零〇一二两三四五六七八九十幺洞拐勾百千]")
"""A document that is named without any of these is named only: 他用的是护照."""
SKIPPED = re.compile(r"(?:不|别|只)(?:用|要|给|帮|先)?.{0,5}(?:交|缴|算)了?|去掉|跳过|除开|(?:不|别|莫)管")
"""Somebody shall not be paid for after all: 爷爷的先不交, while his number is asked for."""
WISH = re.compile(
    r"扣|退|[缴交付]错|付款|支付|付钱|[来再]付|显示|[到入]账|打不开|全年|年底|最[低高]|档|[今明去后]年"
    r"|[一二三四五六七八九十\d]月|个月|[一二两三四五六七八九][百千成]|养老|医保|补缴|一起|还有|加上|算上|不[要交缴付办弄搞]了|(?<![不莫])(?:授权|同意)|还是.{0,3}[交缴要加]|换.{0,2}个?人|不是给"
)
"""Words of wishes and values, which are neither number nor name: 到年底 最低, 扣了两次钱."""
PLAIN = re.compile(
    rf"{WISH.pattern}|{RELATION.pattern}|[百千成]|页面|链接|改成|换成|居民|灵活|就业|社保|保险|自己|本人|可以|怎么|什么|多少|时候"
    r"|[我你您他她的了吗呢吧啊嘛哦是不这那就也还把给帮替跟几钱元块有没来到底次查一二两三四五六七八九十百千\d下看去交缴付行好要"
    r"先再都喊叫让从起能年月份第个号加上说想才又错人费款\s，。！？、,.!?~～…]"
)
"""A wish that says nothing besides these names nobody."""
PAPER_WORDS = re.compile(r"税收|完税证明|凭证|记录|[补开具打印]|[（()）]")
PAPER = re.compile(r"(?:开|打|补|查|看).*(?:完税证明|凭证|[交缴]费记录)")
"""A paper or records, asked for by name."""
NO_WISH = re.compile(
    r"[\dA-Za-z]{3}|(?:[零〇一二两三四五六七八九幺洞拐勾].{0,2}){6}|号|证|位|数字|开头|尾|没有?[医养社参]"
)
NONE_AT_HAND = re.compile(
    r"(?:我|他|她|手边|手头|身上|现在|暂时|还|都)*(?:没得|没有|莫得|没带|没拿|找不到|不晓得|不知道|记不[得到住]|忘)"
    r"(?:[他她]的)?(?:身份证|户口本)?(?:的)?(?:号码?|证件?)?(?:[了嘛的哦啊]|在身上)*"
)
"""没得身份证号码 is an answer, and no question about the newborn, who have none yet."""
ASSENT = re.compile(
    r"(?:(?:嗯|恩|哦|噢|好|可以|行|要得|对头?|是|晓得|知道|明白|收到|稍等|等我?(?:一?[会下哈]|找|看)|ok)(?:的|嘞|了|嘛|吧|啊|呀|哈|儿)*)+",
    re.IGNORECASE,
)
"""好了, 嗯嗯, 稍等: neither a number nor a name, and nothing personal."""
AS_I_CHOSE = re.compile(
    r"(?:就|要|也|都)*(?:跟|和|同|照|按|与)(?:到|着)?我(?:自己|本人)?(?:的|选的|[交缴]的)*(?:一样|一个样|相同|那一?[档个])?(?:的|嘛|吧|就行|就是)*"
)
"""跟我一样: the same tier and year as for oneself."""
LAST_PART = re.compile(r"(.+[,，、。;；\s])([^,，、。;；\s]+)")
NOTHING = frozenset({"out_of_scope", "nlu_fallback", "chitchat"})
REQUESTS = TASKS | {"request_refund"}
REQUEST = re.compile(
    r"(?:查|看|开|打印?|补?[交缴]|补|付|退|办|下载).{0,8}?(?:社保|医保|养老|医疗|保险|[缴交付]费|凭证|证明|记录|发票|账单|多少|没|费)"
)
"""What to do, and with what: 查我2026年的养老 asks for something, however sure the understanding is of it."""
SHORT = 4
"""So short a text may be a name, whatever it is taken for: only these words are not sealed then."""
CONTROL_WORDS = frozenset(
    [
        "取消",
        "跳过",
        "跳过他",
        "跳过她",
        "返回",
        "上一步",
        "后退",
        "回去",
        "帮助",
        "帮帮我",
        "人工",
        "转人工",
        "人工客服",
        "找人工",
        "客服",
        "退出",
        "重新开始",
        "重来",
        "再来一次",
        "重新来",
        "再说一遍",
        "重复",
        "授权",
        "重新授权",
        "登录",
        "拒绝",
        "不要",
        "不用",
        "不了",
        "不想",
        "不行",
        "算了",
        "不办了",
        "等一下",
        "等等",
        "改一下",
        "为什么",
        "怎么办",
        "好了",
        "付好了",
        "我付好了",
        "付了",
        "已经付了",
        "对的",
        "没错",
        "是的",
    ]
)


class Understands(Protocol):
    async def parse(self, text: str) -> dict[str, Any]: ...
    def is_payload(self, text: str) -> bool: ...


class Redacts(Protocol):
    async def redact(
        self, conversation_id: str, text: str, *, capture: str | None = None, names: bool = True
    ) -> str: ...


class Asked:
    """Texts without personal data, also while some of it is asked for; for all conversations."""

    def __init__(self, engine: Understands, redactor: Redacts) -> None:
        self._engine = engine
        self._redactor = redactor

    async def redact(self, conversation_id: str, text: str, capture: str | None) -> str:
        """`text` without personal data; while one is asked for, nothing but what was recognised gets past."""
        if capture == "perhaps_name":
            said, name = _last_part(text)
            if said and await self._is_name(name):  # 居民，韦二妹
                said = await self._redactor.redact(conversation_id, said)
                return said + await self._redactor.redact(conversation_id, name, capture="person_name")
            capture = "person_name" if await self._is_name(text) else None
        if capture and (request := await self._request(conversation_id, text)):
            return request
        if capture is None or not await self._is_other(text, capture):
            return await self._redactor.redact(conversation_id, text, capture=capture)
        redacted = await self._redactor.redact(conversation_id, text)
        if redacted == text or self._engine.is_payload(text):
            return redacted
        return await self._redactor.redact(conversation_id, text, capture=capture)

    async def _request(self, conversation_id: str, text: str) -> str:
        """给我妈李四兰开完税证明: an answer that asks for a paper besides; empty if anything else is in it."""
        if not PAPER.search(text):
            return ""
        redacted = await self._redactor.redact(conversation_id, text)
        said = YEAR.sub("", PAPER_WORDS.sub("", TOKEN.sub("", redacted)))
        is_known = not NO_WISH.search(said) and not PLAIN.sub("", said)
        return redacted if redacted != text and is_known else ""

    async def _is_name(self, text: str) -> bool:
        """韦二妹, where 居民 or 灵活就业 is asked: a name and nothing else that is understood."""
        bare = text.strip(PUNCTUATION)
        if len(bare) > SHORT or not begins_with_surname(bare) or read_name_answer(bare) is None:
            return False
        parsed = await self._engine.parse(text)
        told = [entity for entity in parsed["entities"] if entity["entity"] != "person_name"]
        intent, is_sure = parsed["intent"]["name"], parsed["intent"]["confidence"] >= SURE
        return not told and (intent in NOTHING or not is_sure)

    async def _is_other(self, text: str, capture: str) -> bool:
        """Whether this is surely no answer to the open question. The text is only parsed, in memory."""
        bare = text.strip(PUNCTUATION).lstrip(SIGHS)
        if (
            self._engine.is_payload(text)
            or bare in CONTROL_WORDS
            or AS_I_CHOSE.fullmatch(bare)
            or ASSENT.fullmatch(text.strip(PUNCTUATION))
        ):
            return True
        if _is_plain_wish(bare):
            return True
        if capture == "person_name" and len(bare) <= SHORT:
            return False
        skipped = SKIPPED.search(text) is not None and not NUMBERED.search(text)
        return skipped or await self._is_other_wish(text, capture)

    async def _is_other_wish(self, text: str, capture: str) -> bool:
        parsed = await self._engine.parse(text)
        intent, is_sure = parsed["intent"]["name"], parsed["intent"]["confidence"] >= SURE
        if intent in CONTROL and is_sure:
            return intent != "faq" or NONE_AT_HAND.fullmatch(text.strip(PUNCTUATION)) is None
        if NUMBERED.search(YEAR.sub("", text)):
            return False
        said = {(entity["entity"], entity["value"]) for entity in parsed["entities"]}
        names_document = any(entity == "id_type" for entity, _ in said) and not NUMERALS.search(text)
        requests = REQUEST.search(text) is not None and read_name_answer(text) is None
        return (
            (intent in TASKS and is_sure)
            or (intent in REQUESTS and requests)
            or (intent in ASIDES and ASKS.search(text) is not None)
            or ("beneficiary", "self") in said  # 给我自己开: nobody else is meant after all
            or (capture == "id_number" and (names_document or YEAR.search(text) is not None))
        )


def _is_plain_wish(text: str) -> bool:
    if not WISH.search(text) or NO_WISH.search(text) or read_name_answer(text) is not None:
        return False
    return len(PLAIN.sub("", text)) <= 1


def _last_part(text: str) -> tuple[str, str]:
    """What stands before the last pause, with it, and what follows."""
    match = LAST_PART.fullmatch(text.strip(PUNCTUATION))
    return (match[1], match[2]) if match else ("", text)
