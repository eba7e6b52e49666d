"""What the tests of identity share: a vault, a provider in memory, and the service over them."""

import pytest

from services.identity import Identity
from services.ports import ConsentedProfile, VerificationStatus
from services.settings import Settings
from services.store.session import Database
from services.vault import Vault
from tests.conftest import FixedClock
from tests.identity.fakes import FakeProvider

ROOT_KEY = bytes(range(32))
NUMBER, NAME = "520000199003071238", "王小芳"
OTHER_NUMBER, OTHER_NAME = "520000198506151008", "李建国"
CHAT = "rest:resident-1"


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
