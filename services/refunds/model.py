"""What the conversation and the staff get to see of a refund, and how it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.domain.orders import OrderState
from services.domain.refunds import UNDER_WAY, CaseState, Reason, Route
from services.payment.desk import Desk, known, read_lines
from services.payment.model import load_quote
from services.ports import Dues, RefundStage
from services.store.orders import OrderLineRow, OrderRow
from services.store.refunds import WHOLE, ApplicationRow, CaseRow

STAGES = list(RefundStage)
COVERS = (*UNDER_WAY, CaseState.DONE)
"""A payment with a case in one of these has its case; another is not opened."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One bill: for whom, what, when, how much, and from when it helps. `fee_period` also for arrears."""

    insured_id: str
    dues: Dues
    fee_period: str | None
    amount: Decimal
    benefit_from: date | None = None


@dataclass(frozen=True, kw_only=True)
class Refundable:
    """A payment that its payer may ask to have back; `line` 0 is the whole order. `case_no` if asked already."""

    order_no: str
    line: int
    provider: str
    parts: tuple[Part, ...]
    paid_at: datetime
    booked: bool
    case_no: str | None

    @property
    def amount(self) -> Decimal:
        return sum((part.amount for part in self.parts), Decimal(0))


@dataclass(frozen=True, kw_only=True)
class CaseView:
    """A case as its payer sees it. `stage` is the tax office's word, `outcome` why it ended without money."""

    case_no: str
    order_no: str
    payer_id: str
    provider: str
    parts: tuple[Part, ...]
    amount: Decimal
    reason: Reason
    route: Route
    state: CaseState
    stage: RefundStage | None
    expected_by: date | None
    outcome: str | None
    requested_at: datetime


def parts_of(lines: Sequence[OrderLineRow], line: int) -> tuple[Part, ...]:
    """The bills that a case on `line` is about."""
    return tuple(_part(row) for row in covered(lines, line))


def covered(lines: Sequence[OrderLineRow], line: int) -> list[OrderLineRow]:
    """Those lines of an order that the bureau took."""
    return [row for row in lines if line in {WHOLE, row.line} and row.returned_at is None]


def _part(row: OrderLineRow) -> Part:
    quote = load_quote(row.quote)
    period = quote.dues.fee_period or quote.fee_period
    return Part(
        insured_id=row.insured_id,
        dues=quote.dues,
        fee_period=period,
        amount=row.amount,
        benefit_from=quote.benefit_from,
    )


async def find_case_on(session: AsyncSession, order_no: str, line: int) -> CaseRow | None:
    """The case that covers this payment already, wholly or in part."""
    found = select(CaseRow).where(
        CaseRow.order_no == order_no,
        CaseRow.state.in_([state.value for state in COVERS]),
    )
    if line != WHOLE:
        found = found.where(or_(CaseRow.line == line, CaseRow.line == WHOLE))
    case: CaseRow | None = (await session.scalars(found.order_by(CaseRow.requested_at.desc()))).first()
    return case


async def read_applications(session: AsyncSession, case_no: str) -> Sequence[ApplicationRow]:
    found = select(ApplicationRow).where(ApplicationRow.case_no == case_no).order_by(ApplicationRow.line)
    return (await session.scalars(found)).all()


async def view_of(desk: Desk, session: AsyncSession, case: CaseRow) -> CaseView:
    order = known(await session.get(OrderRow, case.order_no))
    applications = await read_applications(session, case.case_no)
    stages = [RefundStage(row.stage) for row in applications if row.stage]
    expected = [row.expected_by for row in applications if row.expected_by]
    return CaseView(
        case_no=case.case_no,
        order_no=case.order_no,
        payer_id=case.payer_id,
        provider=order.provider,
        parts=parts_of(await read_lines(session, case.order_no), case.line),
        amount=case.amount,
        reason=Reason(case.reason),
        route=Route(case.route),
        state=_state(case, order),
        stage=min(stages, key=STAGES.index) if stages else None,
        expected_by=max(expected) if expected else None,
        outcome=case.outcome,
        requested_at=desk.local(case.requested_at),
    )


def _state(case: CaseRow, order: OrderRow) -> CaseState:
    """The payment knows before the case does that the gateway has paid back."""
    state = CaseState(case.state)
    back = order.state is OrderState.REFUNDED and case.route == Route.GATEWAY
    return CaseState.DONE if back and state in {CaseState.SENT, CaseState.STUCK} else state
