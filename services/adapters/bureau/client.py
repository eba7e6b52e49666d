"""`TaxBureau` over HTTP: JSON bodies only, so that no address or log ever holds personal data.

What a failure means depends on the operation. Reading changed nothing: `Unavailable`. Writing
may have had its effect once the request was on its way: `OutcomeUnknown`, unless the bureau was busy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx2 as httpx
import structlog
from pydantic import TypeAdapter, ValidationError

from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.domain.kinds import RecordKind
from services.domain.money import wire
from services.domain.people import Person
from services.ports import (
    ArrearsItem,
    Booking,
    Declaration,
    Dues,
    Enrolment,
    FeeRecord,
    Posting,
    Quote,
    RefundApplication,
    Tier,
)

log = structlog.get_logger("bureau")

SHANGHAI = ZoneInfo("Asia/Shanghai")
WRITES = frozenset({"declare", "post_payment", "withdraw_payments", "file_refund"})
REFUSED = 409
BUSY = frozenset({429, 503})
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

T = TypeVar("T")
_DUES = TypeAdapter(Dues)
_ENROLMENTS = TypeAdapter(tuple[Enrolment, ...])
_ARREARS = TypeAdapter(tuple[ArrearsItem, ...])
_TIERS = TypeAdapter(tuple[Tier, ...])
_QUOTE = TypeAdapter(Quote)
_DECLARATION = TypeAdapter(Declaration)
_POSTING = TypeAdapter(Posting)
_FOUND_POSTING = TypeAdapter(dict[str, Posting | None])
_BOOKINGS = TypeAdapter(tuple[Booking, ...])
_WITHDRAWN = TypeAdapter(dict[str, bool])
_REFUND = TypeAdapter(RefundApplication)
_FOUND_REFUND = TypeAdapter(dict[str, RefundApplication | None])
_RECORDS = TypeAdapter(tuple[FeeRecord, ...])
_PONG = TypeAdapter(dict[str, bool])
_REFUSAL = TypeAdapter(dict[str, Any])


class BureauClient:
    """Implements `TaxBureau`. `base_url` has no slash at the end; `timeout` in seconds."""

    def __init__(self, base_url: str, token: str, timeout: float = 8) -> None:
        self._base_url = base_url.rstrip("/")
        self._http = httpx.AsyncClient(
            timeout=timeout, headers={"authorization": f"Bearer {token}", "accept": "application/json"}
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def find_enrolments(self, person: Person) -> Sequence[Enrolment]:
        return await self._call("enrolments", {"person": _person(person)}, _ENROLMENTS)

    async def find_arrears(self, person: Person) -> Sequence[ArrearsItem]:
        return await self._call("arrears", {"person": _person(person)}, _ARREARS)

    async def find_tiers(self, person: Person, dues: Dues) -> Sequence[Tier]:
        return await self._call("tiers", {"person": _person(person), "dues": _dues(dues)}, _TIERS)

    async def quote(self, person: Person, dues: Dues) -> Quote:
        return await self._call("quote", {"person": _person(person), "dues": _dues(dues)}, _QUOTE)

    async def declare(self, person: Person, dues: Dues, *, key: str, total: Decimal) -> Declaration:
        body = {"person": _person(person), "dues": _dues(dues), "key": key, "total": wire(total)}
        return await self._call("declare", body, _DECLARATION)

    async def post_payment(
        self, *, declaration_no: str, key: str, amount: Decimal, paid_at: datetime, paid_by: Person
    ) -> Posting:
        body = {
            "declaration_no": declaration_no,
            "key": key,
            "amount": wire(amount),
            "paid_at": paid_at.isoformat(),
            "paid_by": _person(paid_by),
        }
        return await self._call("post_payment", body, _POSTING)

    async def find_posting(self, key: str) -> Posting | None:
        return (await self._call("find_posting", {"key": key}, _FOUND_POSTING)).get("posting")

    async def find_bookings(self, day: date) -> Sequence[Booking]:
        return await self._call("bookings", {"day": day.isoformat()}, _BOOKINGS)

    async def withdraw_payments(self, keys: Sequence[str]) -> None:
        await self._call("withdraw_payments", {"keys": list(keys)}, _WITHDRAWN)

    async def file_refund(
        self, *, key: str, payment_key: str, amount: Decimal, reason: str
    ) -> RefundApplication:
        body = {"key": key, "payment_key": payment_key, "amount": wire(amount), "reason": reason}
        return await self._call("file_refund", body, _REFUND)

    async def find_refund(self, key: str) -> RefundApplication | None:
        return (await self._call("find_refund", {"key": key}, _FOUND_REFUND)).get("refund")

    async def find_records(
        self,
        person: Person,
        kind: RecordKind,
        *,
        fee_year: int | None = None,
        paid_for: Person | None = None,
    ) -> Sequence[FeeRecord]:
        body = {
            "person": _person(person),
            "kind": kind.value,
            "fee_year": fee_year,
            "paid_for": _person(paid_for) if paid_for else None,
        }
        found = await self._call("records", body, _RECORDS)
        return tuple(_in_shanghai(record) for record in found)

    async def ping(self) -> None:
        await self._call("ping", {}, _PONG)

    async def _call(self, operation: str, body: Mapping[str, Any], answer: TypeAdapter[T]) -> T:
        try:
            response = await self._http.post(f"{self._base_url}/{operation}", json=body)
        except NOT_SENT as error:
            raise _failed(operation, type(error).__name__, reached=False) from None
        except httpx.TransportError as error:
            raise _failed(operation, type(error).__name__) from None
        if response.status_code == REFUSED:
            raise _refusal(operation, response)
        if response.status_code in BUSY:
            raise _failed(operation, str(response.status_code), reached=False)
        if 400 <= response.status_code < 500:
            log.error("bureau_rejected_request", operation=operation, status=response.status_code)
            raise Unavailable
        if response.status_code != httpx.codes.OK:
            raise _failed(operation, str(response.status_code))
        try:
            return answer.validate_json(response.content)
        except ValidationError:
            raise _failed(operation, "malformed") from None


def _failed(operation: str, reason: str, *, reached: bool = True) -> Unavailable | OutcomeUnknown:
    """The error for a call that was not answered; `reached`: the bureau may have acted on it."""
    log.warning("bureau_failed", operation=operation, reason=reason)
    return OutcomeUnknown() if reached and operation in WRITES else Unavailable()


def _refusal(operation: str, response: httpx.Response) -> Refused | Unavailable | OutcomeUnknown:
    try:
        answer = _REFUSAL.validate_json(response.content)
        code, facts = str(answer["code"]), dict(answer.get("facts") or {})
    except (ValidationError, KeyError, TypeError, ValueError):
        return _failed(operation, "malformed")
    log.info("bureau_refused", operation=operation, code=code)
    try:
        return Refused(code, **{name: _FACTS.get(name, _as_it_is)(value) for name, value in facts.items()})
    except (ArithmeticError, TypeError, ValueError):
        return _failed(operation, "malformed")


def _as_it_is(value: Any) -> Any:
    return value


_FACTS: dict[str, Callable[[Any], Any]] = {
    "total": lambda value: Decimal(str(value)),
    "opens_on": date.fromisoformat,
    "closed_on": date.fromisoformat,
}
"""How the facts of a refusal are read."""


def _person(person: Person) -> dict[str, str]:
    return {"id_type": person.id_type.value, "id_number": person.id_number, "name": person.name}


def _dues(dues: Dues) -> Any:
    return _DUES.dump_python(dues, mode="json")


def _in_shanghai(record: FeeRecord) -> FeeRecord:
    """Times as the port wants them, whatever offset the bureau writes."""
    return replace(record, paid_at=record.paid_at.astimezone(SHANGHAI)) if record.paid_at else record
