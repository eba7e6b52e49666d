"""The invariants in production: what is broken is found, told, counted, and gone when it is mended."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

import pytest
from sqlalchemy import delete, update
from structlog.testing import capture_logs

from services.payment import auditing
from services.payment.invariants import Broken, find_broken
from services.store.orders import ClaimRow, MoveRow, OrderLineRow, OrderRow, PostingRow
from services.store.session import Database
from tests.payment.conftest import Town

Harm = Callable[[Town, str], Awaitable[None]]


async def run(town: Town, statement: object) -> None:
    async with town.database.begin() as session:
        await session.execute(statement)  # type: ignore[call-overload]


async def one_side(town: Town, _order_no: str) -> None:
    await run(town, delete(PostingRow).where(PostingRow.account == "gateway_cash"))


async def more_cash(town: Town, _order_no: str) -> None:
    for account, amount in (("gateway_cash", Decimal(401)), ("due_to_bureau", Decimal(-401))):
        await run(town, update(PostingRow).where(PostingRow.account == account).values(amount=amount))


async def another_amount(town: Town, order_no: str) -> None:
    await run(town, update(OrderLineRow).where(OrderLineRow.order_no == order_no).values(amount=Decimal(1)))


async def history_lost(town: Town, order_no: str) -> None:
    await run(town, delete(MoveRow).where(MoveRow.order_no == order_no, MoveRow.seq == 1))


async def state_forced(town: Town, order_no: str) -> None:
    await run(town, update(OrderRow).where(OrderRow.order_no == order_no).values(state="closed"))


async def claim_let_go(town: Town, order_no: str) -> None:
    await run(town, update(ClaimRow).where(ClaimRow.order_no == order_no).values(state="released"))


async def paid(town: Town) -> str:
    order = await town.place()
    town.gateway.pay(order.order_no)
    await town.run(seconds=6)
    assert await town.status(order.order_no) == "paid"
    return order.order_no


async def test_nothing_is_broken_in_a_sound_store(town: Town) -> None:
    assert await find_broken(town.database) == []
    await paid(town)
    assert await find_broken(town.database) == []


@pytest.mark.parametrize(
    ("harm", "invariant"),
    [
        (one_side, "I3"), (more_cash, "I2"), (another_amount, "I5"), (history_lost, "I14"), (state_forced, "I14"),
        (claim_let_go, "I14"),
    ],
)  # fmt: skip
async def test_what_is_broken_is_said_in_words(town: Town, harm: Harm, invariant: str) -> None:
    order_no = await paid(town)
    await harm(town, order_no)
    found = await find_broken(town.database)
    assert invariant in {broken.invariant for broken in found}
    assert {broken.order_no for broken in found} == {order_no}
    assert all(len(broken.words) > 10 for broken in found)


async def test_it_is_found_within_the_hour_told_counted_and_gone_when_mended(town: Town) -> None:
    order_no = await paid(town)
    await another_amount(town, order_no)
    with capture_logs() as logs:
        await town.run(minutes=61)
    told = [log for log in logs if log["event"] == "money_invariant_broken"]
    assert {(log["log_level"], log["invariant"], log["order_no"]) for log in told} == {
        ("error", "I5", order_no)
    }
    assert (await town.payment.count_findings())["I5"] == 1
    await town.run(minutes=61)
    assert (await town.payment.count_findings())["I5"] == 1
    await run(town, update(OrderLineRow).values(amount=Decimal(400)))
    await town.run(minutes=61)
    assert await town.payment.count_findings() == {}


async def test_what_is_old_is_found_within_a_day(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "PAGE", 2)
    for number in range(5):
        order = await town.place(person=f"p{number}", conversation=f"rest:{number}")
        town.gateway.pay(order.order_no)
    await town.run(seconds=6)
    await town.run(days=3)
    await run(town, update(OrderRow).values(total=Decimal(399)))
    await town.run(hours=24)
    assert (await town.payment.count_findings())["I5"] == 10  # two sentences about each


async def test_a_look_that_began_before_does_not_undo_what_another_has_found(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_no = await paid(town)
    slow, go_on = asyncio.Event(), asyncio.Event()

    async def look(database: Database, *, among: object = None) -> Sequence[Broken]:
        found = await find_broken(database, among=among)
        if asyncio.current_task() is early:
            slow.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(auditing, "find_broken", look)
    early = asyncio.create_task(auditing.audit_recent(town.payment.desk))
    await slow.wait()
    await another_amount(town, order_no)
    await auditing.audit_all(town.payment.desk)
    found = await town.payment.count_findings()
    go_on.set()
    await early
    assert await town.payment.count_findings() == found
    assert found["I5"] > 0
