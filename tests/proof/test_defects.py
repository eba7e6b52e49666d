"""Tests must have teeth: each defect that is built into the real code is found."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.proof.checks import CHECKS, Check
from tests.proof.defects import DEFECTS
from tests.proof.schedule import Outcome, Stage, stage

PATIENCE = 150
"""Schedules that are tried when those that were seen to find a defect don't any more."""


@pytest.fixture(scope="module")
def here() -> Iterator[Stage]:
    with stage() as one:
        yield one


async def hold(here: Stage, check: Check) -> None:
    world = await here.new_world()
    try:
        await check(world)
    finally:
        world.judge.close()
        await world.restart()


def found_by_schedules(here: Stage, seeds: tuple[int, ...]) -> bool:
    for seed in (*seeds, *range(PATIENCE)):
        outcome = Outcome()
        here.play(seed, outcome)
        if outcome.failures:
            return True
    return False


def test_there_are_enough_of_them() -> None:
    assert len(DEFECTS) >= 30


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_real_code_passes(here: Stage, check: Check) -> None:
    here.loop.run_until_complete(hold(here, check))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_found(here: Stage, name: str) -> None:
    defect = DEFECTS[name]
    with defect.apply():
        if defect.finds is None:
            assert found_by_schedules(here, defect.seeds), f"nobody found: {defect.words}"
        else:
            with pytest.raises(AssertionError):
                here.loop.run_until_complete(hold(here, defect.finds))


def test_what_is_built_in_is_taken_out_again(here: Stage) -> None:
    outcome = Outcome()
    for seed in range(5):
        here.play(seed, outcome)
    assert outcome.failures == {}
    assert not asyncio.all_tasks(here.loop)
