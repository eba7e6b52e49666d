"""What the last look at the money found broken. Empty, if all is well."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.store.base import Base, UtcDateTime


class BrokenRow(Base):
    """`since` is when it was first seen."""

    __tablename__ = "money_finding"

    finding_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    invariant: Mapped[str] = mapped_column(String(8))
    order_no: Mapped[str] = mapped_column(String(64))
    words: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
