"""Alembic's environment: runs the steps on the connection that ``Store.upgrade`` hands in, in its transaction.

Belongs here: handing Alembic that connection.
Does not belong here: opening databases; there is no offline mode and no ini file.
"""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    version_table=attributes["version_table"],
    transactional_ddl=True,  # on SQLite too, since the store says BEGIN itself
)
with context.begin_transaction():
    context.run_migrations()
