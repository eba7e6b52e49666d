"""What must be true of the money in every committed state (`reliability` 2): I1, I2 (our side), I3, I5, I14.

Reads the store in one snapshot and says in words what is broken. A job runs it in production, tests run it after
every step; that our books are also the gateway's is found by reconciliation.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.domain.orders import AT_OFFICE, EDGES, OPEN, Account, OrderState, RefundState
from services.ports import RefundStage
from services.store.orders import (
    APPLIED,
    LIVE,
    OUTSIDE,
    RELEASED,
    ClaimRow,
    EntryRow,
    MoveRow,
    OrderLineRow,
    OrderRow,
    PostingRow,
    RefundRow,
)
from services.store.refunds import ApplicationRow, CaseRow
from services.store.session import Database

NOTHING = Decimal(0)
SETTLED = AT_OFFICE | {OrderState.APPLIED}
MEANT_TO_GO_BACK = frozenset({RefundState.APPROVED, RefundState.SENT, RefundState.STUCK})


@dataclass(frozen=True, kw_only=True)
class Broken:
    """One invariant that does not hold, and where. No personal data."""

    invariant: str
    order_no: str
    words: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.order_no}: {self.words}"


@dataclass(kw_only=True)
class _Order:
    """All that the store holds of one order."""

    order_no: str
    state: OrderState
    moves: int
    total: Decimal
    captured: Decimal | None
    lines: list[tuple[Decimal, str]] = field(default_factory=list)
    history: list[tuple[int, OrderState, OrderState]] = field(default_factory=list)
    returned: set[int] = field(default_factory=set)
    claims: set[tuple[int, str]] = field(default_factory=set)
    entries: dict[str, list[Decimal]] = field(default_factory=dict)
    balances: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    refunds: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    parts_outside: Decimal = NOTHING


async def find_broken(database: Database, *, among: Any = None) -> Sequence[Broken]:
    """Everything that is broken; `among`: look only at the orders that this statement selects."""
    async with database.read_snapshot() as connection:
        orders = await _read(connection, among)
        doubles = await _read_doubles(connection, among)
    return [*doubles, *(broken for order in orders for broken in _examine(order))]


def _examine(order: _Order) -> Iterator[Broken]:
    checks = (("I3", _entries), ("I2", _money), ("I5", _amounts), ("I14", _moves), ("I14", _claims))
    for invariant, check in checks:
        for words in check(order):
            yield Broken(invariant=invariant, order_no=order.order_no, words=words)


def _entries(order: _Order) -> Iterator[str]:
    for entry_id, amounts in order.entries.items():
        if len(amounts) < 2 or sum(amounts, NOTHING) != NOTHING:
            yield f"journal entry {entry_id} is not balanced: {[str(amount) for amount in amounts]}"


def _money(order: _Order) -> Iterator[str]:
    """Every captured fen is applied, or in suspense waiting for its refund, or refunded."""
    captured = order.captured or NOTHING
    back = order.refunds[RefundState.DONE]
    waiting = sum((order.refunds[state] for state in MEANT_TO_GO_BACK), NOTHING)
    missing = (
        order.parts_outside if order.state in SETTLED else NOTHING
    )  # given back by somebody else, in part
    balances = order.balances
    settled = balances[Account.BUREAU] + balances[Account.BOOKED] + balances[Account.OFFICE]
    for what, found, wanted in (
        ("cash", balances[Account.CASH], captured - back - balances[Account.DISCOUNT]),
        ("suspense", balances[Account.SUSPENSE], missing - waiting),
        ("what is due to the bureau or booked", settled, back + waiting - captured - missing),
    ):
        if found != wanted:
            yield f"{order.state}: {what} is {found} and should be {wanted}"


def _amounts(order: _Order) -> Iterator[str]:
    """What was charged is what was shown, line by line, and what the order was issued for."""
    shown = [Decimal(json.loads(quote)["total"]) for _, quote in order.lines]
    charged = [amount for amount, _ in order.lines]
    if shown != charged or sum(charged, NOTHING) != order.total:
        yield f"charged {[str(a) for a in charged]} of {order.total}, shown {[str(a) for a in shown]}"
    if order.state in SETTLED and order.captured != order.total:
        yield f"applied with {order.captured} captured instead of {order.total}"


def _moves(order: _Order) -> Iterator[str]:
    """The history is whole, begins at the beginning, goes along edges and ends where the order is."""
    at = OrderState.NEW
    for number, (seq, old, new) in enumerate(sorted(order.history), start=1):
        if seq != number or old is not at or (old, new) not in EDGES:
            yield f"move {seq} is {old} -> {new} at {at}"
        at = new
    if at is not order.state or len(order.history) != order.moves:
        yield f"{order.moves} moves lead to {order.state}, the history has {len(order.history)} to {at}"
    if order.state is OrderState.PAID:
        yield "paid, and neither applied nor surplus"


def _claims(order: _Order) -> Iterator[str]:
    """A bill is held by whoever can still be paid for it, or has paid it; one that was given back is free."""
    held = LIVE if order.state in OPEN else APPLIED if order.state in SETTLED else RELEASED
    for line, state in sorted(order.claims):
        wanted = RELEASED if line in order.returned else held
        if state != wanted:
            yield f"{order.state}: the claims of line {line} are {state} and should be {wanted}"
    if len({line for line, _ in order.claims}) != len(order.lines):
        yield f"{len(order.lines)} lines, and claims of {sorted(order.claims)}"


# --- reading --------------------------------------------------------------------------------------------


_ORDERS = select(OrderRow.order_no, OrderRow.state, OrderRow.moves, OrderRow.total, OrderRow.captured)
_LINES = select(
    OrderLineRow.order_no,
    OrderLineRow.line,
    OrderLineRow.amount,
    OrderLineRow.quote,
    OrderLineRow.returned_at,
).order_by(OrderLineRow.line)
_MOVES = select(MoveRow.order_no, MoveRow.seq, MoveRow.old, MoveRow.new)
_CLAIMS = select(ClaimRow.order_no, ClaimRow.line, ClaimRow.state).distinct()
_REFUNDS = select(RefundRow.order_no, RefundRow.state, RefundRow.amount, RefundRow.kind)
_PAID_BACK = (
    select(CaseRow.order_no, ApplicationRow.line)
    .join(CaseRow, CaseRow.case_no == ApplicationRow.case_no)
    .where(ApplicationRow.stage == RefundStage.PAID.value)
)
_POSTINGS = select(EntryRow.order_no, EntryRow.entry_id, PostingRow.account, PostingRow.amount).outerjoin(
    PostingRow, PostingRow.entry_id == EntryRow.entry_id
)


async def _read(connection: AsyncConnection, among: Any) -> Sequence[_Order]:
    found = await connection.execute(_of(_ORDERS, OrderRow.order_no, among))
    orders = {row.order_no: _Order(**row._mapping) for row in found}
    for order_no, line, amount, quote, returned_at in await connection.execute(
        _of(_LINES, OrderLineRow.order_no, among)
    ):
        orders[order_no].lines.append((amount, quote))
        if returned_at is not None:
            orders[order_no].returned.add(line)
    for order_no, seq, old, new in await connection.execute(_of(_MOVES, MoveRow.order_no, among)):
        orders[order_no].history.append((seq, old, new))
    for order_no, line, state in await connection.execute(_of(_CLAIMS, ClaimRow.order_no, among)):
        orders[order_no].claims.add((line, state))
    for order_no, line in await connection.execute(_of(_PAID_BACK, CaseRow.order_no, among)):
        orders[order_no].returned.add(line)
    for order_no, state, amount, kind in await connection.execute(_of(_REFUNDS, RefundRow.order_no, among)):
        orders[order_no].refunds[state] += amount
        orders[order_no].parts_outside += amount if kind == OUTSIDE else NOTHING
    for order_no, entry_id, account, amount in await connection.execute(
        _of(_POSTINGS, EntryRow.order_no, among)
    ):
        entry = orders[order_no].entries.setdefault(entry_id, [])
        if account is not None:
            entry.append(amount)
            orders[order_no].balances[account] += amount
    return list(orders.values())


def _of(found: Any, column: Any, among: Any) -> Any:
    return found if among is None else found.where(column.in_(among))


_UNIT = (ClaimRow.insured_id, ClaimRow.insured_group, ClaimRow.insurance, ClaimRow.unit, ClaimRow.state)
_ONE, _OTHER = ClaimRow.__table__.alias(), ClaimRow.__table__.alias()
_DOUBLES = (
    select(_ONE.c.order_no, _OTHER.c.order_no, _ONE.c.unit, _ONE.c.state)
    .join(_OTHER, _ONE.c.order_no < _OTHER.c.order_no)
    .where(*(_ONE.c[column.key] == _OTHER.c[column.key] for column in _UNIT))
    .where(_ONE.c.state.in_([LIVE, APPLIED]))
)


async def _read_doubles(connection: AsyncConnection, among: Any) -> Sequence[Broken]:
    """I1: units of bills that two orders hold. The indexes keep this from happening; they may be gone."""
    return [
        Broken(invariant="I1", order_no=first, words=f"{second} holds {period} too, both are {state}")
        for first, second, period, state in await connection.execute(_of(_DOUBLES, _ONE.c.order_no, among))
    ]
