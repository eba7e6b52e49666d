"""Personal data planted in whole conversations, with debug logs on: none is found where it must not be."""

from collections.abc import Callable

from tests.canary import find_canaries, plant
from tests.journeys.driver import Town
from tests.journeys.people import MEDICAL, RESIDENT, enrolment, medical_payment

WIDE = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


def test_no_canary_gets_into_files_logs_or_metrics(new_town: Callable[..., Town]) -> None:
    canary = plant()
    town = new_town()
    town.load(
        [
            {
                "name": canary.name, "id_type": "居民身份证", "id_number": canary.id_number,
                "alipay_user_id": "2088990000000999", "mobile": canary.mobile,
                "enrolments": [enrolment(RESIDENT, MEDICAL)],
                "payments": [medical_payment(2026, "2025-11-03T09:12:00+08:00", "2025-11-05")],
            }
        ]
    )  # fmt: skip
    resident = town.resident("canary")
    resident.say(
        f"你好，我叫{canary.name}，身份证{canary.id_number}，手机{canary.mobile}，我想交明年的居民医保"
    )
    resident.say("拒绝")
    resident.say(f"{canary.id_number[:6]} {canary.id_number[6:14]} {canary.id_number[14:]}".translate(WIDE))
    resident.say(canary.name)
    resident.verify()
    resident.say("好了")
    resident.say(f"对了，银行卡是{canary.bank_card}，邮箱{canary.email}，户名是{canary.name}")
    resident.say("交明年的居民医保")
    resident.say("确认支付")
    resident.pay("2088990000000999")
    resident.say("好了")
    resident.say("我要2026年的缴费记录凭证")
    if resident.has("identity_verification"):
        resident.verify()
        resident.say("好了")
    paper = resident.card("document")
    assert town.http.get(paper["url"]).status_code == 200
    for address in (
        "/metrics",
        "/readyz",
        "/nothing?q=" + canary.id_number,
        f"/verify/{canary.id_number}?code=1",
    ):
        (town.data_dir / "seen.txt").open("a").write(town.http.get(address).text)
    town.post("/sandbox/clock", {"advance": "PT5M"})
    assert find_canaries(town.data_dir) == []
