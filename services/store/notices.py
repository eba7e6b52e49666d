"""What a conversation has still to be told."""

from datetime import datetime

from sqlalchemy import Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.store.base import Base, UtcDateTime


class NoticeRow(Base):
    """`facts` is JSON without personal data. A turn that took it at conversation version `offered_version`
    has told it once the version has moved on; `settled_at` is set when that was seen.
    """

    __tablename__ = "notice"
    __table_args__ = (Index(None, "settled_at", "channel"), Index(None, "conversation_id", "settled_at"))

    notice_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(String(300))
    channel: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(32))
    facts: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    offers: Mapped[int] = mapped_column(Integer, default=0)
    offered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    offered_version: Mapped[int | None] = mapped_column(Integer)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
