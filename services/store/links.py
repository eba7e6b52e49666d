"""Who may open a link to a file: in SQL, so that the question and the answer are one query."""

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import InstrumentedAttribute

BROWSERS = "web:browser-"
"""Conversations of the web chat are those of one browser, which shows with its cookie that it is the one."""


def opens_for(conversation_id: InstrumentedAttribute[str], browser: str | None) -> ColumnElement[bool]:
    """A link that was given to a browser opens in that one alone; elsewhere it opens for who has it.

    `browser`: the conversation of the browser that asks, None for any other client (`reliability` C5).
    """
    return or_(~conversation_id.startswith(BROWSERS), conversation_id == (browser or ""))
