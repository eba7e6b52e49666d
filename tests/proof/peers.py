"""The two peers as suspicious witnesses: they look into our store whether each call was intended before it came."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.domain.errors import OutcomeUnknown
from services.domain.people import Person
from services.ports import Cashier, Clock, Declaration, Posting, RefundFacts
from tests.payment.peers import FakeBureau, FakeGateway, Peer

HANG_SECONDS = 8.0
SLOW = "slow"
"""A fault mode: the effect, then silence until the caller gives up."""
Committed = Callable[[str, dict[str, Any]], Awaitable[bool]]
"""Whether a query about what is committed finds something."""


class Gate:
    """Holds the next call of one operation until it is opened: the caller has fallen asleep."""

    def __init__(self, operation: str, *, effect_first: bool) -> None:
        self.operation = operation
        self.effect_first = effect_first
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def pass_by(self) -> None:
        self.reached.set()
        await self.opened.wait()


class Witness(Peer):
    """What both have: gates, silence, and the list of calls that nobody had intended."""

    committed: Committed
    gate: Gate | None = None

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.unintended: list[str] = []

    async def before(self, operation: str) -> None:
        await self._gate(operation, effect_first=False)
        await super().before(operation)

    async def after(self, operation: str) -> None:
        await self._gate(operation, effect_first=True)
        if self.faults[operation] and self.faults[operation][0] == SLOW:
            self.faults[operation].pop(0)
            await asyncio.sleep(HANG_SECONDS)
            raise OutcomeUnknown
        await super().after(operation)

    async def intended(self, what: str, sql: str, **named: Any) -> None:
        """I6: what is asked of us stands in the caller's store, committed."""
        if not await self.committed(sql, named):
            self.unintended.append(what)

    async def _gate(self, operation: str, *, effect_first: bool) -> None:
        gate = self.gate
        if gate and gate.operation == operation and gate.effect_first is effect_first:
            self.gate = None
            await gate.pass_by()


class WitnessGateway(Witness, FakeGateway):
    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.stuck: set[str] = set()

    async def place(self, *, order_no: str, **asked: Any) -> Cashier:
        await self.intended(
            f"place {order_no}",
            "SELECT 1 FROM payment_order WHERE order_no = :order_no AND sent_at IS NOT NULL AND sends > 0",
            order_no=order_no,
        )
        return await super().place(order_no=order_no, **asked)

    async def refund(self, *, order_no: str, request_no: str, amount: Decimal, reason: str) -> RefundFacts:
        await self.intended(
            f"refund {order_no} {request_no}",
            "SELECT 1 FROM payment_refund WHERE request_no = :request_no AND order_no = :order_no"
            " AND amount = :fen AND state IN ('sent', 'done', 'stuck')",
            order_no=order_no, request_no=request_no, fen=int(amount * 100),
        )  # fmt: skip
        if self.books.get("refuses_refunds"):
            self.stuck.add(order_no)
        return await super().refund(order_no=order_no, request_no=request_no, amount=amount, reason=reason)

    def payable(self, order_no: str, now: datetime) -> bool:
        trade = self.trade(order_no)
        in_time = datetime.fromisoformat(trade["expires_at"]) > now
        return trade["status"] in {"absent", "waiting"} and in_time

    def kept(self, order_no: str) -> Decimal:
        """What we have of one trade: captured less refunded, by the gateway's books."""
        trade = self.table("trades").get(order_no, {})
        return Decimal(trade.get("paid", 0)) - self.refunded(order_no)

    def refunded(self, order_no: str) -> Decimal:
        refunds = self.table("refunds").values()
        return sum((Decimal(r["amount"]) for r in refunds if r["order_no"] == order_no), Decimal(0))


class WitnessBureau(Witness, FakeBureau):
    def filed(self, order_no: str) -> Decimal:
        """What was declared for all lines of an order."""
        lines = self.table("declarations").items()
        return sum(
            (Decimal(row["total"]) for key, row in lines if key.partition("L")[0] == order_no), Decimal(0)
        )

    async def declare(self, person: Person, dues: Any, *, key: str, total: Decimal) -> Declaration:
        await self.intended(
            f"declare {key}", "SELECT 1 FROM payment_order_line WHERE key = :key AND amount = :fen",
            key=key, fen=int(total * 100),
        )  # fmt: skip
        true = self.table("declarations").get(key, {}).get("total") or str(self.total_of(dues))
        return await super().declare(person, dues, key=key, total=Decimal(true))

    async def post_payment(
        self, *, declaration_no: str, key: str, amount: Decimal, paid_at: datetime, paid_by: Person
    ) -> Posting:
        await self.intended(
            f"post {key}",
            "SELECT 1 FROM payment_order_line AS line JOIN payment_order AS o ON o.order_no = line.order_no"
            " JOIN journal_entry AS entry ON entry.order_no = o.order_no AND entry.kind = 'captured'"
            " WHERE line.key = :key AND line.amount = :fen AND o.captured IS NOT NULL",
            key=key, fen=int(amount * 100),
        )  # fmt: skip
        return await super().post_payment(
            declaration_no=declaration_no, key=key, amount=amount, paid_at=paid_at, paid_by=paid_by
        )
