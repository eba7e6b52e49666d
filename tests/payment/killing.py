"""Runs in a process of its own that is killed at a named point: one scenario over file-backed peers."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from services.domain.errors import ServiceError
from services.payment import watching
from services.store.session import Database
from tests.conftest import FixedClock
from tests.payment.conftest import Town, make_town
from tests.payment.peers import FakeBureau, FakeGateway

CONVERSATION = "rest:a"


def open_town(folder: Path, clock: FixedClock) -> Town:
    """A process's view of the store and the peers in `folder`."""
    database = Database(f"sqlite+aiosqlite:///{folder}/test.db")
    return make_town(
        database,
        clock,
        FakeGateway(clock, folder / "gateway.json"),
        FakeBureau(clock, folder / "bureau.json"),
    )


async def confirm(town: Town) -> str | None:
    """The resident confirms what was shown last; also after a crash, when he says it again."""
    file = Path(town.database.url.removeprefix("sqlite+aiosqlite:///")).with_name("draft")
    if not file.exists():
        draft = await town.draft(conversation=CONVERSATION)
        file.write_text(draft.draft_id)
    await town.payment.place(file.read_text(), conversation_id=CONVERSATION)
    latest = await town.payment.find_latest(CONVERSATION)
    return latest.order_no if latest else None


async def normal(town: Town) -> None:
    order_no = await confirm(town)
    assert order_no
    await town.run(seconds=6)
    pay(town, order_no)
    form = {"out_trade_no": order_no, "total_amount": "400.00", "status": "paid", "sign": "right"}
    await town.payment.on_notification(form)
    await town.run(seconds=1)
    if order_no in town.bureau.table("payments"):
        town.bureau.book(order_no)
        await town.bureau.after("book")
    await town.run(days=2)


async def surplus(town: Town) -> None:
    town.bureau.refuses["post_payment"] = "already_paid"
    order_no = await confirm(town)
    assert order_no
    pay(town, order_no)
    await town.run(seconds=6)
    await town.run(seconds=11)
    await town.run(seconds=11)


async def given_up(town: Town) -> None:
    order_no = await confirm(town)
    assert order_no
    await town.scan(order_no)
    await town.gateway.after("scan")
    await town.payment.abandon(order_no)
    await town.run(seconds=6)


SCENARIOS = {"normal": normal, "surplus": surplus, "given_up": given_up}


def pay(town: Town, order_no: str) -> None:
    """Once, and kept in the gateway's file."""
    if "paid" not in town.gateway.trade(order_no):
        town.gateway.pay(order_no)
    asyncio.get_running_loop().create_task(town.gateway.after("pay"))


def die(folder: Path, scenario: str, point: str) -> None:
    """The process: ends by SIGKILL at `point`, or with code 0 when the scenario does not pass it."""
    os.environ["SHEBAO_CRASHPOINT"] = point
    watching.APART = watching.timedelta(milliseconds=5)

    async def run() -> None:
        town = open_town(folder, FixedClock())
        with suppress(ServiceError):
            await SCENARIOS[scenario](town)

    asyncio.run(run())
    os._exit(0)
