"""Residents of the journeys' own. Sequence number 000 is never issued, so the numbers belong to nobody."""

from typing import Any

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_number(division: str, born: str) -> str:
    """`id_number("520103", "19860214")`: with 000 and the right check digit."""
    body = f"{division}{born}000"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]


def enrolment(group: str, insurance: str, agency: str = "520103", **more: Any) -> dict[str, Any]:
    return {
        "insured_group": group,
        "insurance": insurance,
        "agency": agency,
        "status": "active",
        "since": "2021-03",
        **more,
    }


def resident(name: str, born: str, number: int, *enrolments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "id_type": "居民身份证",
        "id_number": id_number("520103", born),
        "alipay_user_id": f"20889900000000{number:02d}",
        "mobile": f"139000000{number:02d}",
        "enrolments": list(enrolments),
        **more,
    }


FLEXIBLE, RESIDENT = "flexible_employment", "urban_rural_resident"
PENSION, MEDICAL = "pension", "medical"


def medical_payment(year: int, paid_at: str, booked_on: str, amount: str = "400.00") -> dict[str, Any]:
    return {
        "insured_group": RESIDENT, "insurance": MEDICAL, "agency": "520103", "fee_year": year, "amount": amount,
        "paid_at": paid_at, "booked_on": booked_on,
    }  # fmt: skip


def roles() -> dict[str, tuple[dict[str, Any], ...]]:
    """The enrolments of each resident; one per journey, so that no journey disturbs another."""
    both = (enrolment(FLEXIBLE, PENSION, since="2026-01"), enrolment(FLEXIBLE, MEDICAL, since="2026-01"))
    return {
        "consents": (enrolment(RESIDENT, MEDICAL),),
        "refuses": (enrolment(RESIDENT, MEDICAL),),
        "pays_p1_stepwise": (enrolment(FLEXIBLE, PENSION, since="2026-01"),),
        "pays_p1_at_once": (enrolment(FLEXIBLE, PENSION, since="2026-01"),),
        "changes_tier": (enrolment(FLEXIBLE, PENSION, since="2026-01"),),
        "pays_p5": (enrolment(RESIDENT, MEDICAL),),
        "sees_a_change": (enrolment(RESIDENT, MEDICAL),),
        "is_not_notified": (enrolment(RESIDENT, MEDICAL),),
        "wants_a_record": (enrolment(RESIDENT, MEDICAL),),
        "is_too_early": (enrolment(RESIDENT, MEDICAL),),
        "is_killed": (enrolment(RESIDENT, MEDICAL),),
        "has_two_agencies": (enrolment(RESIDENT, MEDICAL), enrolment(RESIDENT, MEDICAL, "520102")),
        "is_a_canary": (enrolment(RESIDENT, MEDICAL),),
        "writes_in_wechat": (enrolment(RESIDENT, MEDICAL),),
        "has_both": both,
        "unbinds": (enrolment(RESIDENT, MEDICAL),),
        "changes_mind": both,
        "is_suspended": (enrolment(RESIDENT, MEDICAL, status="suspended"),),
        "pays_on_a_phone": (enrolment(RESIDENT, MEDICAL),),
        "has_many_devices": (enrolment(RESIDENT, MEDICAL),),
    }


def everybody() -> list[dict[str, Any]]:
    last_year = [medical_payment(2026, "2025-11-03T09:12:00+08:00", "2025-11-05")]
    history = {"wants_a_record": last_year, "pays_on_a_phone": last_year}
    names = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"
    return [
        resident(f"王{names[n]}芳", f"1986{n % 12 + 1:02d}{n % 27 + 1:02d}", n, *enrolments, **(
            {"payments": history[key]} if key in history else {}
        ))
        for n, (key, enrolments) in enumerate(roles().items())
    ]  # fmt: skip


def who(key: str) -> dict[str, Any]:
    """The resident of the journey `key`."""
    return everybody()[list(roles()).index(key)]
