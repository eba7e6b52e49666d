"""The two peers as small books of their own, with fault switches; with a file they outlive the process."""

import asyncio
import json
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from services.domain.bills import ready_at
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.domain.kinds import EnrolmentStatus, IdType, Insurance, InsuredGroup, PaymentType
from services.domain.people import Person
from services.ports import (
    ArrearsItem,
    Bill,
    BillKind,
    BillLine,
    Booking,
    Cashier,
    Clock,
    Declaration,
    Dues,
    Enrolment,
    Posting,
    Quote,
    RefundFacts,
    Tier,
    TradeFacts,
    TradeStatus,
)

BEFORE, AFTER, HANG = "before", "after", "hang"
"""Fault modes: fail without effect, fail after the effect, never answer after the effect."""

RESIDENT_MEDICAL = Dues(
    insured_group=InsuredGroup.RESIDENT,
    insurance=Insurance.MEDICAL,
    payment_type=PaymentType.NORMAL,
    agency="520103",
    fee_year=2027,
)


def pension(period: str = "2026-01/2026-06", tier: str = "60%") -> Dues:
    return Dues(
        insured_group=InsuredGroup.FLEXIBLE,
        insurance=Insurance.PENSION,
        payment_type=PaymentType.NORMAL,
        agency="520103",
        fee_period=period,
        tier=tier,
    )


async def get_person(person_id: str) -> Person:
    return Person(id_type=IdType.RESIDENT_ID_CARD, id_number=f"number-of-{person_id}", name="某某")


class Peer:
    """Books in memory, written to `path` before an answer is given, and the faults that a test ordered."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.calls: Counter[str] = Counter()
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.books: dict[str, Any] = json.loads(path.read_text()) if path and path.exists() else {}

    def fail(self, operation: str, mode: str, times: int = 1) -> None:
        self.faults[operation] += [mode] * times

    def heal(self) -> None:
        self.faults.clear()

    def table(self, name: str) -> dict[str, Any]:
        table: dict[str, Any] = self.books.setdefault(name, {})
        return table

    async def before(self, operation: str) -> None:
        self.calls[operation] += 1
        await asyncio.sleep(0)
        if self.faults[operation] and self.faults[operation][0] == BEFORE:
            self.faults[operation].pop(0)
            raise Unavailable

    async def after(self, operation: str) -> None:
        if self._path:
            draft = self._path.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps(self.books))
            draft.replace(self._path)
        if self.faults[operation]:
            if self.faults[operation].pop(0) == HANG:
                await asyncio.sleep(3600)
            raise OutcomeUnknown
        await asyncio.sleep(0)


class FakeGateway(Peer):
    provider = "alipay"

    def __init__(self, clock: Clock, path: Path | None = None) -> None:
        super().__init__(path)
        self.clock = clock

    def trade(self, order_no: str) -> dict[str, Any]:
        trade: dict[str, Any] = self.table("trades")[order_no]
        return trade

    def scan(self, order_no: str) -> None:
        """The payer opens the cashier: from now on the trade is known."""
        self.trade(order_no)["status"] = "waiting"

    def pay(self, order_no: str, amount: str | None = None) -> TradeFacts:
        """The payer pays; what the notification would say."""
        trade = self.trade(order_no)
        trade.update(
            status="paid", paid=amount or trade["total"], paid_at=self.clock.now().isoformat(), trade_no="T1"
        )
        trade["payments"] = trade.get("payments", 0) + 1
        return self._facts(order_no, "notification")

    def captured(self) -> Decimal:
        """What the gateway holds of us: captured less refunded."""
        trades = self.table("trades").values()
        refunds = self.table("refunds").values()
        taken = sum((Decimal(t["paid"]) for t in trades if "paid" in t), Decimal(0))
        return taken - sum((Decimal(r["amount"]) for r in refunds), Decimal(0))

    def bridge(self, prepay_id: str) -> Mapping[str, str]:
        raise Refused("no_bridge")

    async def place(
        self, *, order_no: str, total: Decimal, subject: str, expires_at: datetime, payer: str | None = None
    ) -> Cashier:
        await self.before("place")
        if self.books.get("refuses_orders"):
            raise Refused("gateway_refused")
        trade = self.table("trades").setdefault(
            order_no, {"total": str(total), "expires_at": expires_at.isoformat(), "status": "absent"}
        )
        if trade["total"] != str(total) or trade["expires_at"] != expires_at.isoformat():
            raise Refused("ACQ.CONTEXT_INCONSISTENT")
        await self.after("place")
        return Cashier(cashier_url=f"https://pay.test/{order_no}", qr_code=f"https://pay.test/{order_no}")

    async def query(self, order_no: str) -> TradeFacts:
        await self.before("query")
        facts = self._facts(order_no, "query")
        await self.after("query")
        return facts

    async def close(self, order_no: str) -> TradeStatus:
        await self.before("close")
        status = TradeStatus(self.table("trades").get(order_no, {}).get("status", "absent"))
        if status is TradeStatus.WAITING:
            self.trade(order_no)["status"] = "closed"
            status = TradeStatus.CLOSED
        await self.after("close")
        return status

    async def refund(self, *, order_no: str, request_no: str, amount: Decimal, reason: str) -> RefundFacts:
        await self.before("refund")
        if self.books.get("refuses_refunds"):
            raise Refused("ACQ.TRADE_NOT_ALLOW_REFUND")
        done = sum(Decimal(r["amount"]) for r in self.table("refunds").values() if r["order_no"] == order_no)
        if request_no not in self.table("refunds"):
            assert done + amount <= Decimal(self.trade(order_no)["paid"]), "refunded more than paid"
            self.table("refunds")[request_no] = {
                "order_no": order_no, "amount": str(amount), "at": self.clock.now().isoformat(),
            }  # fmt: skip
        await self.after("refund")
        return RefundFacts(request_no=request_no, done=False)

    async def find_refund(self, *, order_no: str, request_no: str) -> RefundFacts:
        await self.before("find_refund")
        row = self.table("refunds").get(request_no)
        await self.after("find_refund")
        if row is None:
            return RefundFacts(request_no=request_no, done=False)
        return RefundFacts(
            request_no=request_no,
            done=True,
            amount=Decimal(row["amount"]),
            refunded_at=datetime.fromisoformat(row["at"]),
        )

    async def fetch_bill(self, day: date) -> Bill:
        """What the books say of the day, after 10:00 of the next."""
        await self.before("fetch_bill")
        if self.clock.now() < ready_at(day, self.clock.now().tzinfo):
            raise Unavailable("bill_not_ready")
        lines = [
            BillLine(
                order_no=number, trade_no=trade["trade_no"], kind=BillKind.PAID, total=Decimal(trade["paid"]),
                received=Decimal(trade["paid"]) - Decimal(trade.get("discount", "0.00")), at=moment,
            )
            for number, trade in self.table("trades").items()
            if "paid" in trade and (moment := datetime.fromisoformat(trade["paid_at"])).date() == day
        ]  # fmt: skip
        lines += [
            BillLine(
                order_no=row["order_no"], trade_no=self.trade(row["order_no"])["trade_no"], kind=BillKind.REFUND,
                total=Decimal(row["amount"]), received=Decimal(row["amount"]), at=moment, request_no=number,
            )
            for number, row in self.table("refunds").items()
            if (moment := datetime.fromisoformat(row["at"])).date() == day
        ]  # fmt: skip
        await self.after("fetch_bill")
        return Bill(
            day=day, lines=tuple(lines), sha256=sha256(repr(lines).encode()).hexdigest() if lines else ""
        )

    def give_back(self, order_no: str, amount: str, request_no: str) -> None:
        """By somebody at the gateway's console."""
        self.table("refunds")[request_no] = {
            "order_no": order_no, "amount": amount, "at": self.clock.now().isoformat(),
        }  # fmt: skip
        given = sum(Decimal(r["amount"]) for r in self.table("refunds").values() if r["order_no"] == order_no)
        if given == Decimal(self.trade(order_no)["paid"]):
            self.trade(order_no)["status"] = "refunded"

    def read_notification(self, form: Mapping[str, str]) -> TradeFacts:
        if form.get("sign") != "right":
            raise Refused("forged_notification")
        return TradeFacts(
            order_no=form["out_trade_no"],
            status=TradeStatus(form["status"]),
            source="notification",
            total=Decimal(form["total_amount"]),
            trade_no="T1",
            paid_at=self.clock.now(),
            evidence_id=form.get("notify_id", "N1"),
        )

    async def ping(self) -> None:
        await self.before("ping")

    def _facts(self, order_no: str, source: str) -> TradeFacts:
        trade = self.table("trades").get(order_no)
        if trade is None or trade["status"] == "absent":
            return TradeFacts(order_no=order_no, status=TradeStatus.ABSENT, source=source)
        paid = "paid" in trade
        return TradeFacts(
            order_no=order_no,
            status=TradeStatus(trade["status"]),
            source=source,
            total=Decimal(trade["paid" if paid else "total"]),
            trade_no=trade.get("trade_no"),
            paid_at=datetime.fromisoformat(trade["paid_at"]) if paid else None,
            received=Decimal(trade["paid"]) - Decimal(trade.get("discount", "0.00")) if paid else None,
            evidence_id="N1" if source == "notification" else None,
        )


class FakeBureau(Peer):
    def __init__(self, clock: Clock, path: Path | None = None) -> None:
        super().__init__(path)
        self.clock = clock
        self.prices = {"60%": "878.94", "100%": "1464.90"}
        self.dear = Decimal(0)
        self.refuses: dict[str, str] = {}
        self.refuses_lines: dict[str, str] = {}

    async def find_enrolments(self, person: Person) -> Sequence[Enrolment]:
        await self.before("enrolments")
        return [
            Enrolment(
                insured_group=InsuredGroup.RESIDENT, insurance=Insurance.MEDICAL, agency="520103",
                agency_name="云岩区", status=EnrolmentStatus.ACTIVE, since="2021-01", due=("2027",),
            )
        ]  # fmt: skip

    async def find_arrears(self, person: Person) -> Sequence[ArrearsItem]:
        return []

    async def find_tiers(self, person: Person, dues: Dues) -> Sequence[Tier]:
        return [Tier(tier=tier, amount=Decimal(amount)) for tier, amount in self.prices.items()][::-1]

    async def quote(self, person: Person, dues: Dues) -> Quote:
        await self.before("quote")
        return Quote(
            dues=dues, agency_name="云岩区", total=self.total_of(dues), version=str(self.calls["quote"])
        )

    def total_of(self, dues: Dues) -> Decimal:
        total = Decimal(self.prices[dues.tier]) * 6 if dues.tier else Decimal("400.00")
        return total + self.dear

    async def declare(self, person: Person, dues: Dues, *, key: str, total: Decimal) -> Declaration:
        await self.before("declare")
        if "declare" in self.refuses:
            raise Refused(self.refuses["declare"])
        self.table("declarations").setdefault(key, {"no": f"D-{key}", "total": str(total)})
        await self.after("declare")
        return Declaration(
            declaration_no=f"D-{key}", quote=Quote(dues=dues, agency_name="云岩区", total=total)
        )

    async def post_payment(
        self, *, declaration_no: str, key: str, amount: Decimal, paid_at: datetime, paid_by: Person
    ) -> Posting:
        await self.before("post_payment")
        if "post_payment" in self.refuses:
            raise Refused(self.refuses["post_payment"])
        line = key.partition("L")[2]
        if line in self.refuses_lines:
            raise Refused(self.refuses_lines[line])
        assert self.table("declarations")[key]["no"] == declaration_no
        row = self.table("payments").setdefault(key, {"no": f"P-{key}", "amount": str(amount), "times": 0})
        row["times"] += 1
        await self.after("post_payment")
        return self._posting(key)

    async def find_posting(self, key: str) -> Posting | None:
        await self.before("find_posting")
        return self._posting(key) if key in self.table("payments") else None

    async def find_bookings(self, day: date) -> Sequence[Booking]:
        await self.before("find_bookings")
        return [
            Booking(key=key, payment_no=row["no"], amount=Decimal(row["amount"]), booked_on=day)
            for key, row in self.table("payments").items()
            if row.get("booked_on") == day.isoformat()
        ]

    def book(self, key: str, day: str = "2026-11-25") -> None:
        self.table("payments")[key]["booked_on"] = day

    async def find_records(self, person: Person, kind: Any, **_wishes: Any) -> Sequence[Any]:
        return []

    async def ping(self) -> None:
        await self.before("ping")

    def _posting(self, key: str) -> Posting:
        row = self.table("payments")[key]
        booked = row.get("booked_on")
        return Posting(payment_no=row["no"], booked_on=date.fromisoformat(booked) if booked else None)
