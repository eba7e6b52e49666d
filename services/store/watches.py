"""What somebody waits for, and wants to be told of when it is there."""

from datetime import datetime

from sqlalchemy import Index, String, Text, delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.store.base import Base, UtcDateTime


class WatchRow(Base):
    """`facts` is JSON without personal data: what the notice of this `kind` will say. `reader_id` is the person
    whose business it is. `until`: not for ever."""

    __tablename__ = "watch"
    __table_args__ = (Index(None, "conversation_id", "ended_at"),)

    watch_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(String(300))
    reader_id: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    facts: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


async def forget_watches(session: AsyncSession, *, before: datetime) -> None:
    """Erase wishes that ended before."""
    await session.execute(delete(WatchRow).where(WatchRow.ended_at < before))
