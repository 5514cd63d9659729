"""How the store's schema came about, step by step; run by ``Store.upgrade``.

Belongs here: Alembic's environment and one module per step under ``versions``.
Does not belong here: the present schema (``resources.store.tables``; a test compares the two).
"""

NEWEST = "0005"
"""The last step's revision. A store that bears it needs no upgrade, which is known without loading Alembic."""
