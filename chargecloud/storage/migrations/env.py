"""Alembic's environment: runs on the connection that L{chargecloud.storage.migrate} gives."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
