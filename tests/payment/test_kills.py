"""Death at every named point: after the restart, and the resident saying it again, the money adds up."""

import multiprocessing
import os
import re
from pathlib import Path

import pytest

import services.durable
import services.payment
from services.domain.errors import ServiceError
from tests.conftest import FixedClock, copy_empty_sqlite
from tests.killed import assert_killed, killed_at
from tests.payment.killing import SCENARIOS, confirm, die, open_town, pay

FULL = "SHEBAO_TEST_FULL" in os.environ
SOURCES = [*Path(services.payment.__file__).parent.glob("*.py"), Path(services.durable.__file__)]
POINTS = sorted(
    {name for file in SOURCES for name in re.findall(r'crashpoint\("([^"]+)"\)', file.read_text())}
)

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.payment.killing"])


def scenarios_of(point: str) -> list[str]:
    if point.startswith("payment.refund") or "reject" in point:
        return ["surplus"]
    if point.startswith("payment.close"):
        return ["given_up"]
    if FULL and ("query" in point or "apply" in point or "settle" in point):
        return list(SCENARIOS)
    return ["normal"]


CASES = [(killed_at(point), scenario) for point in POINTS for scenario in scenarios_of(point)]


def test_every_step_has_its_points() -> None:
    assert len(POINTS) >= 25


@pytest.mark.parametrize("point, scenario", CASES)
async def test_death_at_a_point_loses_and_doubles_nothing(
    point: str, scenario: str, tmp_path: Path, made: dict[str, str]
) -> None:
    await copy_empty_sqlite(made, tmp_path)
    child = processes.Process(target=die, args=(tmp_path, scenario, point))
    child.start()
    child.join(30)
    assert_killed(child.exitcode, point, scenario)

    clock = FixedClock()
    clock.advance(seconds=30)
    town = open_town(tmp_path, clock)
    if scenario == "surplus":
        town.bureau.refuses["post_payment"] = "already_paid"
    for _ in range(3):
        await town.run(seconds=10)
    try:
        order_no = await confirm(town)
    except ServiceError:
        latest = await town.payment.find_latest("rest:a")
        order_no = latest.order_no if latest else None
    assert order_no
    if scenario != "given_up":
        pay(town, order_no)
    for _ in range(8):
        await town.run(seconds=15)
    assert len(town.gateway.table("trades")) == 1
    assert len(town.bureau.table("declarations")) == 1
    wanted = {"normal": "paid", "surplus": "refunded", "given_up": "closed"}[scenario]
    if scenario == "given_up":
        await town.payment.abandon(order_no)
        await town.run(minutes=20)
    assert await town.status(order_no) == wanted
    await town.check_invariants()
    if scenario == "normal":
        assert town.bureau.table("payments")[order_no]["times"] == 1
        town.bureau.book(order_no)
        await town.run(days=2)
        view = await town.payment.find_order(order_no)
        assert view is not None
        assert view.booked
        await town.check_invariants()
    await town.database.close()
