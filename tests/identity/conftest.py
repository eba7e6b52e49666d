"""What the tests of identity share: a vault, a provider in memory, and the service over them."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from services.identity import Identity
from services.ports import ConsentedProfile, VerificationStatus
from services.settings import Settings
from services.store.base import Base
from services.store.session import Database
from services.vault import Vault
from tests.conftest import FixedClock, all_tables
from tests.identity.fakes import FakeProvider

ROOT_KEY = bytes(range(32))
NUMBER, NAME = "520000199003071238", "王小芳"
OTHER_NUMBER, OTHER_NAME = "520000198506151008", "李建国"
CHAT = "rest:resident-1"


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with every table, to be copied: making the tables takes longer than most tests."""
    file = tmp_path_factory.mktemp("empty") / "empty.db"
    all_tables()
    with create_engine(f"sqlite:///{file}").begin() as connection:
        Base.metadata.create_all(connection)
    return file


@pytest.fixture(scope="session")
def shared_postgres(postgres_url: str) -> str:
    """One database with every table for all tests here, which leave it empty."""
    server = make_url(postgres_url).set(drivername="postgresql+asyncpg")
    name = f"identity_{uuid4().hex}"
    url = server.set(database=name).render_as_string(hide_password=False)

    async def create() -> None:
        admin = create_async_engine(server, isolation_level="AUTOCOMMIT")
        async with admin.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
        await admin.dispose()
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await engine.dispose()

    all_tables()
    with ThreadPoolExecutor(1) as beside_the_loop_of_the_tests:
        beside_the_loop_of_the_tests.submit(asyncio.run, create()).result()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty `Database`, once on each engine."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_sqlite"), tmp_path / "test.db")
        store = Database(f"sqlite+aiosqlite:///{tmp_path}/test.db")
        yield store
    else:
        store = Database(request.getfixturevalue("shared_postgres"))
        yield store
        async with store.begin() as session:
            for table in reversed(Base.metadata.sorted_tables):
                await session.execute(table.delete())
    await store.close()


@pytest.fixture
async def vault(database: Database, clock: FixedClock) -> Vault:
    vault = Vault(database, clock, root_key=ROOT_KEY)
    await vault.prepare()
    return vault


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
def identity(database: Database, vault: Vault, provider: FakeProvider, clock: FixedClock) -> Identity:
    return Identity(
        database=database, vault=vault, provider=provider, clock=clock, settings=Settings(_env_file=None)
    )


class Flow:
    """The usual steps of a resident, so that a test says only what is special."""

    def __init__(self, identity: Identity, vault: Vault, provider: FakeProvider) -> None:
        self.identity, self.vault, self.provider = identity, vault, provider
        self._codes = 0

    async def consent(self, chat: str = CHAT, *, name: str | None = NAME, number: str | None = NUMBER) -> str:
        """Ask for consent and come back from its page with it."""
        self._codes += 1
        code = f"code-{self._codes}"
        self.provider.profiles[code] = ConsentedProfile(subject="2088", name=name, id_number=number)
        link = await self.identity.start_consent(chat)
        returned = await self.identity.on_consent_return(link.state, code=code)
        assert returned
        assert returned.conversation_id == chat
        return code

    async def type_in(self, chat: str = CHAT, *, name: str = NAME, number: str = NUMBER) -> str:
        """Type number and name; the verification's link."""
        id_token, name_token = await self.vault.seal_all(chat, [("id_number", number), ("person_name", name)])
        link = await self.identity.enter_manually(chat, id_token=id_token, name_token=name_token)
        return link.url

    async def verify(self, chat: str = CHAT, status: VerificationStatus = VerificationStatus.PASSED) -> str:
        """Decide the running verification and come back from its page; where the page led to."""
        progress = await self.identity.progress(chat)
        assert progress.link
        back = self.provider.decide(progress.link.url, status)
        await self.identity.on_verification_return(back.partition("ref=")[2])
        return back

    async def log_in(self, chat: str = CHAT, *, name: str = NAME, number: str = NUMBER) -> str:
        """The whole way; the person's id."""
        await self.consent(chat, name=name, number=number)
        await self.verify(chat)
        bound = await self.identity.find_bound(chat)
        assert bound
        return bound.person_id


@pytest.fixture
def flow(identity: Identity, vault: Vault, provider: FakeProvider) -> Flow:
    return Flow(identity, vault, provider)
