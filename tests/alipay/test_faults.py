"""Ordered faults of the gateway's calls, and what our client makes of them (`reliability` P10)."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from services.domain.errors import OutcomeUnknown
from services.domain.ids import order_number
from services.ports import Cashier, TradeStatus
from tests.alipay.conftest import Town, look, open_town

PRECREATE, QUERY, CLOSE, REFUND = (
    f"alipay.trade.{name}" for name in ("precreate", "query", "close", "refund")
)


@pytest.fixture
async def town(tmp_path: Path, shared_keys: Path) -> AsyncIterator[Town]:
    async for opened in open_town(tmp_path, shared_keys, timeout=1):
        yield opened


async def place(town: Town, number: str) -> Cashier:
    return await town.gateway.place(
        order_no=number, total=Decimal("400"), subject="城乡居民基本医疗保险", expires_at=town.expires()
    )


@pytest.mark.parametrize("mode", ["system_error", "drop", "timeout", "slow"])
async def test_a_fault_leaves_the_outcome_open_and_is_over_after_its_times(town: Town, mode: str) -> None:
    number = order_number("GZ1")
    await town.fault(PRECREATE, mode, times=2, seconds=2.5)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await place(town, number)
    await look((await place(town, number)).cashier_url)
    assert (await town.gateway.query(number)).status is TradeStatus.WAITING


async def test_after_a_timeout_the_refund_has_happened_and_after_a_drop_it_has_not(town: Town) -> None:
    number = order_number("GZ1")
    await town.pay((await place(town, number)).cashier_url)
    for mode, request_no, done in (("drop", "r1", False), ("timeout", "r2", True)):
        await town.fault(REFUND, mode, seconds=2.5)
        with pytest.raises(OutcomeUnknown):
            await town.gateway.refund(
                order_no=number, request_no=request_no, amount=Decimal("1"), reason="退款"
            )
        found = await town.gateway.find_refund(order_no=number, request_no=request_no)
        assert found.done is done


async def test_a_call_that_arrives_twice_has_one_effect(town: Town) -> None:
    number = order_number("GZ1")
    await town.pay((await place(town, number)).cashier_url)
    await town.fault(REFUND, "duplicate")
    await town.gateway.refund(order_no=number, request_no="r1", amount=Decimal("300"), reason="退款")
    assert (await town.gateway.find_refund(order_no=number, request_no="r1")).amount == Decimal("300.00")


async def test_a_fault_for_everything_hits_the_next_call(town: Town) -> None:
    await town.fault("*", "system_error")
    with pytest.raises(OutcomeUnknown, match="gateway_system_error"):
        await town.gateway.query("GZ1X")
    assert (await town.gateway.query("GZ1X")).status is TradeStatus.ABSENT


async def test_a_slow_call_delays_no_other(town: Town) -> None:
    await town.fault(QUERY, "slow", seconds=2.5)
    slow = asyncio.create_task(town.gateway.query("GZ1X"))
    await asyncio.sleep(0.1)
    assert await town.gateway.close("GZ1X") is TradeStatus.ABSENT
    assert not slow.done()
    with pytest.raises(OutcomeUnknown):
        await slow


async def test_a_ping_uses_up_no_fault(town: Town) -> None:
    await town.fault("*", "system_error")
    await town.gateway.ping()
    with pytest.raises(OutcomeUnknown):
        await town.gateway.query("GZ1X")
