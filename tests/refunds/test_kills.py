"""Death at every named point of a refund: afterwards the money is back once, and nothing was decided twice."""

import multiprocessing
import re
from contextlib import suppress
from pathlib import Path

import pytest

import services.refunds
from services import audit
from services.domain.errors import ServiceError
from tests.conftest import copy_empty_sqlite
from tests.killed import assert_killed, killed_at
from tests.refunds.conftest import ANNA, BERT, Office
from tests.refunds.killing import PERSON, ask, die, open_office, prepare, prepared

SOURCES = list(Path(services.refunds.__file__).parent.glob("*.py"))
POINTS = sorted(
    {killed_at(name) for file in SOURCES for name in re.findall(r'crashpoint\("([^"]+)"\)', file.read_text())}
)
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.refunds.killing"])


def scenario_of(point: str) -> str:
    step = point.split(".")[1]
    return {
        "to_office": "overtaken", "withdraw": "withdrawn", "reject": "rejected", "sign": "booked",
        "file": "booked", "look": "booked",
    }.get(step, "unbooked")  # fmt: skip


CASES = [(point, scenario_of(point)) for point in POINTS] + [
    ("refund.request.before_commit", "booked"),
    ("refund.request.after_commit", "booked"),
]


def test_every_step_has_its_points() -> None:
    assert len(POINTS) >= 15


async def decide(office: Office, case_no: str) -> None:
    """The staff does what it was about to do; what was done before the death is done."""
    for agent in (ANNA, BERT):
        with suppress(ServiceError):
            await office.refunds.approve(case_no, agent)


@pytest.mark.parametrize("point, scenario", CASES)
async def test_death_at_a_point_loses_and_doubles_nothing(
    point: str, scenario: str, tmp_path: Path, made: dict[str, str]
) -> None:
    await copy_empty_sqlite(made, tmp_path)
    await prepare(tmp_path, booked=scenario in {"booked", "withdrawn", "rejected"})
    child = processes.Process(target=die, args=(tmp_path, scenario, point))
    child.start()
    child.join(30)
    assert_killed(child.exitcode, point)

    order_no, clock = prepared(tmp_path)
    clock.advance(days=2)
    office = open_office(tmp_path, clock)
    if scenario == "overtaken" and order_no in office.bureau.table("payments"):
        office.bureau.book(order_no)
    await office.town.run()
    case_no = await ask(office, order_no)
    if scenario == "withdrawn":
        assert (await office.refunds.withdraw(case_no, payer_id=PERSON)).state == "withdrawn"
    elif scenario == "rejected":
        assert await office.state(case_no) == "requested"
        await office.refunds.reject(case_no, ANNA, "no evidence")
    else:
        await finish(office, case_no)
        await check_refunded(office, order_no, case_no, at_office=scenario != "unbooked")
    await office.town.check_invariants()
    assert [entry async for entry in audit.read(office.town.database)]
    await office.town.database.close()


async def finish(office: Office, case_no: str) -> None:
    for _ in range(4):
        await office.town.run(seconds=12)
    await decide(office, case_no)
    await office.town.run(minutes=5)
    for key in office.bureau.table("refunds"):
        office.bureau.stage(key, "paid")
    for _ in range(3):
        await office.town.run(days=1)


async def check_refunded(office: Office, order_no: str, case_no: str, *, at_office: bool) -> None:
    assert await office.state(case_no) == "done"
    assert await office.town.status(order_no) == "refunded"
    assert len(office.bureau.table("refunds")) == at_office
    gateway = office.town.gateway
    left = gateway.captured()
    assert left == (400 if at_office else 0)
    assert len([row for row in gateway.table("refunds").values() if "order_no" in row]) == (not at_office)
