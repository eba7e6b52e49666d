"""Work that must be done whatever dies: one row per kind and subject."""

from datetime import datetime

from sqlalchemy import Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.store.base import Base, UtcDateTime

QUEUED, DONE, DEAD = "queued", "done", "dead"


class JobRow(Base):
    """`lease_until` is set while a process works on it; `fence` counts the leases, so that one whose lease
    ran out can't commit. `wake_at` is a wish for another run that came while it was being worked on.
    """

    __tablename__ = "job"
    __table_args__ = (UniqueConstraint("kind", "subject"), Index(None, "state", "next_at"))

    job_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    subject: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(8), default=QUEUED)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    wake_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fence: Mapped[int] = mapped_column(Integer, default=0)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    crashes: Mapped[int] = mapped_column(Integer, default=0)
    last_error: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
