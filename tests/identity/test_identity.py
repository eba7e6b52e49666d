"""Logging in, from both sides of the provider's pages."""

from services.domain.kinds import IdType
from services.identity import Identity
from services.ports import VerificationStatus
from tests.conftest import FixedClock
from tests.identity.conftest import CHAT, NAME, NUMBER, Flow
from tests.identity.fakes import FakeProvider


async def test_consent_and_verification_bind_the_person(identity: Identity, flow: Flow) -> None:
    assert (await identity.progress(CHAT)).step == "none"
    link = await identity.start_consent(CHAT)
    asked = await identity.progress(CHAT)
    assert asked.step == "consent_asked"
    assert asked.link == link
    await flow.consent()
    assert (await identity.progress(CHAT)).step == "verifying"
    assert await identity.find_bound(CHAT) is None
    await flow.verify()
    assert (await identity.progress(CHAT)).step == "verified"
    bound = await identity.find_bound(CHAT)
    assert bound
    assert (bound.masked_name, bound.level) == ("**芳", 3)
    person = await identity.get_person(bound.person_id)
    assert (person.name, person.id_number, person.id_type) == (NAME, NUMBER, IdType.RESIDENT_ID_CARD)
    assert await identity.find_conversations(bound.person_id) == [CHAT]


async def test_a_failed_verification_binds_nobody(identity: Identity, flow: Flow) -> None:
    await flow.consent()
    await flow.verify(status=VerificationStatus.FAILED)
    assert (await identity.progress(CHAT)).step == "failed"
    assert await identity.find_bound(CHAT) is None


async def test_the_level_falls_after_five_minutes_and_a_step_up_raises_it(
    identity: Identity, flow: Flow, provider: FakeProvider, clock: FixedClock
) -> None:
    await flow.log_in()
    clock.advance(minutes=6)
    bound = await identity.find_bound(CHAT)
    assert bound
    assert bound.level == 2
    link = await identity.step_up(CHAT)
    provider.decide(link.url)
    bound = await identity.find_bound(CHAT)
    assert bound
    assert bound.level == 3
