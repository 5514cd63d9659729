"""The PSA's own allowances on the lines of a month, for the commands that show changes.

Belongs here: which PSA copy they are read from.
Does not belong here: their words (``pipelines.agreements.allowances``).
"""

from collections.abc import Mapping
from decimal import Decimal

from resources.store import copies, periods, reconciliations
from resources.workspace import Workspace


def psa_allowances(opened: Workspace, period: str) -> Mapping[str, Decimal]:
    """What the PSA subtracts by itself, by line id, in the copy that the month was last reconciled with.

    Lines of which it subtracts nothing are left out. A closed month is seen as it was frozen.
    """
    tenant = opened.tenant.id
    with opened.store.reading() as conn:
        last = reconciliations.latest_reconciliation(conn, tenant, period)
        frozen = periods.frozen_at(conn, tenant, period)
        known = [instant for instant in (last.at if last else None, frozen) if instant is not None]
        copy = copies.newest_complete_copy(conn, tenant, as_of=min(known)) if known else None
    return opened.lake.read_allowances(copy.lake_path) if copy and copy.lake_path else {}
