"""What every turn asks: who holds a conversation, who that is, and how far logging in has come.

Constant statements on tables: to build a statement anew and to map its row costs more than the database's answer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, Row, Table, and_, bindparam, select

from services.identity.facts import CONSENT_ASKED
from services.identity.rows import IDLE_ENDS_AFTER, OPEN
from services.store.people import BindingRow, ConsentRow, LoginRow, PersonRow, VerificationRow


@dataclass(frozen=True, kw_only=True)
class Holding:
    """A binding that holds now; `running` is the verification that the conversation waits for."""

    binding_id: str
    person_id: str
    verified_at: datetime
    used_at: datetime
    running: str | None


@dataclass(frozen=True, kw_only=True)
class Login:
    """Where logging in stands by our own books.

    `holder` is the person of the binding that holds now; `consent` the one that is asked for, a copy to read.
    """

    step: str
    verification_id: str | None
    holder: str | None
    consent: ConsentRow | None


def find_holding(look: Connection, conversation_id: str, now: datetime) -> Holding | None:
    """The binding of a conversation that holds now."""
    row = look.execute(_HOLDING, _key(conversation_id, now)).one_or_none()
    return None if row is None else Holding(**row._mapping)


def find_login(look: Connection, conversation_id: str, now: datetime) -> Login | None:
    """Where logging in stands, if it ever began."""
    row = look.execute(_LOGIN, _key(conversation_id, now)).one_or_none()
    if row is None:
        return None
    step, consent_id, verification_id, holder = row
    consent = None
    if step == CONSENT_ASKED and consent_id:
        consent = ConsentRow(**look.execute(_CONSENT, {"id": consent_id}).one()._mapping)
    return Login(step=step, verification_id=verification_id, holder=holder, consent=consent)


def find_person(look: Connection, person_id: str) -> Row[str, bytes, bytes] | None:
    """`id_type`, and sealed `id_number` and `name`."""
    return look.execute(_PERSON, {"id": person_id}).one_or_none()


def _key(conversation_id: str, now: datetime) -> dict[str, object]:
    return {"id": conversation_id, "idle": now - IDLE_ENDS_AFTER}


_BINDING, _CONSENTS, _PERSONS, _LOGINS, _TRIES = (
    cast(Table, row.__table__) for row in (BindingRow, ConsentRow, PersonRow, LoginRow, VerificationRow)
)
_HOLDS = and_(_BINDING.c.ended_at.is_(None), _BINDING.c.used_at > bindparam("idle"))

_HOLDING = (
    select(
        _BINDING.c.binding_id,
        _BINDING.c.person_id,
        _BINDING.c.verified_at,
        _BINDING.c.used_at,
        _TRIES.c.verification_id.label("running"),
    )
    .outerjoin(_LOGINS, _LOGINS.c.conversation_id == _BINDING.c.conversation_id)
    .outerjoin(_TRIES, and_(_TRIES.c.verification_id == _LOGINS.c.verification_id, _TRIES.c.status == OPEN))
    .where(_BINDING.c.conversation_id == bindparam("id"), _HOLDS)
)
_LOGIN = (
    select(
        _LOGINS.c.step,
        _LOGINS.c.consent_id,
        _LOGINS.c.verification_id,
        _BINDING.c.person_id.label("holder"),
    )
    .outerjoin(_BINDING, and_(_BINDING.c.conversation_id == _LOGINS.c.conversation_id, _HOLDS))
    .where(_LOGINS.c.conversation_id == bindparam("id"))
)
_CONSENT = select(_CONSENTS).where(_CONSENTS.c.consent_id == bindparam("id"))
_PERSON = select(_PERSONS.c.id_type, _PERSONS.c.id_number, _PERSONS.c.name).where(
    _PERSONS.c.person_id == bindparam("id")
)
