"""Alembic's entrance: runs on the connection that `services.store.schema` hands over."""

from alembic import context

from services.store.schema import all_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=all_tables(),
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
