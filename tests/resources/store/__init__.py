"""Tests of the operational store, each on SQLite and on a real PostgreSQL.

Belongs here: claims about what is kept, for whom, and what an operator reads when it is not.
Does not belong here: rules.
"""
