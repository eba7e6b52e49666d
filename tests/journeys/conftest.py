"""One service for all journeys that do not move the clock or kill it; others start their own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.driver import Resident, Town
from tests.journeys.people import everybody


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    service = Town(tmp_path_factory.mktemp("town"), shared=True).start()
    try:
        service.load(everybody())
        yield service
    finally:
        service.stop()


@pytest.fixture
def new_town(tmp_path: Path) -> Iterator[Callable[..., Town]]:
    """Starts a service of the test's own."""
    started: list[Town] = []

    def start(**environment: str) -> Town:
        service = Town(tmp_path / f"town{len(started)}", environment=environment)
        started.append(service)
        return service.start()

    yield start
    for service in started:
        service.stop()


@pytest.fixture
def somebody(town: Town, request: pytest.FixtureRequest) -> Resident:
    """A conversation that is named after the test."""
    return town.resident(request.node.name[:80])
