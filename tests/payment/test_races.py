"""Many at once: taps, devices, processes. One order, one declaration, one trade."""

import asyncio
import os
from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from services.domain.errors import Refused, Unavailable
from services.payment import Placed
from services.store.orders import ClaimRow
from tests.payment.conftest import Town
from tests.payment.peers import pension

ROUNDS = 20 if os.environ.get("SHEBAO_TEST_FULL") else 3


async def placed_or_busy(town: Town, draft_id: str, conversation: str) -> str | None:
    """The order's number; None where a tap came while another one was at work and had no cashier yet."""
    try:
        placed = await town.payment.place(draft_id, conversation_id=conversation)
    except Unavailable as error:
        if error.code != "gateway_busy":
            raise
        return None
    assert isinstance(placed, Placed)
    return placed.order.order_no


@pytest.mark.parametrize("state", ["live", "applied"])
async def test_the_database_itself_refuses_a_second_order_for_a_bill(town: Town, state: str) -> None:
    first = await town.place()
    second = await town.place(pension())
    async with town.database.begin() as session:
        for claim in (await session.scalars(select(ClaimRow))).all():
            claim.state = state
    with pytest.raises(IntegrityError):
        await _claim_the_same(town, first.order_no, second.order_no, state)


async def _claim_the_same(town: Town, first: str, second: str, state: str) -> None:
    async with town.database.begin() as session:
        held = await session.scalar(select(ClaimRow).where(ClaimRow.order_no == first))
        assert held is not None
        session.add(
            ClaimRow(
                order_no=second, line=1, unit=held.unit, insured_id=held.insured_id,
                insured_group=held.insured_group, insurance=held.insurance, state=state,
            )
        )  # fmt: skip


async def test_fifty_taps_are_one_order(town: Town) -> None:
    draft = await town.draft()
    taps = [placed_or_busy(town, draft.draft_id, "rest:a") for _ in range(50)]
    numbers = {number for number in await asyncio.gather(*taps) if number}
    assert len(numbers) == 1
    assert len(town.gateway.table("trades")) == len(town.bureau.table("declarations")) == 1


async def test_devices_on_two_processes_get_one_order(
    town: Town, another_process: Callable[[], Town]
) -> None:
    other = another_process()
    for round_no in range(ROUNDS):
        person = f"p{round_no}"
        desks = [town, other] * 3
        drafts = [
            await desk.draft(pension(), conversation=f"rest:{person}-{n}", person=person)
            for n, desk in enumerate(desks)
        ]
        numbers = await asyncio.gather(
            *(
                placed_or_busy(desk, draft.draft_id, draft.conversation_id)
                for desk, draft in zip(desks, drafts, strict=True)
            )
        )
        assert len({number for number in numbers if number}) == 1
        assert len(town.gateway.table("trades")) == round_no + 1
        assert len(town.bureau.table("declarations")) == round_no + 1
    await other.database.close()


async def test_different_tiers_at_once_are_never_both_payable(
    town: Town, another_process: Callable[[], Town]
) -> None:
    other = another_process()
    for round_no in range(ROUNDS):
        person = f"p{round_no}"
        cheap = await town.draft(pension(tier="60%"), conversation=f"rest:{person}-a", person=person)
        dear = await other.draft(pension(tier="100%"), conversation=f"rest:{person}-b", person=person)
        results = await asyncio.gather(
            town.payment.place(cheap.draft_id, conversation_id=cheap.conversation_id),
            other.payment.place(dear.draft_id, conversation_id=dear.conversation_id),
            return_exceptions=True,
        )
        refused = [r for r in results if isinstance(r, Refused)]
        payable = [no for no in town.gateway.table("trades") if await town.payment.open_cashier(no)]
        assert len(refused) <= 1
        assert len(payable) <= round_no + 1
    await other.database.close()


async def test_workers_of_two_processes_post_once(town: Town, another_process: Callable[[], Town]) -> None:
    other = another_process()
    for n in range(ROUNDS):
        order = await town.place(person=f"p{n}", conversation=f"rest:{n}")
        town.gateway.pay(order.order_no)
        await town.payment.refresh(order.order_no)
    await asyncio.gather(town.durable.run_due(), other.durable.run_due())
    assert [row["times"] for row in town.bureau.table("payments").values()] == [1] * ROUNDS
    await town.check_invariants()
    await other.database.close()


async def test_refreshing_by_many_asks_the_gateway_seldom(town: Town) -> None:
    order = await town.place()
    await town.scan(order.order_no)
    town.gateway.pay(order.order_no)
    views = await asyncio.gather(*(town.payment.refresh(order.order_no) for _ in range(10)))
    assert {view.status for view in views} == {"paid"}
    await town.run()
    await town.check_invariants()
