"""How the store's schema came about, step by step; run by ``Store.upgrade``.

Belongs here: Alembic's environment and one module per step under ``versions``.
Does not belong here: the present schema (``resources.store.tables``; a test compares the two).
"""
