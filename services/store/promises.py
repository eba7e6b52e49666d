"""Answers that were put off: a platform has our acknowledgement, the resident not yet our answer."""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from services.store.base import Base, UtcDateTime, sealed

MESSAGE_PURPOSE = "promised_answer.message"


class PromisedAnswer(Base):
    """`message` is what was said, or once that is known what is to be answered: JSON, sealed.

    The row goes when the answer has been sent; its job stays, and tells that it was promised.
    """

    __tablename__ = "promised_answer"

    promise_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    channel: Mapped[str] = mapped_column(String(40))
    sender: Mapped[str] = mapped_column(String(255))
    message_id: Mapped[str] = mapped_column(String(300))
    message: Mapped[bytes] = mapped_column(LargeBinary, info=sealed(MESSAGE_PURPOSE, row="promise_id"))
    promised_at: Mapped[datetime] = mapped_column(UtcDateTime)
