"""Tables of who is who: persons, whose chat is whose, consents, verifications, and guesses.

A channel identity (one conversation) is not a person: a binding joins the two after a verification.
Personal data stands in sealed columns only; a person is found by a blind index of document and number.
"""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from services.store.base import Base, UtcDateTime, sealed

CONVERSATION_ID = String(300)


class PersonRow(Base):
    """A verified person. Destroying their key in the vault makes the sealed columns unreadable for good."""

    __tablename__ = "person"

    person_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    id_index: Mapped[str | None] = mapped_column(String(64), unique=True)
    id_type: Mapped[str] = mapped_column(String(40))
    id_number: Mapped[bytes] = mapped_column(
        LargeBinary, info=sealed("person.id_number", row="person_id", subject="person_id")
    )
    name: Mapped[bytes] = mapped_column(
        LargeBinary, info=sealed("person.name", row="person_id", subject="person_id")
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BindingRow(Base):
    """One conversation speaks for one person, until `ended_at`. Ended bindings stay as proof."""

    __tablename__ = "binding"

    binding_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(CONVERSATION_ID)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.person_id"), index=True)
    bound_at: Mapped[datetime] = mapped_column(UtcDateTime)
    verified_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_reason: Mapped[str | None] = mapped_column(String(20))

    __table_args__ = (
        Index(
            "uq_binding_one_person_a_conversation",
            "conversation_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )


class ConsentRow(Base):
    """A consent that was asked for: what for, in which version of the words, and what became of it.

    `consent_id` is the hash of the state of its link; `state` and `code` are erased when they have been used.
    """

    __tablename__ = "consent"

    consent_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(CONVERSATION_ID, index=True)
    purpose: Mapped[str] = mapped_column(String(40))
    words_version: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    state: Mapped[bytes | None] = mapped_column(LargeBinary, info=sealed("consent.state", row="consent_id"))
    code: Mapped[bytes | None] = mapped_column(LargeBinary, info=sealed("consent.code", row="consent_id"))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.person_id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    granted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class VerificationRow(Base):
    """One try of a real-name verification. `verification_id` is its number at the provider, new for each try.

    `facts` are who is to be verified, erased when it is decided; a step-up names a known person instead.
    """

    __tablename__ = "verification"

    verification_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(CONVERSATION_ID, index=True)
    source: Mapped[str] = mapped_column(String(12))
    status: Mapped[str] = mapped_column(String(12))
    id_index: Mapped[str | None] = mapped_column(String(64))
    facts: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=sealed("verification.facts", row="verification_id")
    )
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.person_id"))
    consent_id: Mapped[str | None] = mapped_column(ForeignKey("consent.consent_id"))
    certify_id: Mapped[str | None] = mapped_column(String(64))
    url: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LoginRow(Base):
    """Where a conversation stands on its way to a binding: the step, and its consent or verification."""

    __tablename__ = "login"

    conversation_id: Mapped[str] = mapped_column(CONVERSATION_ID, primary_key=True)
    step: Mapped[str] = mapped_column(String(20))
    consent_id: Mapped[str | None] = mapped_column(ForeignKey("consent.consent_id"))
    verification_id: Mapped[str | None] = mapped_column(ForeignKey("verification.verification_id"))


class FailureRow(Base):
    """Failed verifications of typed facts on one day, by `conversation` or by `id_index`."""

    __tablename__ = "identity_failure"

    scope: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject: Mapped[str] = mapped_column(CONVERSATION_ID, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    failures: Mapped[int]
