"""A1 授权登录, A2 拒绝授权, unbinding: who somebody is, and that the task goes on after it."""

from tests.journeys.driver import Resident, Town
from tests.journeys.people import id_number, who


def test_the_task_asked_for_before_logging_in_goes_on_after_it(town: Town) -> None:
    """Business 1.2: the task asked for before logging in goes on after it."""
    me = who("consents")
    resident = town.resident("a1")
    resident.say("帮我交明年的居民医保")
    request = resident.card("authorization_request")
    assert {"url", "state", "expires_at"} <= request.keys()
    resident.consent(me["alipay_user_id"])
    resident.say("好了")
    assert {"url", "expires_at"} <= resident.card("identity_verification").keys()
    resident.verify()
    resident.say("好了")
    review = resident.card("payment_confirmation")
    assert (review["insurance"], review["insured_group"]) == ("medical", "urban_rural_resident")
    assert review["fee_year"] == 2027
    assert review["payer"] == "**芳"
    resident.write_transcript("a1-consent")


def test_refusing_leads_to_manual_entry_and_a_wrong_check_digit_is_told(town: Town) -> None:
    """Business 1.3, 1.4, 8 (4): refusing leads to manual entry and a wrong check digit is told."""
    me = who("refuses")
    resident = town.resident("a2")
    resident.say("登录")
    assert resident.has("authorization_request")
    resident.say("拒绝")
    assert "身份证" in resident.text
    wrong = me["id_number"][:-1] + ("0" if me["id_number"][-1] != "0" else "1")
    resident.say(wrong)
    assert "不对" in resident.text
    assert not resident.has("identity_verification")
    resident.say(me["id_number"])
    assert "姓名" in resident.text
    resident.say(me["name"])
    resident.verify()
    resident.say("好了")
    assert "确认是您本人" in resident.text
    for _, line in resident.lines:
        if line not in (wrong, me["id_number"], me["name"]):
            assert me["id_number"] not in line
    resident.write_transcript("a2-refusal")


def test_refusing_on_the_consent_page_is_a_refusal_and_consent_can_still_be_given(town: Town) -> None:
    """Business 1.3: refusing on the consent page is a refusal and consent can still be given."""
    me = who("refuses")
    resident = town.resident("a2-page")
    resident.say("我要交居民医保")
    resident.consent(me["alipay_user_id"], "拒绝")
    resident.say("好了")
    assert "身份证" in resident.text
    resident.say("还是授权吧")
    assert resident.has("authorization_request")
    resident.log_in(me["alipay_user_id"])
    assert resident.has("payment_confirmation") or resident.has("choice")


def test_a_failed_verification_binds_nobody(town: Town) -> None:
    me = who("refuses")
    resident = town.resident("a1-failed")
    resident.say("登录")
    resident.consent(me["alipay_user_id"])
    resident.say("好了")
    resident.verify("不通过")
    resident.say("好了")
    assert "没有通过" in resident.text
    resident.say("交居民医保")
    assert not resident.has("payment_confirmation")


def test_somebody_who_is_not_registered_is_told_so(town: Town) -> None:
    resident = town.resident("stranger")
    resident.say("交居民医保")
    resident.say("拒绝")
    resident.say(id_number("520103", "19700101"))
    resident.say("赵春生")
    if resident.has("identity_verification"):
        resident.verify()
        resident.say("好了")
    assert not resident.has("payment_confirmation")
    assert "没有" in resident.text or "不" in resident.text


def test_unbinding_works(town: Town) -> None:
    me = who("unbinds")
    resident = town.resident("unbind")
    resident.say("登录")
    resident.log_in(me["alipay_user_id"])
    resident.say("解除绑定")
    resident.say("是的")
    assert "已经解绑" in resident.text
    resident.say("交居民医保")
    assert resident.has("authorization_request")


def test_nobody_can_use_another_conversations_consent(town: Town) -> None:
    me = who("consents")
    first: Resident = town.resident("consent-first")
    first.say("登录")
    url = first.card("authorization_request")["url"]
    first.consent(me["alipay_user_id"])
    again = first.fill(url, "同意", account=me["alipay_user_id"])
    assert again.status_code < 500
    second = town.resident("consent-second")
    second.say("登录")
    assert second.card("authorization_request")["url"] != url
