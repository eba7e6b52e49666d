"""Runs in a process of its own that is killed at a named point: refunds over file-backed peers."""

import asyncio
import json
import os
from contextlib import suppress
from pathlib import Path

from services.domain.errors import ServiceError
from services.domain.refunds import Reason
from services.payment import watching
from services.store.session import Database
from tests.conftest import FixedClock
from tests.payment.peers import FakeGateway
from tests.refunds.conftest import ANNA, BERT, Office, make_office
from tests.refunds.peers import RefundingBureau

PERSON = "p1"


def open_office(folder: Path, clock: FixedClock) -> Office:
    """A process's view of the store and the peers in `folder`."""
    return make_office(
        Database(f"sqlite+aiosqlite:///{folder}/test.db"),
        clock,
        FakeGateway(clock, folder / "gateway.json"),
        RefundingBureau(clock, folder / "bureau.json"),
    )


async def prepare(folder: Path, *, booked: bool) -> None:
    """Before the process that dies: a payment, booked or not."""
    office = open_office(folder, FixedClock())
    order = await (office.booked() if booked else office.paid())
    await office.bureau.after("book")
    await office.town.gateway.after("pay")
    moment = office.town.clock.now().isoformat()
    (folder / "prepared.json").write_text(json.dumps({"order_no": order.order_no, "now": moment}))
    await office.town.database.close()


def prepared(folder: Path) -> tuple[str, FixedClock]:
    kept = json.loads((folder / "prepared.json").read_text())
    return kept["order_no"], FixedClock(kept["now"][:19])


async def ask(office: Office, order_no: str) -> str:
    case = await office.ask(order_no, Reason.WRONG_PERSON)
    return case.case_no


async def unbooked(office: Office, order_no: str) -> None:
    await ask(office, order_no)
    for _ in range(4):
        await office.town.run(seconds=12)


async def overtaken(office: Office, order_no: str) -> None:
    """The booking comes while the refund is asked for."""
    office.bureau.book(order_no)
    await unbooked(office, order_no)


async def booked(office: Office, order_no: str) -> None:
    case_no = await ask(office, order_no)
    await office.refunds.approve(case_no, ANNA)
    await office.refunds.approve(case_no, BERT)
    await office.town.run()
    office.bureau.stage(case_no, "paid")
    await office.bureau.after("stage")
    await office.town.run(days=1)


async def withdrawn(office: Office, order_no: str) -> None:
    await office.refunds.withdraw(await ask(office, order_no), payer_id=PERSON)


async def rejected(office: Office, order_no: str) -> None:
    await office.refunds.reject(await ask(office, order_no), ANNA, "no evidence")


SCENARIOS = {
    "unbooked": unbooked, "overtaken": overtaken, "booked": booked, "withdrawn": withdrawn, "rejected": rejected,
}  # fmt: skip


def die(folder: Path, scenario: str, point: str) -> None:
    """The process: ends by SIGKILL at `point`, or with code 0 when the scenario does not pass it."""
    os.environ["SHEBAO_CRASHPOINT"] = point
    watching.APART = watching.timedelta(milliseconds=5)

    async def run() -> None:
        order_no, clock = prepared(folder)
        with suppress(ServiceError):
            await SCENARIOS[scenario](open_office(folder, clock), order_no)

    asyncio.run(run())
    os._exit(0)
