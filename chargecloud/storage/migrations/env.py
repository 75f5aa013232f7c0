"""Alembic's environment: runs on the connection that L{chargecloud.storage.migrate} gives."""

from alembic import context

given = context.config.attributes
context.configure(
    connection=given["connection"],
    version_table=given["version_table"],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
