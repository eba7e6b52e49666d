"""Messages of the simulated gateway: on its schedule, until `success`, through faults and sudden death."""

import asyncio
import signal
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from bot.sandbox.alipay.store import NotificationRow
from services.adapters.alipay.signing import notification_text, read_private_key, sign
from services.domain.errors import OutcomeUnknown, Refused
from services.domain.ids import order_number
from tests.alipay.conftest import Town, at_rest, free_port, open_town

GAPS = [4, 10, 10, 60, 120, 360, 900]
"""Minutes."""


async def paid(town: Town) -> str:
    number = order_number("GZ1")
    cashier = await town.gateway.place(
        order_no=number, total=Decimal("400"), subject="城乡居民基本医疗保险", expires_at=town.expires()
    )
    await town.pay(cashier.cashier_url)
    return number


async def settled(town: Town) -> int:
    """How many messages there are when nothing more comes by itself."""
    await at_rest(town.books, NotificationRow)
    return len(town.merchant.forms)


async def test_anything_but_the_seven_bytes_means_once_more(town: Town) -> None:
    town.merchant.answer = "failure"
    await paid(town)
    for count, answer in enumerate(["SUCCESS", "success\n", "", "success"], start=1):
        await town.merchant.wait_for(count)
        town.merchant.answer = answer
        await at_rest(town.books, NotificationRow)
        town.advance(hours=1)
    forms = await town.merchant.wait_for(5)
    assert len({form["notify_id"] for form in forms}) == 1
    assert len({form["notify_time"] for form in forms}) == 5
    town.advance(days=2)
    assert await settled(town) == 5


async def test_eight_tries_in_twenty_five_hours_and_no_more(town: Town) -> None:
    town.merchant.status = 500
    await paid(town)
    await town.merchant.wait_for(1)
    for number, gap in enumerate(GAPS, start=2):
        await at_rest(town.books, NotificationRow)
        town.advance(minutes=gap)
        assert len(await town.merchant.wait_for(number)) == number
    town.advance(days=2)
    assert await settled(town) == 8


async def test_it_does_not_come_before_its_time(town: Town) -> None:
    town.merchant.answer = "failure"
    await paid(town)
    await town.merchant.wait_for(1)
    town.advance(minutes=3, seconds=30)
    assert await settled(town) == 1


async def test_a_lost_message_comes_with_the_next_try(town: Town) -> None:
    for mode in ("drop", "system_error", "timeout"):
        await town.fault("notify", mode)
    await paid(town)
    for gap in GAPS[:3]:
        assert await settled(town) == 0
        town.advance(minutes=gap)
    await town.merchant.wait_for(1)


async def test_a_message_can_come_twice(town: Town) -> None:
    await town.fault("notify", "duplicate")
    await paid(town)
    first, second = await town.merchant.wait_for(2)
    assert first["notify_id"] == second["notify_id"]
    assert await settled(town) == 2


async def test_a_message_can_come_late_by_the_clock(town: Town) -> None:
    await town.fault("notify", "delay", seconds=3600)
    await paid(town)
    assert await settled(town) == 0
    town.advance(hours=1)
    await town.merchant.wait_for(1)


async def test_a_slow_message_does_not_hold_up_another(town: Town) -> None:
    await town.fault("notify", "slow", seconds=0.8)
    await paid(town)
    await asyncio.sleep(0.2)
    await paid(town)
    await town.merchant.wait_for(1)
    await town.merchant.wait_for(2)


async def test_every_field_is_signed(town: Town) -> None:
    await paid(town)
    [form] = await town.merchant.wait_for(1)
    town.gateway.read_notification(form)
    for name in form:
        if name == "sign_type":
            continue
        with pytest.raises(Refused, match="forged_notification"):
            town.gateway.read_notification(form | {name: form[name] + "0"})
        without = {key: value for key, value in form.items() if key != name}
        with pytest.raises(Refused, match="forged_notification"):
            town.gateway.read_notification(without)
    for more in ({"new": "1"}, {"sign_type": "RSA"}, {"charset": "none"}, {"charset": "ascii"}):
        with pytest.raises(Refused, match="forged_notification"):
            town.gateway.read_notification(form | more)
    with pytest.raises(Refused, match="forged_notification"):
        town.gateway.read_notification({})


def resigned(town: Town, form: dict[str, str], **changes: str) -> dict[str, str]:
    """The form as the gateway itself would have signed it with these values."""
    changed = form | changes
    key = read_private_key(town.keys.gateway_private_key_file.read_text())
    changed["sign"] = sign(notification_text(changed).encode(changed["charset"]), key)
    return changed


async def test_a_genuine_message_to_somebody_else_is_refused(town: Town) -> None:
    await paid(town)
    [form] = await town.merchant.wait_for(1)
    for changes in ({"app_id": "2021000000000000"}, {"seller_id": "2088000000000000"}, {"out_trade_no": ""}):
        with pytest.raises(Refused, match="forged_notification"):
            town.gateway.read_notification(resigned(town, form, **changes))


async def test_unknown_fields_and_another_charset_are_understood(town: Town) -> None:
    await paid(town)
    [form] = await town.merchant.wait_for(1)
    facts = town.gateway.read_notification(resigned(town, form, voucher_detail_list="[]", charset="GBK"))
    assert facts.total == Decimal("400.00")


@pytest.mark.parametrize(
    "changes", [{"trade_status": "TRADE_ODD"}, {"total_amount": "many"}, {"gmt_payment": "soon"}]
)
async def test_a_genuine_message_that_makes_no_sense_is_not_guessed_at(
    town: Town, changes: dict[str, str]
) -> None:
    await paid(town)
    [form] = await town.merchant.wait_for(1)
    with pytest.raises(OutcomeUnknown):
        town.gateway.read_notification(resigned(town, form, **changes))


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.alipay.conftest import open_town
from tests.alipay.test_notifications import paid

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
