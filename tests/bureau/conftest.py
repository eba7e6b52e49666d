"""The simulated bureau served over real HTTP on a free port, and the client that talks to it."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from sanic import Sanic

from bot.sandbox import bureau, control, residents
from bot.sandbox.books import Books
from services.adapters.bureau.client import BureauClient
from services.adapters.clock import SHANGHAI, SandboxClock
from services.domain.id_documents import check_digit
from services.domain.kinds import IdType, Insurance, InsuredGroup, PaymentType
from services.domain.people import Person
from services.ports import Dues

TOKEN = "a-token-of-the-test"
NOW = datetime(2026, 11, 23, 10, tzinfo=SHANGHAI)


@dataclass
class Town:
    """A bureau with its books; `at` moves the clock, `load` puts people in."""

    books: Books
    url: str
    client: BureauClient
    folder: Path

    def at(self, moment: str) -> None:
        self.books.clock.set(datetime.fromisoformat(moment).replace(tzinfo=SHANGHAI))

    async def load(self, *people: dict[str, object]) -> int:
        file = self.folder / "people.yml"
        file.write_text(yaml.safe_dump({"residents": list(people)}, allow_unicode=True), encoding="utf-8")
        return await residents.load_file(self.books, file)


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    opened = Books(tmp_path / "var", SandboxClock(tmp_path / "var" / "sandbox-clock.json", NOW))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def town(books: Books, tmp_path: Path) -> AsyncIterator[Town]:
    Sanic.test_mode = True
    app = Sanic(f"bureau-{tmp_path.name}", configure_logging=False)
    app.blueprint(bureau.blueprint(books, TOKEN))
    app.blueprint(control.blueprint(books))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    await server.startup()
    await server.start_serving()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    client = BureauClient(f"{url}/sandbox/bureau", TOKEN, timeout=2.5)
    yield Town(books, url, client, tmp_path)
    await client.close()
    await server.close()
    Sanic._app_registry.pop(app.name, None)


def id_number(first17: str) -> str:
    return first17 + check_digit(first17)


ANNA = Person(id_type=IdType.RESIDENT_ID_CARD, id_number=id_number("52010319850615000"), name="安然")


def person(name: str, first17: str) -> Person:
    return Person(id_type=IdType.RESIDENT_ID_CARD, id_number=id_number(first17), name=name)


def resident(who: Person = ANNA, **facts: object) -> dict[str, object]:
    return {"name": who.name, "id_type": who.id_type.value, "id_number": who.id_number, **facts}


def enrolment(group: InsuredGroup, insurance: Insurance, **facts: object) -> dict[str, object]:
    entry = {"insured_group": group.value, "insurance": insurance.value, "agency": "520103"}
    return {**entry, "status": "active", "since": "2021-03", **facts}


def dues(group: InsuredGroup, insurance: Insurance, **facts: object) -> Dues:
    facts = {"payment_type": PaymentType.NORMAL, "agency": "520103", **facts}
    return Dues(insured_group=group, insurance=insurance, **facts)
