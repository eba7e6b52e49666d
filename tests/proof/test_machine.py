"""The same acts as a state machine: hypothesis looks for a short way into trouble, and keeps what it has found."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.proof.schedule import Stage, stage
from tests.proof.virtual import chance_from
from tests.proof.world import ACTS, World

FULL = bool(os.environ.get("SHEBAO_TEST_FULL"))


@pytest.fixture(scope="module", autouse=True)
def one_stage() -> Iterator[None]:
    """All examples play on it, one after the other."""
    with stage() as Money.stage:
        yield


class Money(RuleBasedStateMachine):
    """Residents, devices, the gateway, the bureau, the clock and crashes; I1 to I7 and I14 after every step."""

    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self._chance = chance_from(0)
        self._chance.__enter__()
        self.world: World = self._run(self.stage.new_world(swept=False))

    @initialize(person=st.integers(0, 1), dues=st.integers(0, 3))
    def somebody_confirms(self, person: int, dues: int) -> None:
        self._run(self.world.confirm_new(person=person, device=0, dues=dues, taps=0))

    @invariant()
    def the_money_adds_up(self) -> None:
        self._run(self.world.judge.after_step())

    def teardown(self) -> None:
        """The heal phase: everything holds without reconciliation."""
        try:
            self._run(self.world.heal())
            self._run(self.world.judge.at_the_end())
        finally:
            self.world.judge.close()
            self._run(self.world.restart())
            self._chance.__exit__(None, None, None)

    def _run(self, work: Any) -> Any:
        return self.stage.loop.run_until_complete(work)


def _as_rule(name: str) -> Callable[..., None]:
    def play(self: Money, **numbers: int) -> None:
        self._run(ACTS[name](self.world, **numbers))

    play.__name__ = name
    numbers = {wish: st.integers(0, top - 1) for wish, top in ACTS[name].ranges.items()}
    return precondition(lambda self: self.world.can(name))(rule(**numbers)(play))


for _name in ACTS:
    setattr(Money, _name, _as_rule(_name))

Money.TestCase.settings = settings(
    max_examples=400 if FULL else 12,
    stateful_step_count=30 if FULL else 15,
    deadline=None,
    derandomize=not FULL,
    suppress_health_check=list(HealthCheck),
)
TestMoney = Money.TestCase
TestMoney.pytestmark = [pytest.mark.timeout(3600)]
