"""Sentences that no training example is made of: how many are understood, and which must be."""

from typing import Any

import pytest
import yaml

from tests.nlu.conftest import ROOT, Parse, intent_of, values_of

FILE = ROOT / "tests" / "nlu" / "sentences.yml"
INTENTS_RIGHT = 0.98
VALUES_RIGHT = 0.99


def load() -> list[tuple[str, str, dict[str, list[str]]]]:
    groups: dict[str, list[list[Any]]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return [
        (text, intent, {name: said if isinstance(said, list) else [said] for name, said in values.items()})
        for rows in groups.values()
        for text, intent, values in rows
    ]


SENTENCES = load()


def test_held_out_sentences_are_held_out() -> None:
    trained = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "data" / "nlu").glob("*.yml"))
    examples = {line.strip().removeprefix("- ") for line in trained.splitlines()}
    assert len(SENTENCES) >= 200
    assert not [text for text, _, _ in SENTENCES if text in examples]


def test_most_intents_of_held_out_sentences_are_right(parse: Parse) -> None:
    wrong = [(text, want, got) for text, want, _ in SENTENCES if (got := intent_of(parse(text))) != want]
    assert 1 - len(wrong) / len(SENTENCES) >= INTENTS_RIGHT, wrong


def test_most_values_of_held_out_sentences_are_right(parse: Parse) -> None:
    wrong = [(text, want, got) for text, _, want in SENTENCES if (got := values_of(parse(text))) != want]
    assert 1 - len(wrong) / len(SENTENCES) >= VALUES_RIGHT, wrong


@pytest.mark.parametrize(
    ("text", "intent", "values"),
    [
        ("帮我交明年的居民医保", "pay_insurance",
         {"fee_year": ["2027"], "insured_group": ["urban_rural_resident"], "insurance": ["medical"]}),
        ("交灵活就业养老,一到六月,百分之六十", "pay_insurance",
         {"insured_group": ["flexible_employment"], "insurance": ["pension"],
          "fee_period": ["2026-01/2026-06"], "tier": ["60%"]}),
        ("帮我妈交明年的居民医保", "pay_insurance",
         {"beneficiary": ["other"], "fee_year": ["2027"], "insured_group": ["urban_rural_resident"],
          "insurance": ["medical"]}),
        ("改成最高档", "change_answer", {"tier": ["highest"]}),
        ("改成补缴", "change_answer", {"payment_type": ["arrears"]}),
        ("好了", "resume_bot", {}),
        ("继续", "resume_bot", {}),
        ("拒绝", "deny", {}),
        ("刷新", "check_payment_status", {}),
        ("查一下付款", "check_payment_status", {}),
        ("我付好了", "check_payment_status", {}),
        ("取消", "cancel", {}),
        ("不付了", "cancel", {}),
        ("上一步", "go_back", {}),
        ("改一下", "change_answer", {}),
        ("重新开始", "restart", {}),
        ("再说一遍", "repeat", {}),
        ("等一下", "hold", {}),
        ("确认支付", "affirm", {}),
        ("2", "inform", {"ordinal": ["2"]}),
        ("第二个", "inform", {"ordinal": ["2"]}),
        ("最后一个", "inform", {"ordinal": ["-1"]}),
        ("今年的", "inform", {"fee_year": ["2026"]}),
        ("两千那档", "inform", {"tier": ["2000"]}),
        ("跟去年一样", "inform", {"tier": ["last"]}),
        ("开缴费记录凭证", "get_certificate", {"certificate_kind": ["payment_record"]}),
        ("开完税证明", "get_certificate", {}),
        ("人工", "request_human", {}),
        ("解除绑定", "unbind_identity", {}),
        ("授权", "login", {}),
        ("你好", "greet", {}),
    ],
)  # fmt: skip
def test_the_core_sentences_are_understood(
    parse: Parse, text: str, intent: str, values: dict[str, list[str]]
) -> None:
    parsed = parse(text)
    assert (intent_of(parsed), values_of(parsed)) == (intent, values)


@pytest.mark.parametrize(
    "text",
    [
        "取消",
        "上一步",
        "人工",
        "重新开始",
        "再说一遍",
        "等一下",
        "拒绝授权",
        "改一下",
        "为什么要授权",
        "我要重新登录",
    ],
)
def test_words_of_control_are_sure_enough_to_pass_while_a_number_is_asked_for(
    parse: Parse, text: str
) -> None:
    assert parse(text)["intent"]["confidence"] >= 0.8


BUTTONS = {
    "authorize": "login", "refuse": "deny", "cancel": "cancel", "confirm": "affirm", "change": "change_answer",
    "paid": "check_payment_status", "cancel_order": "cancel", "refresh": "check_payment_status",
    "go_on": "resume_bot", "pay": "pay_insurance",
    "payment_record": "get_certificate", "human": "request_human", "menu": "help", "unbind": "affirm",
    "keep": "deny", "login": "login",
}  # fmt: skip


@pytest.mark.parametrize("button", BUTTONS)
def test_a_button_can_be_said_instead_of_pressed(parse: Parse, button: str) -> None:
    texts = yaml.safe_load((ROOT / "actions" / "texts" / "zh_CN.yml").read_text(encoding="utf-8"))
    assert intent_of(parse(texts["button"][button])) == BUTTONS[button]


MENU = {
    "pay_resident_medical": ("urban_rural_resident", "medical"),
    "pay_resident_pension": ("urban_rural_resident", "pension"),
    "pay_flexible_pension": ("flexible_employment", "pension"),
    "pay_flexible_medical": ("flexible_employment", "medical"),
}


@pytest.mark.parametrize("item", MENU)
def test_a_menu_item_can_be_said_instead_of_pressed(parse: Parse, item: str) -> None:
    texts = yaml.safe_load((ROOT / "actions" / "texts" / "zh_CN.yml").read_text(encoding="utf-8"))
    parsed = parse(texts["menu"][item])
    group, insurance = MENU[item]
    assert intent_of(parsed) == "pay_insurance"
    assert values_of(parsed) == {"insured_group": [group], "insurance": [insurance]}


@pytest.mark.parametrize(
    "text, same",
    [
        ("查选挡记录", "查选档记录"),
        ("缴费所属期一月到三月", "费款所属期一月到三月"),
        ("挡次六十", "档次六十"),
    ],
)
def test_the_words_that_the_guide_itself_mixes_up_are_one(parse: Parse, text: str, same: str) -> None:
    """Business 8 (7): 选挡 and 选档, 缴费所属期 and 费款所属期."""
    assert (intent_of(parse(text)), values_of(parse(text))) == (
        intent_of(parse(same)),
        values_of(parse(same)),
    )
