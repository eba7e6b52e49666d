"""What tests and demonstrations may do to the sandbox."""

from datetime import datetime
from typing import Any

import httpx2
import pytest

from services.domain.kinds import Insurance, InsuredGroup
from tests.bureau.conftest import ANNA, Town, enrolment, resident
from tests.bureau.test_declaring_and_posting import declare, post
from tests.bureau.test_what_is_due import paid


async def send(town: Town, path: str, body: Any) -> httpx2.Response:
    async with httpx2.AsyncClient() as http:
        return await http.post(town.url + path, json=body)


@pytest.mark.parametrize(
    "body, expected",
    [
        ({"now": "2027-01-04T09:00:00+08:00"}, "2027-01-04T09:00"),
        ({"now": "2027-01-04T01:00:00Z"}, "2027-01-04T09:00"),
        ({"now": "2027-01-04T09:00:00"}, "2027-01-04T09:00"),
        ({"advance": "P3D"}, "2026-11-26T10:00"),
        ({"advance": "PT36H30M"}, "2026-11-24T22:30"),
        ({"advance": "P1M"}, "2026-12-23T10:00"),
        ({"advance": "P2W"}, "2026-12-07T10:00"),
    ],
)
async def test_the_clock_is_set_and_moved(town: Town, body: dict[str, str], expected: str) -> None:
    answer = await send(town, "/sandbox/clock", body)
    assert answer.status_code == 200
    assert answer.json()["now"].startswith(expected)
    assert f"{town.books.clock.now():%Y-%m-%dT%H:%M}" == expected


@pytest.mark.parametrize(
    "body",
    [{}, {"now": "soon"}, {"advance": "3 days"}, {"now": "2027-01-01T00:00:00", "advance": "P1D"}, [], 5],
)
async def test_a_move_that_is_not_understood_moves_nothing(town: Town, body: Any) -> None:
    before = town.books.clock.now()
    answer = await send(town, "/sandbox/clock", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert (town.books.clock.now() - before).total_seconds() < 60


@pytest.mark.parametrize(
    "peer, body",
    [
        ("bureau", {"operation": "dance", "mode": "slow", "times": 1}),
        ("bureau", {"operation": "quote", "mode": "drop", "times": 1}),
        ("bureau", {"operation": "quote", "mode": "slow", "times": 0}),
        ("bureau", {"mode": "slow", "times": 1}),
        ("alipay", {"method": "query", "mode": "slow", "times": 1}),
        ("alipay", {"method": "notify", "mode": "amount_changed", "times": 1}),
        ("alipay", {"clear": False}),
    ],
)
async def test_a_fault_that_does_not_exist_is_refused(town: Town, peer: str, body: dict[str, Any]) -> None:
    answer = await send(town, f"/sandbox/{peer}/faults", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_faults_of_the_gateway_are_kept_for_it(town: Town) -> None:
    body = {"method": "alipay.trade.query", "mode": "slow", "times": 2, "seconds": 0.5}
    assert (await send(town, "/sandbox/alipay/faults", body)).status_code == 200
    fault = await town.books.take_fault("alipay", "alipay.trade.query")
    assert fault is not None
    assert (fault.mode, fault.seconds) == ("slow", 0.5)
    assert (await send(town, "/sandbox/alipay/faults", {"clear": True})).status_code == 200
    assert await town.books.take_fault("alipay", "alipay.trade.query") is None


async def test_the_state_shows_what_bureau_and_gateway_hold(town: Town) -> None:
    await town.load(
        resident(
            alipay_user_id="2088000011112222",
            enrolments=[enrolment(InsuredGroup.RESIDENT, Insurance.MEDICAL)],
            payments=[paid(InsuredGroup.RESIDENT, Insurance.MEDICAL, fee_year=2026)],
        )
    )
    await post(town, await declare(town))
    state = await look(town, ANNA.id_number)
    assert [entry["due"] for entry in state["enrolments"]] == [[]]
    assert [entry["amount"] for entry in state["declarations"]] == ["400.00"]
    assert [(entry["fee_year"], entry["booked_on"]) for entry in state["payments"]] == [
        (2026, "2025-11-05"),
        (2027, None),
    ]
    assert [entry["fee_year"] for entry in state["records"]] == [2026]
    assert state["trades"] == []
    town.books.clock.set(datetime.fromisoformat("2026-11-25T09:00:01+08:00"))
    assert [entry["fee_year"] for entry in (await look(town, ANNA.id_number))["records"]] == [2026, 2027]


async def test_the_state_of_nobody_is_not_found(town: Town) -> None:
    async with httpx2.AsyncClient() as http:
        answer = await http.get(f"{town.url}/sandbox/state", params={"id_number": ANNA.id_number})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert (await http.get(f"{town.url}/sandbox/state")).status_code == 404


async def look(town: Town, id_number: str) -> dict[str, Any]:
    async with httpx2.AsyncClient() as http:
        answer = await http.get(f"{town.url}/sandbox/state", params={"id_number": id_number})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
