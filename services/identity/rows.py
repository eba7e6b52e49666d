"""Reading and moving the rows of identity. Every function works in the caller's transaction."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Update, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.domain.ids import new_id
from services.store.people import (
    BindingRow,
    ConsentRow,
    FailureRow,
    LoginRow,
    PersonRow,
    VerificationRow,
)

ASKED, EXCHANGING, GRANTED, VOID = "asked", "exchanging", "granted", "void"
"""Of a consent. `exchanging`: its code is here, and what it is worth is not known yet."""
STARTING, OPEN, PASSED, FAILED = "starting", "open", "passed", "failed"
REJECTED, SUPERSEDED = "rejected", "superseded"
"""Of a verification. `rejected`: the provider would not even begin."""
TYPED, CONSENTED, STEP_UP = "typed", "consented", "step_up"
"""Where the facts of a verification come from."""

CONVERSATIONS_PER_PERSON = 3
IDLE_ENDS_AFTER = timedelta(days=180)
"""Of a binding, both (`reliability` 4.1)."""


# --- bindings -----------------------------------------------------------------------------------------


async def find_conversations(session: AsyncSession, person_id: str, now: datetime) -> Sequence[str]:
    wanted = select(BindingRow.conversation_id).where(BindingRow.person_id == person_id, *_holds(now))
    return list(await session.scalars(wanted.order_by(BindingRow.bound_at)))


async def bind(
    session: AsyncSession, conversation_id: str, person_id: str, *, now: datetime, verified_at: datetime
) -> None:
    """The conversation speaks for this person and for nobody else; the person's idle ones make room."""
    of_conversation = BindingRow.conversation_id == conversation_id
    await end_bindings(session, now, "replaced", of_conversation, BindingRow.person_id != person_id)
    await end_bindings(session, now, "idle", of_conversation, BindingRow.used_at <= now - IDLE_ENDS_AFTER)
    renewed = await _changed(
        session,
        update(BindingRow)
        .where(of_conversation, BindingRow.ended_at.is_(None))
        .values(verified_at=verified_at, used_at=now),
    )
    if not renewed:
        session.add(
            BindingRow(
                binding_id=new_id("B"),
                conversation_id=conversation_id,
                person_id=person_id,
                bound_at=now,
                verified_at=verified_at,
                used_at=now,
            )
        )
        await session.flush()
    others = list(
        await session.scalars(
            select(BindingRow.binding_id)
            .where(
                BindingRow.person_id == person_id,
                BindingRow.conversation_id != conversation_id,
                BindingRow.ended_at.is_(None),
            )
            .order_by(BindingRow.used_at.desc(), BindingRow.bound_at.desc())
        )
    )
    surplus = others[CONVERSATIONS_PER_PERSON - 1 :]
    await end_bindings(session, now, "too_many", BindingRow.binding_id.in_(surplus))


async def end_bindings(
    session: AsyncSession, now: datetime, reason: str, *which: ColumnElement[bool]
) -> None:
    await _changed(
        session,
        update(BindingRow)
        .where(BindingRow.ended_at.is_(None), *which)
        .values(ended_at=now, end_reason=reason),
    )


async def note_use(session: AsyncSession, binding_id: str, now: datetime) -> None:
    await _changed(session, update(BindingRow).where(BindingRow.binding_id == binding_id).values(used_at=now))


async def rename(session: AsyncSession, person_id: str, name: bytes) -> None:
    """Another name has been verified for the same document; `name` is sealed."""
    await _changed(session, update(PersonRow).where(PersonRow.person_id == person_id).values(name=name))


# --- the steps of a conversation -----------------------------------------------------------------------


async def set_login(
    session: AsyncSession,
    conversation_id: str,
    step: str,
    *,
    consent_id: str | None = None,
    verification_id: str | None = None,
) -> None:
    """Put a conversation at a step, whatever it was doing."""
    await session.merge(
        LoginRow(
            conversation_id=conversation_id,
            step=step,
            consent_id=consent_id,
            verification_id=verification_id,
        )
    )


async def move_login(
    session: AsyncSession,
    step: str,
    *,
    consent_id: str | None = None,
    verification_id: str | None = None,
    next_verification_id: str | None = None,
) -> None:
    """Move the conversation that is at this consent, or else at this verification; one that went on stays."""
    values: dict[str, Any] = {"step": step}
    if consent_id is not None:
        where = LoginRow.consent_id == consent_id
        values["verification_id"] = verification_id
    else:
        where = LoginRow.verification_id == verification_id
        if next_verification_id is not None:
            values["verification_id"] = next_verification_id
    await _changed(session, update(LoginRow).where(where).values(values))


async def forget_login(session: AsyncSession, conversation_id: str) -> None:
    await session.execute(delete(LoginRow).where(LoginRow.conversation_id == conversation_id))


async def close_open(session: AsyncSession, conversation_id: str, now: datetime) -> None:
    """What the conversation had begun is void; its facts and references are erased."""
    await _changed(
        session,
        update(VerificationRow)
        .where(
            VerificationRow.conversation_id == conversation_id, VerificationRow.status.in_((STARTING, OPEN))
        )
        .values(status=SUPERSEDED, facts=None, url=None, decided_at=now),
    )
    await _changed(
        session,
        update(ConsentRow)
        .where(ConsentRow.conversation_id == conversation_id, ConsentRow.status.in_((ASKED, EXCHANGING)))
        .values(status=VOID, state=None, code=None),
    )


# --- consents -----------------------------------------------------------------------------------------


async def take_consent(
    session: AsyncSession, consent_id: str, code: bytes | None, now: datetime
) -> ConsentRow | None:
    """Use up the state of a consent, once: with a sealed code it is being exchanged, without it is void."""
    taken = await _changed(
        session,
        update(ConsentRow)
        .where(ConsentRow.consent_id == consent_id, ConsentRow.status == ASKED, ConsentRow.expires_at > now)
        .values(status=EXCHANGING if code else VOID, state=None, code=code),
    )
    return await session.get(ConsentRow, consent_id) if taken else None


async def settle_consent(
    session: AsyncSession, consent_id: str, status: str, *, granted_at: datetime | None = None
) -> bool:
    """End the exchange; False when somebody else has ended it."""
    return await _changed(
        session,
        update(ConsentRow)
        .where(ConsentRow.consent_id == consent_id, ConsentRow.status == EXCHANGING)
        .values(status=status, code=None, granted_at=granted_at),
    )


async def note_consenter(session: AsyncSession, consent_id: str, person_id: str) -> None:
    await _changed(
        session, update(ConsentRow).where(ConsentRow.consent_id == consent_id).values(person_id=person_id)
    )


async def withdraw_consents(session: AsyncSession, conversation_id: str, now: datetime) -> None:
    await _changed(
        session,
        update(ConsentRow)
        .where(
            ConsentRow.conversation_id == conversation_id,
            ConsentRow.status == GRANTED,
            ConsentRow.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now),
    )


# --- verifications ------------------------------------------------------------------------------------


async def find_running(session: AsyncSession, conversation_id: str) -> VerificationRow | None:
    """The open verification that the conversation is waiting for."""
    found: VerificationRow | None = await session.scalar(
        select(VerificationRow)
        .join(LoginRow, LoginRow.verification_id == VerificationRow.verification_id)
        .where(LoginRow.conversation_id == conversation_id, VerificationRow.status == OPEN)
    )
    return found


async def open_verification(
    session: AsyncSession, verification_id: str, *, certify_id: str, url: str
) -> bool:
    return await _changed(
        session,
        update(VerificationRow)
        .where(VerificationRow.verification_id == verification_id, VerificationRow.status == STARTING)
        .values(status=OPEN, certify_id=certify_id, url=url),
    )


async def decide(session: AsyncSession, verification_id: str, status: str, now: datetime) -> bool:
    """End a verification and erase its facts; False when it has ended already."""
    return await _changed(
        session,
        update(VerificationRow)
        .where(
            VerificationRow.verification_id == verification_id, VerificationRow.status.in_((STARTING, OPEN))
        )
        .values(status=status, facts=None, url=None, decided_at=now),
    )


# --- guesses ------------------------------------------------------------------------------------------


async def failures(session: AsyncSession, scope: str, subject: str, day: date) -> int:
    row = await session.get(FailureRow, (scope, subject, day))
    return row.failures if row else 0


async def count_failure(session: AsyncSession, scope: str, subject: str, day: date) -> None:
    key = (FailureRow.scope == scope, FailureRow.subject == subject, FailureRow.day == day)
    if not await _changed(session, update(FailureRow).where(*key).values(failures=FailureRow.failures + 1)):
        session.add(FailureRow(scope=scope, subject=subject, day=day, failures=1))
        await session.flush()


async def purge(session: AsyncSession, *, before: datetime, now: datetime) -> int:
    """Erase what unfinished tries older than `before` still hold, and old counts; how many tries."""
    old = (VerificationRow.created_at < before, VerificationRow.status.in_((STARTING, OPEN)))
    found = await session.execute(
        update(VerificationRow)
        .where(*old)
        .values(status=SUPERSEDED, facts=None, url=None, decided_at=now)
        .execution_options(synchronize_session=False)
    )
    consents = await session.execute(
        update(ConsentRow)
        .where(ConsentRow.created_at < before, ConsentRow.status.in_((ASKED, EXCHANGING)))
        .values(status=VOID, state=None, code=None)
        .execution_options(synchronize_session=False)
    )
    await session.execute(delete(FailureRow).where(FailureRow.day < before.date()))
    return int(getattr(found, "rowcount", 0)) + int(getattr(consents, "rowcount", 0))


def _holds(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return BindingRow.ended_at.is_(None), BindingRow.used_at > now - IDLE_ENDS_AFTER


async def _changed(session: AsyncSession, statement: Update) -> bool:
    result = await session.execute(statement.execution_options(synchronize_session=False))
    return bool(getattr(result, "rowcount", 0))
