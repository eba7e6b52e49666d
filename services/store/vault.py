"""Tables of the vault: wrapped keys, tokens of conversations, and the last fragments that somebody typed."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.store.base import Base, UtcDateTime


class MasterKeyRow(Base):
    """A key-encryption key (KEK), wrapped by the root key. The highest version wraps new data keys."""

    __tablename__ = "vault_master_key"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DataKeyRow(Base):
    """A data key (DEK), wrapped by a KEK.

    `scope` is `field` (columns of all tables; one derived key per purpose), `index` (blind indexes),
    `person` or `conversation`; `subject` names the person or conversation. The row with the highest
    generation of a scope and subject encrypts; a retired one only decrypts, until nothing needs it.
    """

    __tablename__ = "vault_data_key"
    __table_args__ = (UniqueConstraint("scope", "subject", "generation"),)

    key_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    scope: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(200))
    generation: Mapped[int]
    algorithm: Mapped[int]
    master_version: Mapped[int] = mapped_column(ForeignKey("vault_master_key.version"), index=True)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


class TokenRow(Base):
    """What a token of a conversation stands for. `value` is sealed with the conversation's own key."""

    __tablename__ = "vault_token"
    __table_args__ = (UniqueConstraint("conversation_id", "kind", "value_index"),)

    conversation_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    handle: Mapped[str] = mapped_column(String(12), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    value_index: Mapped[str] = mapped_column(String(64))
    value: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FragmentRow(Base):
    """The last pieces of digits of a conversation, sealed: an ID number may come in several messages."""

    __tablename__ = "vault_fragment"

    conversation_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
