"""What the journeys of papers and of queries share: people with a past, and what is done with a list."""

from collections.abc import Callable
from typing import Any

from tests.journeys.driver import Resident, Town
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment, id_number, medical_payment

Maker = Callable[..., dict[str, Any]]


def villagers(division: str, account: str) -> Maker:
    """Makes the people of one file: the `division` of their numbers and the last two digits of the `account`
    prefix are used nowhere else."""

    def person(name: str, number: int, *enrolments: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            "id_type": "居民身份证",
            "id_number": id_number(division, f"1977{number % 12 + 1:02d}{11 + number // 12}"),
            "alipay_user_id": f"208899{account}000000{number:02d}",
            "enrolments": list(enrolments) or [enrolment(RESIDENT, MEDICAL)],
            **more,
        }

    return person


def year(number: int, **more: Any) -> dict[str, Any]:
    """The medical insurance of residents, paid in the November before."""
    return medical_payment(number, f"{number - 1}-11-03T09:00:00+08:00", f"{number - 1}-11-05") | more


def month_payment(year: int, month: int) -> dict[str, Any]:
    return {
        "insured_group": FLEXIBLE, "insurance": PENSION, "agency": "520103", "fee_period": f"{year}-{month:02d}",
        "amount": "878.94", "tier": "60%", "base": "4394.70",
        "paid_at": f"{year}-{month:02d}-10T10:00:00+08:00", "booked_on": f"{year}-{month:02d}-12",
    }  # fmt: skip


def declared(day: str, group: str, insurance: str, amount: str, **more: Any) -> dict[str, Any]:
    return {
        "insured_group": group, "insurance": insurance, "agency": "520103", "declared_on": day, "amount": amount,
        "status": "已缴", **more,
    }  # fmt: skip


def begin(town: Town, who: dict[str, Any], sender: str, sentence: str) -> Resident:
    resident = town.resident(sender)
    resident.say(sentence)
    resident.log_in(who["alipay_user_id"])
    return resident


def ask(me: Resident, said: str) -> None:
    """Say it, and verify again where that is wanted."""
    me.say(said)
    if me.has("identity_verification"):
        me.verify()
        me.say("好了")


def pay_now(me: Resident, who: dict[str, Any]) -> None:
    me.say("确认支付")
    me.pay(who["alipay_user_id"])
    me.say("好了")
    assert me.card("payment_status")["status"] == "paid"


def documents(me: Resident) -> list[dict[str, Any]]:
    cards = [message["custom"] for message in me.last if "custom" in message]
    return [card for card in cards if card["kind"] == "document"]


def items(me: Resident) -> list[str]:
    """What is on the open page, each as one string."""
    return [item["title"] + str(item["lines"]) for item in me.card("records")["items"]]


def without_personal_data(me: Resident, *others: dict[str, Any]) -> None:
    for other in others:
        me.lines = [
            (who, text.replace(other["id_number"], "（号码）").replace(other["name"], "（姓名）"))
            for who, text in me.lines
        ]
