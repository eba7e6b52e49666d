"""Whole days against the peers' own books: what is found, what is mended, and what a second run changes."""

import asyncio
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from services import audit
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from services.domain.staff import Role
from services.ports import Bill
from services.reconciliation import reading
from services.reconciliation.facts import Kind
from services.staff import Agent
from services.store.orders import OrderLineRow, OrderRow, PostingRow, RefundRow
from services.store.reconciliation import BillRow, FindingRow, ReconciledDayRow
from tests.payment.peers import AFTER, BEFORE
from tests.reconciliation.conftest import MONDAY, THURSDAY, TUESDAY, WEDNESDAY, Desk, told


async def booked(desk: Desk, order_no: str) -> None:
    """On Wednesday, and we have seen it."""
    desk.town.bureau.book(order_no)
    await desk.town.payment.refresh(order_no)


# --- nothing to find --------------------------------------------------------------------------------------


async def test_a_day_on_which_all_agree_has_no_finding(desk: Desk) -> None:
    for person in ("p1", "p2", "p3"):
        await desk.paid(person)
    await desk.next_day()
    report = await desk.run()
    assert (report.payments, report.refunds, report.bookings, report.matched) == (3, 0, 0, 3)
    assert report.findings == ()
    await desk.next_day()
    await desk.next_day()
    for order_no in desk.town.gateway.table("trades"):
        await booked(desk, order_no)
    report = await desk.run(WEDNESDAY)
    assert (report.bookings, report.matched, report.findings) == (3, 3, ())


async def test_an_order_that_is_paid_while_the_books_are_read_adds_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_no = await desk.paid("p1", notified=False)
    read_books = reading._read_books

    async def taken_in_meanwhile(*arguments: Any) -> Any:
        monkeypatch.setattr(reading, "_read_books", read_books)
        await desk.town.payment.mending.ask(order_no)
        return await read_books(*arguments)

    monkeypatch.setattr(reading, "_read_books", taken_in_meanwhile)
    await desk.next_day()
    assert Kind.JOURNAL not in {finding.kind for finding in (await desk.run()).findings}
    assert await desk.state(order_no) == "applied"


async def test_the_same_day_again_changes_nothing(desk: Desk) -> None:
    await desk.paid("p1")
    lost = await desk.paid("p2", notified=False)
    desk.town.gateway.trade(lost)["discount"] = "3.00"
    desk.town.gateway.give_back(await desk.paid("p3"), "400.00", "CONSOLE1")
    desk.town.gateway.give_back(await desk.paid("p4"), "100.00", "CONSOLE2")
    desk.town.gateway.table("trades").pop(await desk.paid("p5"))
    desk.town.bureau.table("payments")["GZ1NOBODY"] = {"no": "P", "amount": "1.00", "booked_on": "2026-11-23"}
    await desk.next_day()
    first = await desk.run()
    assert {finding.kind for finding in first.findings} == {
        Kind.LONG, Kind.EXTERNAL_REFUND, Kind.SHORT, Kind.BUREAU_UNKNOWN, Kind.DISCOUNT,
    }  # fmt: skip
    before, bills = await desk.snapshot(), await desk.count(BillRow)
    for _ in range(2):
        assert (await desk.run()).findings == first.findings
    assert await desk.snapshot() == before
    assert await desk.count(BillRow) == bills


async def test_before_the_bill_is_there_nothing_is_compared(desk: Desk) -> None:
    await desk.paid()
    with pytest.raises(Unavailable, match="bill_not_ready"):
        await desk.run()
    assert MONDAY not in await _days(desk)
    assert await desk.count(FindingRow) == 0


@pytest.mark.parametrize("operation", ["fetch_bill", "find_bookings"])
async def test_with_one_side_missing_nothing_is_compared(desk: Desk, operation: str) -> None:
    await desk.paid("p1", notified=False)
    await desk.next_day()
    peer = desk.town.gateway if operation == "fetch_bill" else desk.town.bureau
    for mode, error in ((BEFORE, Unavailable), (AFTER, OutcomeUnknown)):
        if operation == "find_bookings" and mode == AFTER:
            continue
        peer.fail(operation, mode)
        with pytest.raises(error):
            await desk.run()
        assert await desk.count(FindingRow) == 0
    assert told((await desk.run()).findings) == [("long", "mended", "taken_in")]


async def test_a_missing_file_is_late_when_the_gateway_says_that_money_came(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.paid()
    await desk.next_day()
    fetch = desk.town.gateway.fetch_bill

    async def nothing(day: date):  # type: ignore[no-untyped-def]
        return Bill(day=day)

    monkeypatch.setattr(desk.town.gateway, "fetch_bill", nothing)
    with pytest.raises(Unavailable, match="bill_not_ready"):
        await desk.run()
    monkeypatch.setattr(desk.town.gateway, "fetch_bill", fetch)
    assert (await desk.run()).findings == ()


# --- the gateway has it -----------------------------------------------------------------------------------


async def test_a_payment_that_nobody_told_us_of_is_taken_in_and_posted(desk: Desk) -> None:
    order_no = await desk.paid(notified=False)
    await desk.next_day()
    assert await desk.findings() == [("long", "mended", "taken_in")]
    assert await desk.state(order_no) == "applied"
    assert desk.town.bureau.table("payments")[order_no]["times"] == 1
    await desk.town.check_invariants()


async def test_the_file_alone_moves_nothing(desk: Desk) -> None:
    """A line in the bill, and a gateway that says otherwise when it is asked."""
    order_no = await desk.paid(notified=False)
    await desk.next_day()
    fetch = desk.town.gateway.fetch_bill
    bill = await fetch(MONDAY)

    async def forged(_day: date):  # type: ignore[no-untyped-def]
        return bill

    trade = desk.town.gateway.trade(order_no)
    trade.pop("paid")
    trade["status"] = "waiting"
    desk.town.gateway.fetch_bill = forged  # type: ignore[method-assign]
    assert await desk.findings() == [("long", "open", "gateway_says_waiting")]
    assert await desk.state(order_no) == "wait"
    assert desk.town.bureau.table("payments") == {}


async def test_money_for_a_settled_bill_is_taken_in_and_goes_back(desk: Desk) -> None:
    first = await desk.town.place()
    await desk.town.scan(first.order_no)
    desk.town.clock.advance(minutes=30)
    desk.town.gateway.trade(first.order_no)["status"] = "closed"
    await desk.town.run()
    assert await desk.state(first.order_no) == "closed"
    second = await desk.paid()
    desk.town.gateway.pay(first.order_no)
    await desk.next_day()
    assert await desk.findings() == [("long", "mended", "taken_in")]
    for _ in range(2):
        await desk.town.run(seconds=20)
    assert (await desk.state(first.order_no), await desk.state(second)) == ("refunded", "applied")
    await desk.town.check_invariants()
    desk.town.clock.advance(days=1)
    assert (await desk.run(TUESDAY)).findings == ()


async def test_an_order_of_ours_that_the_store_has_lost_is_kept_and_never_invented(desk: Desk) -> None:
    order_no = await desk.paid(notified=False)
    trades = desk.town.gateway.table("trades")
    trades["GZ0LOST"] = trades.pop(order_no) | {"trade_no": "T9"}
    trades["TILL7"] = dict(trades["GZ0LOST"]) | {"trade_no": "T10"}
    await desk.next_day()
    asked = desk.town.gateway.calls["query"]
    for _ in range(2):
        assert await desk.findings() == [("long", "open", "foreign_number"), ("long", "open", "order_lost")]
    assert desk.town.gateway.calls["query"] == asked + 1
    assert await desk.count(OrderRow) == 1


async def test_a_gateway_that_does_not_answer_is_asked_again_by_itself(desk: Desk) -> None:
    lost = await desk.paid("p1", notified=False)
    trades = desk.town.gateway.table("trades")
    trades["GZ0LOST"] = dict(trades[lost]) | {"trade_no": "T9"}
    await desk.next_day()
    desk.town.gateway.fail("query", BEFORE, 2)
    assert await desk.findings() == [("long", "open", "not_asked_yet")] * 2
    await desk.reconciliation.catch_up()
    assert told(await desk.reconciliation.find_open()) == [("long", "open", "order_lost")]
    assert await desk.state(lost) == "applied"


async def test_another_amount_stays_open_for_people(desk: Desk) -> None:
    order_no = await desk.paid()
    desk.town.gateway.trade(order_no)["paid"] = "399.00"
    await desk.next_day()
    [finding] = (await desk.run()).findings
    assert (finding.kind, finding.state) == (Kind.AMOUNT, "open")
    assert (finding.expected, finding.found) == (Decimal("400.00"), Decimal("399.00"))


async def test_a_payment_that_belongs_to_another_day_is_told_and_accepted(desk: Desk) -> None:
    order_no = await desk.paid()
    desk.town.gateway.trade(order_no)["paid_at"] = "2026-11-24T00:00:01+08:00"
    await desk.next_day()
    assert await desk.findings(MONDAY) == [("short", "open", "gateway_confirms")]
    await desk.next_day()
    assert await desk.findings(TUESDAY) == [("cross_day", "accepted", "same_money")]
    assert await desk.reconciliation.find_open() == []
    assert await desk.findings(MONDAY) == [("short", "mended", "in_bill_of_another_day")]


# --- given back -------------------------------------------------------------------------------------------


async def test_a_whole_refund_by_somebody_else_takes_the_order_back(desk: Desk) -> None:
    order_no = await desk.paid()
    desk.town.gateway.give_back(order_no, "400.00", "CONSOLE1")
    await desk.next_day()
    assert await desk.findings() == [("external_refund", "mended", "order_refunded")]
    assert await desk.state(order_no) == "refunded"
    assert await desk.findings() == [("external_refund", "mended", "order_refunded")]
    keys = await desk.town.payment.mending.refunded_on([order_no, "another"])
    assert keys == {order_no: TUESDAY}
    async with desk.town.database.read() as session:
        assert (await session.get_one(OrderRow, order_no)).captured == Decimal("400.00")


async def test_a_whole_refund_of_what_is_booked_needs_somebody_to_tell_the_bureau(desk: Desk) -> None:
    order_no = await desk.paid()
    await desk.next_day()
    await desk.next_day()
    await booked(desk, order_no)
    desk.town.gateway.give_back(order_no, "400.00", "CONSOLE1")
    await desk.next_day()
    for _ in range(2):
        assert await desk.findings(WEDNESDAY) == [("external_refund", "open", "bureau_must_be_told")]
    assert await desk.state(order_no) == "refunded"


async def test_what_is_booked_after_it_was_given_back_needs_somebody_too(desk: Desk) -> None:
    order_no = await desk.paid()
    desk.town.gateway.give_back(order_no, "400.00", "CONSOLE1")
    await desk.next_day()
    await desk.run()
    await desk.next_day()
    desk.town.bureau.book(order_no)
    await desk.next_day()
    assert await desk.findings(WEDNESDAY) == [("status", "open", "booked_but_refunded")]


async def test_a_refund_in_part_is_booked_as_missing_and_stays_open(desk: Desk) -> None:
    order_no = await desk.paid()
    desk.town.gateway.give_back(order_no, "300.00", "CONSOLE1")
    await desk.next_day()
    for _ in range(2):
        assert await desk.findings() == [("external_refund", "open", "part_given_back")]
    assert await desk.state(order_no) == "applied"
    assert await desk.count(RefundRow) == 1
    assert await desk.town.entries(order_no) == ["captured", "refunded"]
    await _cash_is_the_gateways(desk)


async def test_two_refunds_in_part_that_make_a_whole_take_the_order_back(desk: Desk) -> None:
    order_no = await desk.paid()
    desk.town.gateway.give_back(order_no, "300.00", "CONSOLE1")
    await desk.next_day()
    await desk.run()
    desk.town.gateway.give_back(order_no, "100.00", "CONSOLE2")
    await desk.next_day()
    assert await desk.findings(TUESDAY) == [("external_refund", "mended", "order_refunded")]
    assert await desk.reconciliation.find_open() == []
    assert await desk.findings(MONDAY) == [("external_refund", "mended", "order_refunded")]
    assert await desk.state(order_no) == "refunded"
    await _cash_is_the_gateways(desk)


async def test_two_refunds_on_one_day_take_the_order_back_too(desk: Desk) -> None:
    order_no = await desk.paid()
    desk.town.gateway.give_back(order_no, "300.00", "CONSOLE1")
    desk.town.gateway.give_back(order_no, "100.00", "CONSOLE2")
    await desk.next_day()
    await desk.run()
    await desk.run()
    assert await desk.reconciliation.find_open() == []
    assert await desk.state(order_no) == "refunded"
    await _cash_is_the_gateways(desk)


async def _cash_is_the_gateways(desk: Desk) -> None:
    async with desk.town.database.read() as session:
        sums = select(PostingRow.account, func.sum(PostingRow.amount)).group_by(PostingRow.account)
        balances = {row[0]: row[1] for row in (await session.execute(sums)).all()}
    assert balances["gateway_cash"] == desk.town.gateway.captured()
    assert sum(balances.values()) == 0


async def test_a_refund_of_ours_whose_answer_was_lost_is_finished(desk: Desk) -> None:
    order_no = await desk.paid(notified=False)
    desk.town.bureau.refuses["post_payment"] = "already_paid"
    await desk.town.payment.mending.ask(order_no)
    await desk.town.run()
    assert await desk.state(order_no) == "refunding"
    await desk.next_day()
    assert await desk.findings() == [("status", "mended", "refund_done")]
    assert await desk.state(order_no) == "refunded"
    await desk.town.check_invariants()


async def test_a_discount_of_the_merchant_has_an_account_of_its_own(desk: Desk) -> None:
    order_no = await desk.paid()
    desk.town.gateway.trade(order_no)["discount"] = "12.34"
    await desk.next_day()
    for _ in range(2):
        assert await desk.findings() == [("discount", "mended", "booked")]
    assert await desk.town.entries(order_no) == ["captured", "discount"]
    assert await desk.state(order_no) == "applied"


async def test_a_discount_that_only_the_file_knows_is_not_booked(desk: Desk) -> None:
    order_no = await desk.paid()
    await desk.next_day()
    trade = desk.town.gateway.trade(order_no)
    trade["discount"] = "12.34"
    bill = await desk.town.gateway.fetch_bill(MONDAY)
    trade.pop("discount")

    async def other(_day: date):  # type: ignore[no-untyped-def]
        return bill

    desk.town.gateway.fetch_bill = other  # type: ignore[method-assign]
    assert await desk.findings() == [("discount", "open", "gateway_denies")]
    assert await desk.town.entries(order_no) == ["captured"]


# --- we have it -------------------------------------------------------------------------------------------


async def test_what_the_bill_lacks_and_the_gateway_denies_needs_a_person(desk: Desk) -> None:
    order_no = await desk.paid("p1")
    await desk.paid("p2")
    desk.town.gateway.table("trades").pop(order_no)
    await desk.next_day()
    assert await desk.findings() == [("short", "open", "gateway_says_absent")]
    assert await desk.state(order_no) == "applied"


# --- the bureau -------------------------------------------------------------------------------------------


async def test_what_was_never_posted_is_posted_again_with_the_same_key(desk: Desk) -> None:
    desk.town.bureau.fail("post_payment", BEFORE, 50)
    order_no = await desk.paid()
    await desk.town.run()
    for _ in range(3):
        await desk.next_day()
    assert await desk.findings(WEDNESDAY) == []
    await desk.next_day()
    assert await desk.findings(THURSDAY) == [("bureau_missing", "open", "told_again")]
    desk.town.bureau.heal()
    assert await desk.findings(THURSDAY) == [("bureau_missing", "open", "told_again")]
    assert desk.town.bureau.table("payments")[order_no]["times"] == 1
    desk.town.bureau.book(order_no, "2026-11-27")
    await desk.town.payment.refresh(order_no)
    await desk.next_day()
    assert told((await desk.run(date(2026, 11, 27))).findings) == []
    assert await desk.reconciliation.find_open() == []
    [(_, _, first), *_, (state, note, by)] = [
        (s, n, b) for s, n, b in await desk.reconciliation.history((await _all(desk))[0])
    ]
    assert (first, state, note, by) == ("service", "mended", "booked", "service")


async def _all(desk: Desk) -> list[str]:
    async with desk.town.database.read() as session:
        return list((await session.scalars(select(FindingRow.finding_id))).all())


async def test_a_booking_that_we_have_not_seen_is_looked_up(desk: Desk) -> None:
    order_no = await desk.paid()
    for _ in range(3):
        await desk.next_day()
    desk.town.bureau.book(order_no)
    assert await desk.findings(WEDNESDAY) == [("status", "mended", "booked")]
    view = await desk.town.payment.find_order(order_no)
    assert view is not None
    assert view.booked


async def test_only_what_somebody_has_to_look_at_is_told_as_an_error(desk: Desk) -> None:
    order_no = await desk.paid()
    for _ in range(3):
        await desk.next_day()
    desk.town.bureau.book(order_no)
    with capture_logs() as mended:
        await desk.run(WEDNESDAY)
    assert [line["log_level"] for line in mended if line["event"] == "finding"] == ["info"]
    desk.town.bureau.table("payments")["GZ1NOBODY"] = {"no": "P", "amount": "1.00", "booked_on": "2026-11-25"}
    with capture_logs() as open_ones:
        await desk.run(WEDNESDAY)
        await desk.run(WEDNESDAY)
    assert [line["log_level"] for line in open_ones if line["event"] == "finding"] == ["error"]


async def test_a_booking_that_the_bureau_has_lost_is_posted_again(desk: Desk) -> None:
    order_no = await desk.paid()
    for _ in range(2):
        await desk.next_day()
    await booked(desk, order_no)
    await desk.next_day()
    desk.town.bureau.table("payments").pop(order_no)
    assert await desk.findings(WEDNESDAY) == [("short", "open", "posted_again")]
    assert desk.town.bureau.table("payments")[order_no]["times"] == 1
    desk.town.bureau.book(order_no, "2026-11-26")
    await desk.next_day()
    assert await desk.findings(THURSDAY) == [("cross_day", "accepted", "same_money")]
    assert await desk.reconciliation.find_open() == []


async def test_a_booking_of_nobodys_order_needs_a_person(desk: Desk) -> None:
    desk.town.bureau.table("payments")["GZ1NOBODY"] = {"no": "P", "amount": "1.00", "booked_on": "2026-11-23"}
    await desk.next_day()
    assert await desk.findings() == [("bureau_unknown", "open", "no_such_key")]


# --- people, and time -------------------------------------------------------------------------------------


async def test_two_people_and_a_reason_accept_a_finding(desk: Desk) -> None:
    desk.town.bureau.table("payments")["GZ1NOBODY"] = {"no": "P", "amount": "1.00", "booked_on": "2026-11-23"}
    await desk.next_day()
    [finding] = (await desk.run()).open
    accept, reason = desk.reconciliation.accept, "settled_with_bureau"
    li, wang = Agent(name="li", role=Role.SUPERVISOR), Agent(name="wang", role=Role.OPERATOR)
    with pytest.raises(Refused, match="not_allowed"):
        await accept(finding.finding_id, agent=Agent(name="anna", role=Role.AGENT), reason=reason)
    with pytest.raises(Refused, match="unknown_reason"):
        await accept(finding.finding_id, agent=li, reason="just so")
    with pytest.raises(Refused, match="unknown_finding"):
        await accept("F0", agent=li, reason=reason)
    assert (await accept(finding.finding_id, agent=wang, reason="other_system")).open
    assert (await accept(finding.finding_id, agent=wang, reason=reason)).open
    with pytest.raises(Refused, match="agreed_already"):
        await accept(finding.finding_id, agent=wang, reason=reason)
    assert len((await desk.run()).open) == 1
    assert not (await accept(finding.finding_id, agent=li, reason=reason)).open
    assert (await desk.run()).open == ()
    assert (await desk.reconciliation.history(finding.finding_id))[-1] == ("accepted", reason, "li & wang")
    with pytest.raises(Refused, match="unknown_finding"):
        await accept(finding.finding_id, agent=li, reason=reason)
    said = [(entry.actor, entry.action) async for entry in audit.read(desk.town.database)]
    assert said == [("wang", "finding_agreed"), ("wang", "finding_agreed"), ("li", "finding_accepted")]


async def test_every_day_is_done_by_itself_after_ten(desk: Desk) -> None:
    await desk.town.run()
    assert await _days(desk) == [date(2026, 11, 22)]
    lost = await desk.paid(notified=False)
    for hours, days in ((23, 1), (2, 2), (48, 4)):
        await desk.town.run(hours=hours)
        assert len(await _days(desk)) == days
    assert await desk.state(lost) == "applied"


async def test_a_late_bill_is_waited_for(desk: Desk) -> None:
    await desk.town.run()
    await desk.paid()
    desk.town.gateway.fail("fetch_bill", BEFORE, 3)
    await desk.town.run(days=1)
    assert len(await _days(desk)) == 1
    for _ in range(4):
        await desk.town.run(minutes=11)
    assert len(await _days(desk)) == 2


async def test_a_gateway_that_refuses_its_bill_is_asked_for_ever(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = desk.town.gateway.fetch_bill

    async def refuse(_day: date) -> Bill:
        raise Refused("gateway_refused")

    monkeypatch.setattr(desk.town.gateway, "fetch_bill", refuse)
    for _ in range(12):
        await desk.town.run(minutes=11)
    assert await _days(desk) == []
    monkeypatch.setattr(desk.town.gateway, "fetch_bill", fetch)
    await desk.town.run(minutes=11)
    assert len(await _days(desk)) == 1


async def _days(desk: Desk) -> list[date]:
    async with desk.town.database.read() as session:
        return sorted((await session.scalars(select(ReconciledDayRow.day))).all())


async def test_two_processes_at_once_find_each_thing_once(
    desk: Desk, another_process: Callable[[], Desk]
) -> None:
    for person in ("p1", "p2", "p3"):
        await desk.paid(person, notified=False)
    desk.town.gateway.trade(await desk.paid("p4"))["discount"] = "1.00"
    await desk.next_day()
    other = another_process()
    await asyncio.gather(*(each.run() for each in (desk, other, desk, other)))
    await desk.run()
    assert await desk.count(FindingRow) == 4
    assert await desk.reconciliation.find_open() == []
    for order_no, row in desk.town.bureau.table("payments").items():
        assert await desk.state(order_no) == "applied"
        assert row["times"] == 1
    await other.town.database.close()


async def test_the_counts_of_open_findings_name_every_kind(desk: Desk) -> None:
    desk.town.bureau.table("payments")["GZ1NOBODY"] = {"no": "P", "amount": "1.00", "booked_on": "2026-11-23"}
    await desk.next_day()
    await desk.run()
    counts = await desk.reconciliation.count_open()
    assert set(counts) == {kind.value for kind in Kind}
    assert sum(counts.values()) == counts["bureau_unknown"] == 1


async def test_an_order_of_several_lines_is_one_at_the_gateway_and_several_at_the_bureau(desk: Desk) -> None:
    order_no = await desk.paid()
    await _split(desk, order_no)
    for _ in range(3):
        await desk.next_day()
    desk.town.bureau.book(order_no)
    assert (await desk.run(MONDAY)).findings == ()
    assert told((await desk.run(WEDNESDAY)).findings) == [("status", "open", "booking_not_known")]
    desk.town.bureau.book(f"{order_no}-2")
    assert told((await desk.run(WEDNESDAY)).findings) == [
        ("status", "mended", "agrees_now"),
        ("status", "mended", "booked"),
    ]


async def _split(desk: Desk, order_no: str) -> None:
    """Half of the order's amount as a second line."""
    half = Decimal("200.00")
    async with desk.town.database.begin() as session:
        first = await session.get_one(OrderLineRow, (order_no, 1))
        first.amount = half
        facts = {c.name: getattr(first, c.name) for c in OrderLineRow.__table__.columns}
        second = facts | {"line": 2, "key": f"{order_no}-2", "payment_no": f"P-{order_no}-2"}
        session.add(OrderLineRow(**second))
    payments = desk.town.bureau.table("payments")
    payments[order_no]["amount"] = str(half)
    payments[f"{order_no}-2"] = {"no": f"P-{order_no}-2", "amount": str(half), "times": 1}
