"""Messages of the simulated platform: on its schedule, until taken, through faults and sudden death."""

import asyncio
import json
import signal
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from bot.sandbox.wechatpay.store import WxNotificationRow
from services.domain.errors import Refused
from tests.alipay.conftest import at_rest, free_port
from tests.wechatpay.conftest import Town, open_town
from tests.wechatpay.test_wire import paid

GAPS = [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600]
"""Seconds."""


async def settled(town: Town) -> int:
    """How many messages there are when nothing more comes by itself."""
    await at_rest(town.books, WxNotificationRow)
    return len(town.merchant.forms)


async def test_sixteen_tries_in_a_day_and_no_more(town: Town) -> None:
    town.merchant.status = 500
    await paid(town)
    await town.merchant.wait_for(1)
    for number, gap in enumerate(GAPS, start=2):
        await at_rest(town.books, WxNotificationRow)
        town.advance(seconds=gap)
        assert len(await town.merchant.wait_for(number)) == number
    town.advance(days=2)
    assert await settled(town) == 16
    assert len({json.loads(form["body"])["id"] for form in town.merchant.forms}) == 1
    assert len({form["wechatpay-signature"] for form in town.merchant.forms}) == 16


@pytest.mark.parametrize("status", [401, 302])
async def test_anything_but_200_and_204_means_once_more(town: Town, status: int) -> None:
    town.merchant.status = status
    await paid(town)
    await town.merchant.wait_for(1)
    town.merchant.status = 204
    await at_rest(town.books, WxNotificationRow)
    town.advance(seconds=15)
    await town.merchant.wait_for(2)
    town.advance(days=2)
    assert await settled(town) == 2


async def test_it_does_not_come_before_its_time(town: Town) -> None:
    town.merchant.status = 500
    await paid(town)
    await town.merchant.wait_for(1)
    town.advance(seconds=13)
    assert await settled(town) == 1


async def test_a_lost_message_comes_with_the_next_try(town: Town) -> None:
    await town.fault("notify", "drop", times=2)
    await paid(town)
    for gap in GAPS[:2]:
        assert await settled(town) == 0
        town.advance(seconds=gap)
    await town.merchant.wait_for(1)


@pytest.mark.parametrize("mode", ["wrong_signature", "old_timestamp", "unsigned"])
async def test_wrong_on_purpose_comes_again_rightly(town: Town, mode: str) -> None:
    await town.fault("notify", mode)
    await paid(town)
    [wrong] = await town.merchant.wait_for(1)
    with pytest.raises(Refused, match="forged_notification"):
        town.gateway.read_notification(wrong)
    await at_rest(town.books, WxNotificationRow)
    town.advance(seconds=15)
    _, right = await town.merchant.wait_for(2)
    assert town.gateway.read_notification(right).total == Decimal("400.00")


async def test_a_genuine_message_is_worthless_when_it_is_old(town: Town) -> None:
    await paid(town)
    [form] = await town.merchant.wait_for(1)
    town.advance(minutes=4)
    town.gateway.read_notification(form)
    town.advance(minutes=2)
    with pytest.raises(Refused, match="forged_notification"):
        town.gateway.read_notification(form)


async def test_a_message_can_come_twice_or_late(town: Town) -> None:
    await town.fault("notify", "duplicate")
    await paid(town)
    first, second = await town.merchant.wait_for(2)
    assert json.loads(first["body"])["id"] == json.loads(second["body"])["id"]
    await town.fault("notify", "delay", seconds=3600)
    await paid(town)
    assert await settled(town) == 2
    town.advance(hours=1)
    await town.merchant.wait_for(3)


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.wechatpay.conftest import open_town
from tests.wechatpay.test_wire import paid

async def main():
    async for town in open_town(Path(sys.argv[1]), Path(sys.argv[2]), port=int(sys.argv[3])):
        town.merchant.dies = True
        await paid(town)
        await asyncio.sleep(10)

asyncio.run(main())
"""


async def test_a_killed_process_loses_no_message(tmp_path: Path, shared_keys: Path) -> None:
    root, data_dir, port = Path(__file__).parents[2], tmp_path / "data", free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(data_dir), str(shared_keys), str(port), cwd=root
    )
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    async for town in open_town(data_dir, shared_keys, port=port):
        town.advance(minutes=1)
        [form] = await town.merchant.wait_for(1)
        assert town.gateway.read_notification(form).total == Decimal("400.00")
