"""Logging in, from both sides of the provider's pages."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from services.domain.errors import OutcomeUnknown, Refused, ServiceError, Unavailable
from services.domain.kinds import IdType
from services.identity import Identity
from services.ports import ConsentedProfile, VerificationStatus
from services.store.people import BindingRow, ConsentRow, VerificationRow
from services.store.session import Database
from services.vault import Vault
from tests.conftest import FixedClock
from tests.identity.conftest import CHAT, NAME, NUMBER, OTHER_NAME, OTHER_NUMBER, Flow
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


async def test_refusal_leads_to_typing_and_voids_the_link(
    identity: Identity, flow: Flow, provider: FakeProvider
) -> None:
    link = await identity.start_consent(CHAT)
    await identity.refuse_consent(CHAT)
    assert (await identity.progress(CHAT)).step == "refused"
    assert await identity.on_consent_return(link.state, code="late") is None
    url = await flow.type_in()
    assert (await identity.progress(CHAT)).step == "verifying"
    provider.decide(url)
    assert (await identity.progress(CHAT)).step == "verified"


@pytest.mark.parametrize(
    "facts",
    [
        {"name": None},
        {"number": None},
        {"name": None, "number": None},
        {"number": "520000199003071239"},
        {"number": "52000020180229100X"},
    ],
)
async def test_consent_without_usable_facts_is_told_apart(
    identity: Identity, flow: Flow, facts: dict[str, str | None]
) -> None:
    await flow.consent(**facts)
    assert (await identity.progress(CHAT)).step == "missing_facts"
    await flow.type_in()
    assert (await identity.progress(CHAT)).step == "verifying"


async def test_the_link_stays_the_same_until_it_is_nearly_over(identity: Identity, clock: FixedClock) -> None:
    first = await identity.start_consent(CHAT)
    assert first.expires_at == clock.now() + timedelta(minutes=10)
    assert len(first.state) <= 100
    clock.advance(minutes=7)
    assert await identity.start_consent(CHAT) == first
    clock.advance(minutes=2)
    second = await identity.start_consent(CHAT)
    assert second.state != first.state
    assert await identity.on_consent_return(first.state, code="x") is None
    clock.advance(minutes=10)
    assert (await identity.progress(CHAT)).step == "none"
    assert await identity.on_consent_return(second.state, code="x") is None


async def test_a_state_works_for_its_own_conversation_only(
    identity: Identity, flow: Flow, provider: FakeProvider
) -> None:
    link = await identity.start_consent(CHAT)
    await identity.start_consent("rest:somebody-else")
    provider.profiles["code"] = ConsentedProfile(subject="2088", name=NAME, id_number=NUMBER)
    returned = await identity.on_consent_return(link.state, code="code")
    assert returned
    assert returned.conversation_id == CHAT
    assert (await identity.progress("rest:somebody-else")).step == "consent_asked"
    assert await identity.on_consent_return(link.state, code="code") is None


async def test_a_code_that_is_not_good_leads_to_a_new_consent(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.identity.consents.OTHERS_SETTLE_IN", 0.2)
    link = await identity.start_consent(CHAT)
    await identity.on_consent_return(link.state, code="unknown")
    assert (await identity.progress(CHAT)).step == "none"
    assert (await identity.start_consent(CHAT)).state != link.state


async def test_a_page_and_a_message_at_once_use_the_code_once(
    identity: Identity, provider: FakeProvider
) -> None:
    link = await identity.start_consent(CHAT)
    provider.profiles["code"] = ConsentedProfile(subject="2088", name=NAME, id_number=NUMBER)
    provider.delay = 0.3

    async def says_done() -> str:
        await asyncio.sleep(0.1)
        return (await identity.progress(CHAT)).step

    returned, step = await asyncio.gather(identity.on_consent_return(link.state, code="code"), says_done())
    assert returned
    provider.delay = 0
    assert step == "verifying"
    assert (await identity.progress(CHAT)).step == "verifying"


@pytest.mark.parametrize("trouble", [Unavailable(), OutcomeUnknown()])
async def test_trouble_with_the_provider_is_told_and_passes(
    identity: Identity, flow: Flow, provider: FakeProvider, trouble: ServiceError
) -> None:
    provider.fail("start_verification", trouble)
    with pytest.raises(type(trouble)):
        await flow.type_in()
    progress = await identity.progress(CHAT)
    assert progress.step == "verifying"
    assert progress.link
    provider.fail("find_verification", trouble)
    with pytest.raises(type(trouble)):
        await identity.progress(CHAT)
    provider.decide(progress.link.url)
    assert (await identity.progress(CHAT)).step == "verified"


async def test_a_try_that_the_provider_has_forgotten_is_made_again(
    identity: Identity, flow: Flow, provider: FakeProvider
) -> None:
    url = await flow.type_in()
    provider.fail("find_verification", Refused("gateway_refused"))
    progress = await identity.progress(CHAT)
    assert progress.link
    assert progress.link.url != url


async def test_an_old_link_is_made_anew_with_the_same_facts(
    identity: Identity, flow: Flow, provider: FakeProvider, clock: FixedClock
) -> None:
    old = await flow.type_in()
    clock.advance(minutes=11)
    progress = await identity.progress(CHAT)
    assert progress.link
    assert progress.link.url != old
    assert progress.link.expires_at == clock.now() + timedelta(minutes=10)
    provider.decide(progress.link.url)
    assert (await identity.progress(CHAT)).step == "verified"


async def test_a_verification_learnt_of_late_is_not_fresh(
    identity: Identity, flow: Flow, provider: FakeProvider, clock: FixedClock
) -> None:
    provider.decide(await flow.type_in())
    clock.advance(hours=2)
    assert (await identity.progress(CHAT)).step == "verified"
    bound = await identity.find_bound(CHAT)
    assert bound
    assert bound.level == 2


async def test_tries_that_nobody_finished_are_given_up_and_erased(
    identity: Identity, flow: Flow, clock: FixedClock, database: Database
) -> None:
    await flow.type_in()
    await flow.type_in("rest:other")
    clock.advance(hours=25)
    assert (await identity.progress(CHAT)).step == "none"
    assert await identity.purge() == 1
    async with database.read() as session:
        assert (await session.scalars(select(VerificationRow.facts))).all() == [None, None]


async def test_documents_that_cannot_be_verified_are_refused_and_asked_again(
    identity: Identity, provider: FakeProvider, flow: Flow
) -> None:
    """Business 1.4: documents that cannot be verified are refused and asked again."""
    await identity.refuse_consent(CHAT)
    provider.fail("start_verification", Refused("id_type_not_verifiable"))
    with pytest.raises(Refused, match="id_type_not_verifiable"):
        await flow.type_in()
    assert (await identity.progress(CHAT)).step == "refused"


async def test_a_residence_permit_is_known_by_its_number(identity: Identity, flow: Flow) -> None:
    person_id = await flow.log_in(number="810000199408230021")
    assert (await identity.get_person(person_id)).id_type is IdType.HK_MACAO_RESIDENCE_PERMIT


async def test_a_number_that_is_none_is_told_why(identity: Identity, vault: Vault) -> None:
    token = await vault.seal(CHAT, "id_number", "520000199003071239")
    assert (await identity.check_id_number(CHAT, token)).reason == "check_digit"
    with pytest.raises(Refused, match="unknown_token"):
        await identity.check_id_number("rest:somebody-else", token)


async def test_five_failures_a_day_in_one_conversation(
    identity: Identity, flow: Flow, provider: FakeProvider, clock: FixedClock
) -> None:
    for _ in range(5):
        provider.decide(await flow.type_in(), VerificationStatus.FAILED)
        assert (await identity.progress(CHAT)).step == "failed"
    with pytest.raises(Refused, match="too_many_tries"):
        await flow.type_in()
    await flow.type_in("rest:other")
    clock.advance(days=1)
    await flow.type_in()


async def test_ten_failures_a_day_for_one_number_do_not_shut_out_its_owner(
    flow: Flow, provider: FakeProvider, identity: Identity
) -> None:
    for guess in range(10):
        chat = f"rest:guesser-{guess}"
        provider.decide(await flow.type_in(chat), VerificationStatus.FAILED)
        await identity.progress(chat)
    with pytest.raises(Refused, match="too_many_tries"):
        await flow.type_in("rest:guesser-10")
    await flow.type_in("rest:guesser-10", number=OTHER_NUMBER)
    assert await flow.log_in("rest:owner")


async def test_unbinding_forgets_who_it_was(identity: Identity, flow: Flow, database: Database) -> None:
    person_id = await flow.log_in()
    await identity.unbind(CHAT)
    assert await identity.find_bound(CHAT) is None
    assert (await identity.progress(CHAT)).step == "none"
    assert await identity.find_conversations(person_id) == []
    with pytest.raises(Refused):
        await identity.step_up(CHAT)
    async with database.read() as session:
        consent = (await session.scalars(select(ConsentRow))).one()
    assert consent.granted_at
    assert consent.withdrawn_at
    assert consent.person_id == person_id
    assert await flow.log_in() == person_id


async def test_one_person_is_one_person_in_every_conversation(identity: Identity, flow: Flow) -> None:
    first = await flow.log_in()
    assert await flow.log_in("wechat:openid") == first
    assert await flow.log_in("rest:third", name=OTHER_NAME, number=OTHER_NUMBER) != first
    assert list(await identity.find_conversations(first)) == [CHAT, "wechat:openid"]


async def test_the_fourth_conversation_of_a_person_ends_the_one_unused_longest(
    identity: Identity, flow: Flow, clock: FixedClock
) -> None:
    for chat in ("rest:1", "rest:2", "rest:3"):
        person_id = await flow.log_in(chat)
        clock.advance(days=1, minutes=1)
    assert await identity.find_bound("rest:1")
    await flow.log_in("rest:4")
    assert set(await identity.find_conversations(person_id)) == {"rest:1", "rest:3", "rest:4"}
    assert await identity.find_bound("rest:2") is None
    assert (await identity.progress("rest:2")).step == "none"


async def test_half_a_year_of_silence_ends_a_binding(
    identity: Identity, flow: Flow, clock: FixedClock
) -> None:
    person_id = await flow.log_in()
    clock.advance(days=179)
    assert await identity.find_bound(CHAT)
    clock.advance(days=179)
    assert await identity.find_bound(CHAT)
    clock.advance(days=181)
    assert await identity.find_bound(CHAT) is None
    assert (await identity.progress(CHAT)).step == "none"
    assert await flow.log_in() == person_id


async def test_another_person_in_the_same_conversation_takes_its_place(
    identity: Identity, flow: Flow
) -> None:
    first = await flow.log_in()
    second = await flow.log_in(name=OTHER_NAME, number=OTHER_NUMBER)
    assert first != second
    assert await identity.find_conversations(first) == []
    assert await identity.find_conversations(second) == [CHAT]


async def test_a_new_name_of_the_same_document_is_kept(identity: Identity, flow: Flow) -> None:
    person_id = await flow.log_in()
    assert await flow.log_in("rest:2", name="王芳") == person_id
    assert (await identity.get_person(person_id)).name == "王芳"


async def test_a_failed_step_up_leaves_the_person_bound(
    identity: Identity, flow: Flow, provider: FakeProvider, clock: FixedClock
) -> None:
    await flow.log_in()
    clock.advance(minutes=6)
    link = await identity.step_up(CHAT)
    provider.fail("find_verification", Unavailable())
    bound = await identity.find_bound(CHAT)
    assert bound
    assert bound.level == 2
    provider.decide(link.url, VerificationStatus.FAILED)
    bound = await identity.find_bound(CHAT)
    assert bound
    assert bound.level == 2
    assert (await identity.progress(CHAT)).step == "failed"


async def test_two_looks_at_one_passed_verification_bind_once(
    identity: Identity, flow: Flow, provider: FakeProvider, database: Database
) -> None:
    provider.decide(await flow.type_in())
    steps = await asyncio.gather(*(identity.progress(CHAT) for _ in range(4)))
    assert {progress.step for progress in steps} == {"verified"}
    async with database.read() as session:
        assert len((await session.scalars(select(BindingRow))).all()) == 1


async def test_the_same_person_verified_twice_at_once_is_one_person(
    identity: Identity, flow: Flow, provider: FakeProvider
) -> None:
    chats = ["rest:a", "rest:b", "rest:c"]
    for chat in chats:
        provider.decide(await flow.type_in(chat))
    await asyncio.gather(*(identity.progress(chat) for chat in chats))
    people = [await identity.find_bound(chat) for chat in chats]
    assert len({person.person_id for person in people if person}) == 1
    assert all(people)
