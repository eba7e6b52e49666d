"""What stands on a paper, as plain strings: made once, sealed, and enough to print it again.

Sources of the fields: `certificates` 2 and 4. A refund is a line of its own with a negative amount.
"""

import json
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.certificates.capitals import in_words
from services.certificates.layout import item_names
from services.domain.kinds import Insurance, InsuredGroup
from services.domain.money import yuan
from services.domain.names import mask_name
from services.domain.people import Person
from services.ports import FeeRecord

NONE = "—"
CODE_GROUP = 4
_GROUPS, _INSURANCES = list(InsuredGroup), list(Insurance)


@dataclass(frozen=True, kw_only=True, repr=False)
class Numbering:
    """What makes a paper this one."""

    number: str
    code: str
    issued_on: date
    verify_url: str
    demo: bool


def payment_record_facts(
    person: Person,
    fee_year: int,
    records: Sequence[FeeRecord],
    numbering: Numbering,
    *,
    payer: Person | None = None,
) -> dict[str, Any]:
    """The facts of the payment record voucher; `records` in the order of `in_order`. `payer` has paid them
    on behalf of the other."""
    return _common(person, records, numbering) | {
        "id_type": str(person.id_type),
        "year": f"{fee_year}年",
        "on_behalf": f"是（代缴人：{mask_name(payer.name)}）" if payer else "否",
        "count": f"{len(records)}笔",
    }


def tax_certificate_facts(
    person: Person,
    records: Sequence[FeeRecord],
    numbering: Numbering,
    *,
    issue: int,
    first_issued_on: date,
) -> dict[str, Any]:
    """The facts of the tax certificate of one ticket (`certificates` 2): `issue` 0 is the first one, n the
    n-th reissue of what was first issued on `first_issued_on`."""
    days = [period_of(record) for record in records]
    first, last = min(day for day, _ in days), max(day for _, day in days)
    agencies = "、".join(dict.fromkeys(record.agency_name for record in records))
    remarks = [f"补开（第{issue}次），首次填发日期：{_in_chinese(first_issued_on)}"] if issue else []
    return _common(person, records, numbering) | {
        "tax_office": records[0].tax_office or NONE,
        "year": _span(first, last),
        "clerk": "电子税务局",
        "remarks": "\n".join([*remarks, f"社保经办机构：{agencies}", f"查验码：{grouped(numbering.code)}"]),
        "issue": issue,
        "first_issued_on": _in_chinese(first_issued_on),
    }


def _common(person: Person, records: Sequence[FeeRecord], numbering: Numbering) -> dict[str, Any]:
    lines = [line for record in records for line in _lines(record)]
    total = sum((line["cents"] for line in lines), Decimal())
    return {
        "number": numbering.number,
        "code": grouped(numbering.code),
        "issued_on": _in_chinese(numbering.issued_on),
        "verify_url": numbering.verify_url,
        "demo": numbering.demo,
        "name": person.name,
        "id_number": person.id_number,
        "rows": [
            {key: str(value) for key, value in line.items() if key != "cents"} | {"place": str(place)}
            for place, line in enumerate(lines, start=1)
        ],
        "total": f"¥{total:,.2f}",
        "total_in_words": in_words(total),
        "books": [_in_books(record) for record in records],
    }


def _in_chinese(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _span(first: date, last: date) -> str:
    """`2026年`, `2026年3月`, `2026年1月至6月`."""
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year:
        return f"{first.year}年"
    start = f"{first.year}年{first.month}月"
    if (first.year, first.month) == (last.year, last.month):
        return start
    return start + "至" + (f"{last.year}年" if last.year != first.year else "") + f"{last.month}月"


def in_order(records: Sequence[FeeRecord]) -> list[FeeRecord]:
    """By insurance and period, then by what never ties: the same records give the same paper."""
    return sorted(
        records,
        key=lambda r: (
            _GROUPS.index(r.insured_group),
            _INSURANCES.index(r.insurance),
            period_of(r),
            r.booked_on or date.min,
            r.record_id,
        ),
    )


def net(records: Sequence[FeeRecord]) -> Decimal:
    """What of the money has stayed with the bureau, in yuan."""
    return sum((line["cents"] for record in records for line in _lines(record)), Decimal())


def fingerprint_of(person: Person, fee_year: int, records: Sequence[FeeRecord]) -> str:
    """Everything that a paper would show, but its number: to be put through a blind index, never stored."""
    lines = [
        {key: str(value) for key, value in line.items()} for record in records for line in _lines(record)
    ]
    shown = [str(person.id_type), person.id_number, person.name, fee_year, lines]
    return json.dumps([*shown, [_in_books(record) for record in records]], ensure_ascii=False)


def contradicts(facts: Mapping[str, Any], records: Sequence[FeeRecord]) -> bool:
    """Do the bureau's books no longer hold what the paper says? New records are no contradiction."""
    now = {record.record_id: _in_books(record) for record in records}
    return any(now.get(line["record_id"]) != line for line in facts["books"])


def grouped(code: str) -> str:
    """`ABCD EFGH …`, as a code is printed."""
    return " ".join(code[place : place + CODE_GROUP] for place in range(0, len(code), CODE_GROUP))


def _lines(record: FeeRecord) -> Iterator[dict[str, Any]]:
    """The payment, and if it was refunded, the refund."""
    names = item_names()[record.insured_group][record.insurance]
    first, last = period_of(record)
    line = {
        **names,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "period": f"{first.isoformat()} 至 {last.isoformat()}",
        "base": f"{yuan(record.base):,.2f}" if record.base is not None else NONE,
        "rate": f"{(record.rate * 100).normalize():f}%" if record.rate is not None else NONE,
        "tax_office": record.tax_office or NONE,
        "agency": record.agency_name,
        "ticket_no": record.ticket_no or NONE,
    }
    paid = yuan(record.amount or 0)
    yield line | _entry(paid, record.booked_on)
    if record.refunded_on is not None:
        yield line | _entry(-paid, record.refunded_on)


def _entry(amount: Decimal, day: date | None) -> dict[str, Any]:
    return {"cents": amount, "amount": f"{amount:,.2f}", "booked_on": day.isoformat() if day else NONE}


def period_of(record: FeeRecord) -> tuple[date, date]:
    """First and last day of the fee period."""
    if record.fee_period is None:
        year = record.fee_year or 0
        return date(year, 1, 1), date(year, 12, 31)
    first, _, last = record.fee_period.partition("/")
    (from_year, from_month), (to_year, to_month) = _month(first), _month(last or first)
    return date(from_year, from_month, 1), date(to_year, to_month, monthrange(to_year, to_month)[1])


def _month(text: str) -> tuple[int, int]:
    year, month = text.split("-")[:2]
    return int(year), int(month)


def _in_books(record: FeeRecord) -> dict[str, str]:
    """What makes a record the one that a paper was issued on."""
    return {
        "record_id": record.record_id,
        "amount": f"{yuan(record.amount or 0):.2f}",
        "refunded_on": record.refunded_on.isoformat() if record.refunded_on else "",
    }
