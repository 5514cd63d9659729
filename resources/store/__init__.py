"""The operational store: what arrived, what was decided, what is proposed.

Belongs here: tables, named queries, migrations for SQLite and PostgreSQL.
Does not belong here: usage rows (the lake) and rules (``pipelines``).
"""
