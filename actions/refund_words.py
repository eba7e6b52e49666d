"""What a sentence says of a refund: why, which payment, and whether it asks how far it is or takes it back."""

import re

from actions.turn import Turn
from services.domain.refunds import Reason

REASONS: tuple[tuple[Reason, re.Pattern[str]], ...] = (
    (Reason.DECEASED, re.compile(r"去世|过世|死了|死亡|身故|人没了|人走了|人不在了|走了的人")),
    (
        Reason.INSURED_ELSEWHERE,
        re.compile(
            r"职工(医保|社保|养老|保险)|参加.{0,3}(单位|公司|职工|厂)|进了?(单位|公司|厂)|(单位|公司|厂里|学校).{0,6}(交|缴|买|参|办)|(在)?(外地|外省|别处|异地|老家).{0,4}(交|缴|买|参)"
        ),
    ),
    (
        Reason.WRONG_PERSON,
        re.compile(
            r"错.{0,2}人|人.{0,3}错|(交|缴|弄|付|充)(成|给|到)(了)?.{0,3}(别人|他|她|我|人家|头上|名下)|别人(的|名下|头上)"
        ),
    ),
    (
        Reason.PAID_TWICE,
        re.compile(
            r"重(了|复)|(交|缴|付|扣)(了)?(两|二|2|好几)(次|笔|遍|回|份)|两边都|多(交|缴|付|扣)了?一(次|笔|份)"
        ),
    ),
    (
        Reason.WRONG_AMOUNT,
        re.compile(
            r"(交|缴|付|扣)多了|多(交|缴|付|扣)|(档|年|月份|地方|机构|区县|金额|险种).{0,4}(错|高|多)|选(错|高)|错.{0,2}(档|年|地方|机构|险种)"
        ),
    ),
    (Reason.OTHER, re.compile(r"不想(交|缴|要|办|买)|[后反]悔|不要了|用不着|其[他它](原因)?$")),
)
ASKS_STATE = re.compile(
    r"退(费|款|回|的?钱).{0,10}(到哪|哪一?步|进度|进展|怎么样|怎样了|批了|批没|办好|办完|好了没|好没|下来|"
    r"到账了|到账没|到了[没吗]|情况|结果|状态)|查.{0,6}退(费|款)|(进度|进展).{0,4}退(费|款)"
)
TAKES_BACK = re.compile(
    r"[不别]想?退(费|款|钱)?了|(撤回|撤销|撤掉|撤了|取消|作废).{0,6}(退(费|款)|申请)|退(费|款).{0,6}(撤回|撤销|撤掉|取消|作废)"
)
GIVES_UP = re.compile(
    r"(?:(?:这个?|那个?|我|就|都|又|还是|现在|已经|医保|养老|保险|交的|缴的)*(?:不(?:想)?要|不想[交缴买]|[后反]悔)(?:了|这个|的|啊|嘛|哦|这|保险|医保|养老)*)+"
)
"""不想要了, after it was paid: the money is wanted back."""
PAID_VIA = re.compile(
    r"(?:在|用|通过|走)(?:支付宝|微信|银行|村里|村上|手机|社区|大厅|别处|你们?这里?).{0,4}[交缴付]"
)
LATEST = re.compile(r"刚(才|刚|交|缴|付)|这(一)?笔|最近|今天")
NUMBER = re.compile(r"TF\s?(\d[\d\s]{8,12}\d)", re.IGNORECASE)


def reason_in(text: str) -> Reason | None:
    """The reason that the words give; None when they give none or are a plain 退费."""
    return next((reason for reason, pattern in REASONS if pattern.search(text)), None)


def asks_state(turn: Turn) -> bool:
    return bool(ASKS_STATE.search(turn.text) or number_in(turn.text))


def takes_back(turn: Turn) -> bool:
    return bool(TAKES_BACK.search(turn.text))


def number_in(text: str) -> str | None:
    """The number of a case, however it is spaced."""
    found = NUMBER.search(text)
    return "TF" + re.sub(r"\s", "", found[1]) if found else None
