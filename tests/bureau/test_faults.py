"""Ordered faults, and what the client makes of a bureau that is busy, slow, absent or confused."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal

import httpx2
import pytest

from services.adapters.bureau.client import BureauClient
from services.domain.errors import OutcomeUnknown, Refused, Unavailable
from tests.bureau.conftest import ANNA, NOW, TOKEN, Town, enrolment, resident
from tests.bureau.test_declaring_and_posting import MEDICAL_2027, TOTAL, declare, post
from tests.bureau.test_what_is_due import MEDICAL, RESIDENT


@pytest.fixture
async def anna(town: Town) -> Town:
    await town.load(resident(enrolments=[enrolment(RESIDENT, MEDICAL)]))
    return town


async def order(town: Town, **fault: object) -> None:
    async with httpx2.AsyncClient() as http:
        answer = await http.post(f"{town.url}/sandbox/bureau/faults", json=fault)
    assert answer.status_code == 200, answer.text


async def total(town: Town) -> str:
    return str((await town.client.quote(ANNA, MEDICAL_2027)).total)


async def test_a_busy_bureau_did_nothing(anna: Town) -> None:
    await order(anna, operation="declare", mode="unavailable", times=1)
    with pytest.raises(Unavailable):
        await declare(anna)
    await declare(anna)


async def test_a_slow_bureau_has_done_it_and_the_key_finds_it(anna: Town) -> None:
    declaration = await declare(anna)
    await order(anna, operation="post_payment", mode="slow", times=1, seconds=3.2)
    with pytest.raises(OutcomeUnknown):
        await post(anna, declaration)
    assert await anna.client.find_posting("order-0001") is not None


async def test_a_slow_answer_to_a_question_is_unavailable(anna: Town) -> None:
    await order(anna, operation="enrolments", mode="slow", times=1, seconds=3.2)
    with pytest.raises(Unavailable):
        await anna.client.find_enrolments(ANNA)


async def test_a_changed_amount_counts_only_where_a_total_is_answered(anna: Town) -> None:
    await order(anna, operation="*", mode="amount_changed", times=2, delta="12.00")
    await anna.client.find_enrolments(ANNA)
    await anna.client.find_arrears(ANNA)
    await anna.client.ping()
    assert [await total(anna) for _ in range(3)] == ["412.00", "412.00", "400.00"]


async def test_the_bureau_stands_by_the_last_total_it_answered(anna: Town) -> None:
    await order(anna, operation="quote", mode="amount_changed", times=1, delta="12.00")
    assert await total(anna) == "412.00"
    declaration = await declare(anna, total=Decimal("412.00"))
    assert declaration.quote.total == Decimal("412.00")
    assert await post(anna, declaration, amount=Decimal("412.00"))


async def test_a_total_that_changes_at_the_declaration_is_quoted_next(anna: Town) -> None:
    await order(anna, operation="declare", mode="amount_changed", times=1, delta="-5.00")
    with pytest.raises(Refused) as refused:
        await declare(anna)
    assert refused.value.facts == {"total": Decimal("395.00")}
    assert [await total(anna) for _ in range(2)] == ["395.00", "400.00"]


async def test_clearing_ends_all_faults(anna: Town) -> None:
    await order(anna, operation="*", mode="unavailable", times=1000)
    with pytest.raises(Unavailable):
        await anna.client.find_enrolments(ANNA)
    await order(anna, clear=True)
    assert await anna.client.find_enrolments(ANNA)


async def test_health_checks_do_not_use_up_a_fault(anna: Town) -> None:
    await order(anna, operation="*", mode="unavailable", times=1)
    await anna.client.ping()
    with pytest.raises(Unavailable):
        await anna.client.find_enrolments(ANNA)


async def test_without_the_token_nobody_is_answered(anna: Town) -> None:
    stranger = BureauClient(f"{anna.url}/sandbox/bureau", "guessed")
    with pytest.raises(Unavailable):
        await stranger.ping()
    await stranger.close()


Wire = Callable[[bytes], Awaitable[BureauClient]]


@pytest.fixture
async def peer() -> AsyncIterator[Wire]:
    """A peer that answers every request with the given bytes and hangs up."""
    opened: list[tuple[asyncio.Server, BureauClient]] = []

    async def serve(answer: bytes) -> BureauClient:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(65536)
            writer.write(answer)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        client = BureauClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", TOKEN, timeout=5)
        opened.append((server, client))
        return client

    yield serve
    for server, client in opened:
        await client.close()
        server.close()


def answer(status: str, body: str = "{}") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return (head + body).encode()


async def declare_at(client: BureauClient) -> object:
    return await client.declare(ANNA, MEDICAL_2027, key="order-0001", total=TOTAL)


async def post_at(client: BureauClient) -> object:
    return await client.post_payment(
        declaration_no="SB1", key="order-0001", amount=TOTAL, paid_at=NOW, paid_by=ANNA
    )


async def read_at(client: BureauClient) -> object:
    return await client.quote(ANNA, MEDICAL_2027)


@pytest.mark.parametrize(
    "wire, writing, reading",
    [
        (b"", OutcomeUnknown, Unavailable),
        (answer("500 Oops"), OutcomeUnknown, Unavailable),
        (answer("502 Bad Gateway", "<html>"), OutcomeUnknown, Unavailable),
        (answer("200 OK", "not json"), OutcomeUnknown, Unavailable),
        (answer("200 OK", '{"half": 1}'), OutcomeUnknown, Unavailable),
        (answer("409 Conflict", "?"), OutcomeUnknown, Unavailable),
        (answer("503 Busy"), Unavailable, Unavailable),
        (answer("400 Bad"), Unavailable, Unavailable),
        (answer("409 Conflict", '{"code": "already_paid"}'), Refused, Refused),
    ],
)
async def test_what_an_answer_means_depends_on_what_was_asked(
    peer: Wire, wire: bytes, writing: type[Exception], reading: type[Exception]
) -> None:
    client = await peer(wire)
    for call, expected in ((declare_at, writing), (post_at, writing), (read_at, reading)):
        with pytest.raises(expected):
            await call(client)


async def test_an_absent_bureau_did_nothing() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    client = BureauClient(f"http://127.0.0.1:{port}", TOKEN)
    with pytest.raises(Unavailable):
        await post_at(client)
    await client.close()


async def test_no_personal_data_is_in_an_address(anna: Town, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []
    anna.client._http.event_hooks["request"].append(_note_into(seen))
    await anna.client.find_enrolments(ANNA)
    await declare(anna)
    assert seen
    assert not any(ANNA.id_number in url or "%" in url or "?" in url for url in seen)
    printed = capsys.readouterr()
    assert ANNA.id_number not in printed.out + printed.err


def _note_into(seen: list[str]) -> Callable[[httpx2.Request], Awaitable[None]]:
    async def note(request: httpx2.Request) -> None:
        seen.append(str(request.url))

    return note
