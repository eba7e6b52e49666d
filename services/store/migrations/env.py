"""Alembic's entrance: runs on the connection that `services.store.schema` hands over."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import TypeDecorator

from services.store.schema import all_tables


def as_plain_type(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Revisions name types of SQLAlchemy only, so that an old one never depends on today's code."""
    return f"sa.{item.impl_instance!r}" if kind == "type" and isinstance(item, TypeDecorator) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=all_tables(),
    render_as_batch=True,
    render_item=as_plain_type,
)
with context.begin_transaction():
    context.run_migrations()
