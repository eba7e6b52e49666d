"""Several bills in one payment: as a whole before they are booked, each by itself afterwards."""

from decimal import Decimal

from sqlalchemy import func, select

from services.domain.refunds import Reason
from services.payment import OrderView, Placed
from services.store.orders import ClaimRow, PostingRow
from tests.refunds.conftest import ANNA, BERT, Office


async def pay_for_two(office: Office) -> OrderView:
    """For p1, who pays, and for p2."""
    town = office.town
    draft = await town.family("p1", "p2", conversation="rest:p1")
    placed = await town.payment.place(draft.draft_id, conversation_id="rest:p1")
    assert isinstance(placed, Placed)
    await town.scan(placed.order.order_no)
    town.gateway.pay(placed.order.order_no)
    await town.payment.refresh(placed.order.order_no)
    await town.run()
    return placed.order


async def book(office: Office, order: OrderView) -> None:
    for key in (order.order_no, f"{order.order_no}L2"):
        office.bureau.book(key)
    await office.town.run(hours=49)
    view = await office.town.payment.find_order(order.order_no)
    assert view is not None
    assert view.booked


async def approve(office: Office, case_no: str) -> None:
    await office.refunds.approve(case_no, ANNA)
    await office.refunds.approve(case_no, BERT)
    await office.town.run()


async def claims(office: Office) -> list[tuple[int, str]]:
    async with office.town.database.read() as session:
        rows = await session.execute(select(ClaimRow.line, ClaimRow.state).order_by(ClaimRow.line))
        return [(line, state) for line, state in rows.all()]


async def test_before_booking_all_of_it_goes_back_at_once(office: Office) -> None:
    order = await pay_for_two(office)
    [whole] = await office.refunds.list_refundable("p1")
    assert [part.amount for part in whole.parts] == [Decimal(400), Decimal(400)]
    case = await office.ask(order.order_no, Reason.OTHER, line=2)
    assert case.amount == 800
    for _ in range(3):
        await office.town.run(seconds=12)
    assert await office.state(case.case_no) == "done"
    assert await office.town.status(order.order_no) == "refunded"
    assert office.town.gateway.captured() == 0
    assert office.bureau.table("payments") == {}
    await office.town.check_invariants()


async def test_after_booking_one_goes_back_and_the_other_stays(office: Office) -> None:
    order = await pay_for_two(office)
    await book(office, order)
    assert [one.line for one in await office.refunds.list_refundable("p1")] == [1, 2]
    case = await office.ask(order.order_no, line=2)
    assert case.amount == 400
    await approve(office, case.case_no)
    assert await office.town.status(order.order_no) == "paid"  # the other one stays paid
    [key] = office.bureau.table("refunds")
    office.bureau.stage(key, "paid")
    await office.town.run(days=1)
    assert await office.state(case.case_no) == "done"
    assert await office.town.status(order.order_no) == "paid"
    assert await claims(office) == [(1, "applied"), (2, "released")]
    await office.town.check_invariants()

    anew = await office.town.draft(conversation="rest:p2", person="p2")
    assert isinstance(await office.town.payment.place(anew.draft_id, conversation_id="rest:p2"), Placed)


async def test_one_after_the_other_all_of_it_is_back(office: Office) -> None:
    order = await pay_for_two(office)
    await book(office, order)
    for line, status in ((1, "paid"), (2, "refunded")):
        case = await office.ask(order.order_no, line=line)
        await approve(office, case.case_no)
        assert await office.town.status(order.order_no) == {1: "paid", 2: "refunding"}[line]
        office.bureau.stage(case.case_no, "paid")
        await office.town.run(days=1)
        assert await office.state(case.case_no) == "done"
        assert await office.town.status(order.order_no) == status
    assert await claims(office) == [(1, "released"), (2, "released")]
    async with office.town.database.read() as session:
        back = select(func.sum(PostingRow.amount)).where(PostingRow.account == "refunded_by_office")
        assert await session.scalar(back) == -800
    await office.town.check_invariants()


async def test_what_the_bureau_refused_is_not_given_back_twice(office: Office) -> None:
    """One bill went back by itself; a request for the rest gives back the rest."""
    office.bureau.refuses_lines["2"] = "already_paid"
    order = await pay_for_two(office)
    for _ in range(4):
        await office.town.run(seconds=12)
    assert office.town.gateway.captured() == 400
    case = await office.ask(order.order_no, Reason.OTHER, line=1)
    assert case.amount == 400
    for _ in range(3):
        await office.town.run(seconds=12)
    assert await office.state(case.case_no) == "done"
    assert office.town.gateway.captured() == 0
    await office.town.check_invariants()
