"""Whether everything is as it must be: our own books after every step, the peers' books beside them, and the end."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, func, select

from services.domain.orders import GRACE, OrderState
from services.payment.invariants import find_broken
from services.store.orders import EntryRow, MoveRow, OrderLineRow, OrderRow, PostingRow, RefundRow

if TYPE_CHECKING:
    from tests.proof.world import World

NOTHING = Decimal(0)
KEPT = {OrderState.APPLIED}
BACK = {OrderState.REFUNDED}


class Judge:
    """Finds what is wrong, in words."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.acknowledged: set[str] = set()
        self.believed_a_forgery = False
        self.closed: set[str] = set()
        self.steps = 0
        self._commits = self._looked = 0
        event.listen(world.database.engine.sync_engine, "commit", self._committed)

    def close(self) -> None:
        event.remove(self.world.database.engine.sync_engine, "commit", self._committed)

    async def after_step(self) -> None:
        """Only if somebody has committed something since."""
        self.steps += 1
        if self._commits != self._looked or self.world.gateway.unintended or self.world.bureau.unintended:
            self._looked = self._commits
            self._blame(await self._look())

    async def at_the_end(self) -> None:
        """After the heal phase, without reconciliation: I2 against the gateway's own books, and nobody left alone."""
        wrong = await self._look()
        orders = {order.order_no: order for order in await self._all(OrderRow)}
        lines = await self._all(OrderLineRow)
        for order_no, trade in self.world.gateway.table("trades").items():
            own = {line.key: line for line in lines if line.order_no == order_no}
            wrong += self._at_rest(order_no, trade, orders[order_no], own)
        wrong += [f"{no} has no trade and is {o.state}" for no, o in orders.items()
                  if no not in self.world.gateway.table("trades") and o.state is not OrderState.CLOSED]  # fmt: skip
        cash = await self._cash()
        if sum(cash.values(), NOTHING) != self.world.gateway.captured():
            wrong.append(f"I2 we have {cash}, the gateway {self.world.gateway.captured()}")
        self._blame(wrong)

    def _at_rest(
        self, order_no: str, trade: dict[str, Any], order: OrderRow, lines: dict[str, OrderLineRow]
    ) -> list[str]:
        if "paid" not in trade:
            return [] if order.state is OrderState.CLOSED else [f"I4 {order_no} unpaid and {order.state}"]
        wrong = []
        stuck = order_no in self.world.gateway.stuck
        if order.state not in {*KEPT, *BACK, *([OrderState.REFUND_STUCK] if stuck else [])}:
            wrong.append(f"I2 {order_no} was paid and is {order.state}: lost, or not given back")
        posted = {key for key in self.world.bureau.table("payments") if key in lines}
        taken = {key for key, line in lines.items() if line.returned_at is None and order.state in KEPT}
        if posted != taken:
            wrong.append(f"I2 {order_no} is {order.state} with {taken}, and the bureau knows of {posted}")
        kept = sum((lines[key].amount for key in taken), NOTHING)
        if self.world.gateway.kept(order_no) != kept and not stuck:
            wrong.append(
                f"I2 {order_no}: {kept} is applied, the gateway has {self.world.gateway.kept(order_no)}"
            )
        return wrong

    async def _look(self) -> list[str]:
        wrong = [str(broken) for broken in await find_broken(self.world.database)]
        wrong += [
            f"I6 not intended: {what}"
            for peer in (self.world.gateway, self.world.bureau)
            for what in peer.unintended
        ]
        if self.believed_a_forgery:
            wrong.append("I8 a forged notification was acknowledged")
        return wrong + await self._against_the_gateway()

    async def _against_the_gateway(self) -> list[str]:
        """Never more than the gateway says, never closed while it can be paid, never acknowledged and forgotten."""
        wrong, gateway = [], self.world.gateway
        for order in await self._all(OrderRow):
            no, trade = order.order_no, gateway.table("trades").get(order.order_no)
            if order.captured is not None and (not trade or order.captured != Decimal(trade.get("paid", -1))):
                wrong.append(f"I2 {no}: we say {order.captured} captured, the gateway {trade}")
            filed = self.world.bureau.filed(no)
            if trade and Decimal(trade["total"]) != filed:
                wrong.append(f"I5 {no}: the gateway has {trade['total']}, the bureau said {filed}")
            if trade and trade.get("payments", 0) > 1:
                wrong.append(f"I1 {no} was paid twice")
            if no in self.acknowledged and order.captured is None:
                wrong.append(f"I7 {no}: the notification was acknowledged and is not here")
            if order.state is OrderState.CLOSED and no not in self.closed:
                self.closed.add(no)
                wrong += self._closed_by_evidence(order, trade)
        refunds, shown = {row.request_no: row for row in await self._all(RefundRow)}, gateway.table("refunds")
        for request_no, row in refunds.items():
            if row.state == "done" and Decimal(shown.get(request_no, {}).get("amount", -1)) != row.amount:
                wrong.append(f"I4 {row.order_no}: {row.amount} is refunded by our word only")
        for request_no, shows in shown.items():
            if request_no not in refunds or gateway.kept(shows["order_no"]) < 0:
                wrong.append(f"I6 {shows['order_no']}: refund {request_no} is not ours, or one too many")
        return wrong

    def _closed_by_evidence(self, order: OrderRow, trade: dict[str, Any] | None) -> list[str]:
        """I4, P14: a number that somebody may hold is closed when the gateway can't take money for it any more."""
        never_left_us = order.cashier_url is not None and order.opened_at is None
        harmless = trade is None or never_left_us or trade["status"] in {"closed", "paid"}
        if harmless or self.world.clock.now() > order.expires_at + GRACE:
            return []
        return [f"I4 {order.order_no} was closed while the gateway would still take money: {trade}"]

    async def _cash(self) -> dict[str, Decimal]:
        found = (
            select(EntryRow.order_no, func.sum(PostingRow.amount))
            .join(PostingRow, PostingRow.entry_id == EntryRow.entry_id)
            .where(PostingRow.account == "gateway_cash")
            .group_by(EntryRow.order_no)
        )
        return await self.world.database.look(lambda rows: {row[0]: row[1] for row in rows.execute(found)})

    async def history(self) -> list[str]:
        """What became of each order: equal for two runs of one schedule."""
        moves = sorted(await self._all(MoveRow), key=lambda move: (move.order_no, move.seq))
        return [f"{m.order_no} {m.seq} {m.new} {m.reason} {m.at.isoformat()}" for m in moves]

    async def _all(self, row: Any) -> Any:
        return await self.world.database.look(lambda rows: list(rows.execute(select(row.__table__))))

    def _blame(self, wrong: list[str]) -> None:
        if wrong:
            raise Wrong("\n".join(wrong))

    def _committed(self, _connection: Any) -> None:
        self._commits += 1


class Wrong(AssertionError):
    """The money went wrong."""
