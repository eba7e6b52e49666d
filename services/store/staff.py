"""The local list of staff, for the sandbox and a first deployment: logins, roles, hashed secrets."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from services.store.base import Base, UtcDateTime


class AgentRow(Base):
    """`secret` is `scrypt$n$r$p$salt$hash`; the secret itself was shown once. Rows are disabled, never deleted."""

    __tablename__ = "staff_agent"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    secret: Mapped[str] = mapped_column(String(200))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
