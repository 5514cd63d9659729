"""How assets are cut: usage by month and source, everything after it by month and tenant.

Belongs here: partition definitions, their keys, how the two grains meet.
Does not belong here: which partitions are asked for (``sensors``).
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import dagster as dg

from pipelines.periods import BillingPeriod

MONTHS = dg.MonthlyPartitionsDefinition(start_date="2018-01", fmt="%Y-%m", end_offset=24)
"""Calendar months from 2018 on; some lie ahead, since a snapshot may speak before its month has begun."""

SOURCES = dg.DynamicPartitionsDefinition(name="sources")
"""``tenant:source``, added when the first file of a source arrives."""

TENANTS = dg.DynamicPartitionsDefinition(name="tenants")
"""One per workspace."""

USAGE = dg.MultiPartitionsDefinition({"month": MONTHS, "source": SOURCES})
MONTH = dg.MultiPartitionsDefinition({"month": MONTHS, "tenant": TENANTS})


def _usage_to_month() -> dg.MultiPartitionMapping:
    with warnings.catch_warnings():
        # Still beta in Dagster and used on purpose (docs/decisions/0005).
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.MultiPartitionMapping({"month": dg.DimensionPartitionMapping("month", dg.IdentityPartitionMapping())})


def _month_to_tenant() -> dg.MultiToSingleDimensionPartitionMapping:
    with warnings.catch_warnings():
        # Beta as well, for the same reason.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.MultiToSingleDimensionPartitionMapping("tenant")


MONTH_TO_TENANT = _month_to_tenant()
"""Writing is one queue per tenant, over all its months."""

USAGE_TO_MONTH = _usage_to_month()
"""A month of a tenant rests on that month of all sources."""


@dataclass(frozen=True)
class UsageKey:
    """One partition of usage."""

    period: BillingPeriod
    tenant: str
    source: str

    @property
    def source_key(self) -> str:
        """The key in the dynamic dimension ``sources``."""
        return f"{self.tenant}:{self.source}"

    @property
    def partition_key(self) -> dg.MultiPartitionKey:
        """Dagster's key."""
        return dg.MultiPartitionKey({"month": self.period.key, "source": self.source_key})


def sources_asked_for(requests: Iterable[dg.RunRequest]) -> list[str]:
    """The keys of the dynamic dimension ``sources`` that usage runs are asked for."""
    keys = (request.partition_key for request in requests)
    return sorted({key.keys_by_dimension["source"] for key in keys if isinstance(key, dg.MultiPartitionKey)})


def is_known_month(period: BillingPeriod) -> bool:
    """Whether Dagster has a partition for a month."""
    return MONTHS.has_partition_key(period.key)


def month_partition(period: BillingPeriod, tenant: str) -> dg.MultiPartitionKey:
    """Dagster's key of a tenant's month."""
    return dg.MultiPartitionKey({"month": period.key, "tenant": tenant})


def usage_key(context: dg.AssetExecutionContext) -> UsageKey:
    """The usage partition a step runs for."""
    keys = _dimensions(context)
    tenant, _, source = keys["source"].partition(":")
    return UsageKey(BillingPeriod.from_key(keys["month"]), tenant, source)


def month_key(context: dg.AssetExecutionContext) -> tuple[BillingPeriod, str]:
    """The month and tenant a step runs for."""
    keys = _dimensions(context)
    return BillingPeriod.from_key(keys["month"]), keys["tenant"]


def _dimensions(context: dg.AssetExecutionContext) -> dict[str, str]:
    key = context.partition_key
    if not isinstance(key, dg.MultiPartitionKey):
        raise TypeError(f"{key!r} is no key of a two-dimensional partition")
    return dict(key.keys_by_dimension)
