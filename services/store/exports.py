"""Files that were made for one resident in one conversation: lists to keep, pictures to look at.

They live as long as their link: the hash of its ticket is their key.
"""

from datetime import datetime

from sqlalchemy import Integer, LargeBinary, String, delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.store.base import Base, UtcDateTime, sealed

CONTENT_PURPOSE = "export.content"


class ExportRow(Base):
    """`form` is `xlsx`, `pdf` or `png`; `name` is what the file is called, and nobody's data."""

    __tablename__ = "export"

    ticket_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(String(64))
    conversation_id: Mapped[str] = mapped_column(String(300))
    form: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    downloads: Mapped[int] = mapped_column(Integer, default=0)
    content: Mapped[bytes] = mapped_column(
        LargeBinary, info=sealed(CONTENT_PURPOSE, row="ticket_hash", subject="person_id")
    )


async def forget_exports(session: AsyncSession, *, before: datetime) -> None:
    """Erase files whose links expired before."""
    await session.execute(delete(ExportRow).where(ExportRow.expires_at < before))
