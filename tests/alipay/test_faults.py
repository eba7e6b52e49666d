"""Ordered faults of single calls, beside what `tests/gateways` asks of every gateway (`reliability` P10)."""

import asyncio

import pytest

from services.domain.errors import OutcomeUnknown
from services.ports import TradeStatus
from tests.alipay.conftest import Town


async def test_a_fault_for_everything_hits_the_next_call(town: Town) -> None:
    await town.fault("*", "system_error")
    with pytest.raises(OutcomeUnknown, match="gateway_system_error"):
        await town.gateway.query("GZ1X")
    assert (await town.gateway.query("GZ1X")).status is TradeStatus.ABSENT


async def test_a_fault_is_over_after_its_times(town: Town) -> None:
    await town.fault("alipay.trade.query", "system_error", times=2)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await town.gateway.query("GZ1X")
    assert (await town.gateway.query("GZ1X")).status is TradeStatus.ABSENT


async def test_a_slow_call_delays_no_other(town: Town) -> None:
    await town.fault("alipay.trade.query", "slow", seconds=2.5)
    slow = asyncio.create_task(town.gateway.query("GZ1X"))
    await asyncio.sleep(0.1)
    assert await town.gateway.close("GZ1X") is TradeStatus.ABSENT
    assert not slow.done()
    assert (await slow).status is TradeStatus.ABSENT
