"""What tests and demonstrations may do to the sandbox: move its clock, order faults, look into its books."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import isodate
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, json
from sqlalchemy import select

from bot.errors import problem
from bot.sandbox.alipay.store import trades_of
from bot.sandbox.books import Books
from bot.sandbox.bureau import assess, records
from bot.sandbox.bureau.account import Account
from bot.sandbox.bureau.office import find_account
from bot.sandbox.bureau.refunds import pay_out
from bot.sandbox.bureau.tables import DeclarationRow, PaymentRow
from bot.sandbox.wechatpay.store import trades_of as wechat_trades_of
from services.domain.id_documents import normalise
from services.ports import ArrearsItem, Enrolment, FeeRecord

_ENROLMENTS = TypeAdapter(list[Enrolment])
_ARREARS = TypeAdapter(list[ArrearsItem])
_RECORDS = TypeAdapter(list[FeeRecord])


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClockMove(_Body):
    """Exactly one: the new time, or an ISO 8601 duration to go forward."""

    now: datetime | None = None
    advance: str | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "ClockMove":
        if (self.now is None) == (self.advance is None):
            raise ValueError("give now or advance")
        return self

    def moved(self, current: datetime) -> datetime:
        if self.now is not None:
            return self.now
        return current + isodate.parse_duration(self.advance)


class _Fault(_Body):
    times: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    seconds: Annotated[float, Field(ge=0, le=600)] | None = None
    delta: Decimal | None = None


class BureauFault(_Fault):
    operation: Literal[
        "enrolments", "arrears", "tiers", "quote", "declare", "post_payment", "find_posting", "bookings", "records",
        "withdraw_payments", "file_refund", "find_refund", "*",
    ]  # fmt: skip
    mode: Literal["unavailable", "slow", "amount_changed"]

    @property
    def target(self) -> str:
        return self.operation


class AlipayFault(_Fault):
    method: Annotated[str, Field(pattern=r"^(alipay\.[a-z.]+|notify|\*)$")]
    mode: Literal["system_error", "timeout", "slow", "drop", "duplicate", "delay"]

    @property
    def target(self) -> str:
        return self.method


class Clear(_Body):
    clear: Literal[True]


_BUREAU_ORDER: TypeAdapter[BureauFault | Clear] = TypeAdapter(BureauFault | Clear)
_ALIPAY_ORDER: TypeAdapter[AlipayFault | Clear] = TypeAdapter(AlipayFault | Clear)


def blueprint(books: Books) -> Blueprint:
    routes = Blueprint("sandbox-control", url_prefix="/sandbox")

    @routes.post("/clock")
    async def clock(request: Request) -> HTTPResponse:
        try:
            moved = ClockMove.model_validate_json(request.body).moved(books.clock.now())
        except (ValidationError, isodate.ISO8601Error, OverflowError):
            return _bad("Send {now: iso} or {advance: P3D}.")
        books.clock.set(moved)
        return json({"now": books.clock.now().isoformat()})

    @routes.post("/bureau/faults")
    async def bureau_faults(request: Request) -> HTTPResponse:
        return await _order(books, "bureau", request.body)

    @routes.post("/alipay/faults")
    async def alipay_faults(request: Request) -> HTTPResponse:
        return await _order(books, "alipay", request.body)

    @routes.get("/state")
    async def state(request: Request) -> HTTPResponse:
        found = await _state(books, normalise(request.args.get("id_number", "")))
        return json(found) if found is not None else problem(404, "not_found", "Nobody has this ID number.")

    return routes


async def _order(books: Books, peer: str, body: bytes) -> HTTPResponse:
    try:
        wanted = _BUREAU_ORDER.validate_json(body) if peer == "bureau" else _ALIPAY_ORDER.validate_json(body)
    except ValidationError as error:
        fields = sorted({".".join(map(str, e["loc"][1:])) for e in error.errors(include_input=False)})
        return _bad(f"This fault can't be ordered: look at {', '.join(filter(None, fields))}.")
    if isinstance(wanted, Clear):
        await books.clear_faults(peer)
        return json({"cleared": True})
    await books.order_fault(
        peer,
        wanted.target,
        wanted.mode,
        times=wanted.times,
        seconds=wanted.seconds,
        delta=str(wanted.delta) if wanted.delta is not None else None,
    )
    return json({"ordered": True})


async def _state(books: Books, id_number: str) -> dict[str, Any] | None:
    """What bureau and gateways hold for a person; None for an unknown one."""
    await pay_out(books)
    async with books.database.read() as session:
        account = await find_account(books, session, id_number)
        if account is None:
            return None
        declared = list(
            await session.scalars(select(DeclarationRow).where(DeclarationRow.insured == id_number))
        )
        for_others = list(
            await session.scalars(
                select(PaymentRow).where(PaymentRow.payer == id_number, PaymentRow.insured != id_number)
            )
        )
    payments = [records.payment(account, row) for row in account.payments]
    paid_for_others = [records.payment(Account(account.row, [], account.now), row) for row in for_others]
    return {
        "enrolments": _ENROLMENTS.dump_python(assess.enrolments(account), mode="json"),
        "assessed_arrears": _ARREARS.dump_python(account.arrears, mode="json"),
        "declarations": _dump(records.declarations(account, declared)),
        "payments": _dump(payments),
        "paid_for_others": _dump(paid_for_others),
        "records": _dump(records.paid(account)),
        "tier_choices": _dump(records.tier_choices(account)),
        "trades": await trades_of(books, account.row.alipay_user_id),
        "wechat_trades": await wechat_trades_of(books, account.row.alipay_user_id),
    }


def _dump(found: list[FeeRecord]) -> list[dict[str, Any]]:
    dumped: list[dict[str, Any]] = _RECORDS.dump_python(found, mode="json")
    return dumped


def _bad(message: str) -> HTTPResponse:
    return problem(400, "bad_request", message)
