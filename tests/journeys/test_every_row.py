"""P1 to P6, normal and arrears, as the rows of one table: one sentence each, the review, the payment, the bureau's books.

What P5 and P6 know no arrears of is said so, and the year is gone on with.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.journeys.driver import Town
from tests.journeys.people import FLEXIBLE, MEDICAL, PENSION, RESIDENT, enrolment, resident

NORMAL, ARREARS = "normal", "arrears"


@dataclass(frozen=True)
class Row:
    """`owed` is what was assessed for the insured; `told` is a word of the answer that only this row has."""

    flow: str
    payment_type: str
    sentence: str
    review: dict[str, Any]
    group: str = FLEXIBLE
    insurance: str = PENSION
    owed: tuple[str, str] | None = None
    told: str = ""
    for_other: bool = False
    people: list[dict[str, Any]] = field(default_factory=list, compare=False)

    @property
    def name(self) -> str:
        return f"{self.flow}-{self.payment_type}-{self.insurance}"


OWED = ("2025-01/2025-06", "5273.64")
MONTHS = {"fee_period": "2026-01/2026-03"}
TABLE = (
    Row("P1", NORMAL, "交灵活就业养老，到三月，百分之六十", {**MONTHS, "tier": "60%", "total": "2664.00"}),
    Row("P1", ARREARS, "补缴灵活就业养老", {"fee_period": OWED[0], "total": OWED[1]}, owed=OWED),
    Row("P2", NORMAL, "交灵活就业医保，到三月", {**MONTHS, "total": "966.84"}, insurance=MEDICAL),
    Row("P2", ARREARS, "补缴灵活就业医保", {"fee_period": OWED[0], "total": OWED[1]}, insurance=MEDICAL, owed=OWED),
    Row("P3", NORMAL, "给老公交灵活就业养老，到三月，60%", {**MONTHS, "tier": "60%", "total": "2664.00"}, for_other=True),
    Row("P3", ARREARS, "给老公补缴灵活就业养老", {"fee_period": OWED[0], "total": OWED[1]}, owed=OWED, for_other=True),
    Row("P3", NORMAL, "给老公交灵活就业医保，到三月", {**MONTHS, "total": "966.84"}, insurance=MEDICAL, for_other=True),
    Row("P3", ARREARS, "给老公补缴灵活就业医保", {"total": OWED[1]}, insurance=MEDICAL, owed=OWED, for_other=True),
    Row("P4", NORMAL, "交居民养老，六百那档", {"fee_year": 2026, "tier": "600", "total": "600.00"}, RESIDENT),
    Row("P4", ARREARS, "补缴居民养老", {"fee_period": "2024-01/2024-12", "total": "300.00"}, RESIDENT,
        owed=("2024-01/2024-12", "300.00")),
    Row("P5", NORMAL, "交居民医保", {"fee_year": 2027, "total": "400.00"}, RESIDENT, MEDICAL),
    Row("P5", ARREARS, "补缴居民医保", {"fee_year": 2027, "total": "400.00", "payment_type": NORMAL}, RESIDENT, MEDICAL,
        told="没有补缴"),
    Row("P6", NORMAL, "给我妈交居民养老，六百那档", {"fee_year": 2026, "total": "600.00"}, RESIDENT, for_other=True),
    Row("P6", ARREARS, "给我妈补缴居民养老", {"fee_period": "2024-01/2024-12", "total": "300.00"}, RESIDENT,
        owed=("2024-01/2024-12", "300.00"), for_other=True),
    Row("P6", NORMAL, "给我妈交居民医保", {"fee_year": 2027, "total": "400.00"}, RESIDENT, MEDICAL, for_other=True),
    Row("P6", ARREARS, "给我妈补缴居民医保", {"fee_year": 2027, "total": "400.00", "payment_type": NORMAL}, RESIDENT,
        MEDICAL, told="没有补缴", for_other=True),
)  # fmt: skip


def people_of(row: Row) -> tuple[dict[str, Any], dict[str, Any]]:
    """The payer and the insured; one and the same unless the row is for another."""
    place = TABLE.index(row)
    arrears = [
        {"insured_group": row.group, "insurance": row.insurance, "agency": "520103", "period": p, "amount": amount}
        for p, amount in ([row.owed] if row.owed else [])
    ]  # fmt: skip
    since = {"since": "2026-01"} if row.group == FLEXIBLE else {}
    mine = enrolment(row.group, row.insurance, **since)
    surnames = "赵钱孙李周吴郑王冯陈卫蒋沈韩杨朱"
    insured = resident(
        f"{surnames[place]}晓兰", f"197801{place + 10:02d}", 62 + place, mine, assessed_arrears=arrears
    )
    if not row.for_other:
        return insured, insured
    return resident(f"{surnames[place]}正东", f"197901{place + 10:02d}", 80 + place), insured


@pytest.fixture(scope="module")
def village(town: Town) -> Town:
    everybody = {one["id_number"]: one for row in TABLE for one in people_of(row)}
    town.load(list(everybody.values()))
    return town


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_sentence_is_enough_for_every_row(village: Town, row: Row) -> None:
    """Business R1, R2, R3, R4, 2.7, 2.8, 2.9, 2.11, 8 (2), 8 (3), rates 1.3, 3.6, 4.3."""
    payer, insured = people_of(row)
    talker = village.resident(f"row-{row.name}-{row.for_other}")
    who = f"，{insured['name']}，{insured['id_number']}" if row.for_other else ""
    talker.say(row.sentence + who)
    talker.log_in(payer["alipay_user_id"])
    review = talker.card("payment_confirmation")
    expected = {
        "payment_type": row.payment_type,
        "insured_group": row.group,
        "insurance": row.insurance,
    } | row.review
    assert {name: review.get(name) for name in expected} == expected
    assert row.told in talker.text
    assert ("fee_period" in review or "fee_year" in review) or row.payment_type == ARREARS
    talker.say("确认支付")
    assert talker.card("payment_request")["total"] == review["total"]
    talker.pay(payer["alipay_user_id"])
    talker.say("好了")
    assert talker.card("payment_status")["status"] == "paid"
    [payment] = village.state(insured["id_number"])["payments"]
    assert (payment["insurance"], payment["amount"]) == (row.insurance, review["total"])
    if row.for_other:
        assert village.state(payer["id_number"])["payments"] == []
