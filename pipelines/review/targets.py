"""May a service that is used and stands on no live line be proposed to somebody at all?

Belongs here: what the PSA says about the target of new found revenue.
Does not belong here: comparing quantities (``dbt_project``).
"""

from collections.abc import Iterable, Mapping

from pipelines.agreements.records import Account, AgreementLine, PsaRecords, Service
from pipelines.reconciliation.deltas import Delta, DeltaKind, DeltaOutcome


def stopped_targets(deltas: Iterable[Delta], psa: PsaRecords) -> list[tuple[Delta, str]]:
    """The unbilled deltas that must not be proposed, each with the reason in an operator's words.

    An account or service that is inactive or unknown is nobody to bill. A line for the same service that ended or has
    not begun would be billed twice beside a new one: a person must look at it.
    """
    accounts = {str(account.id): account for account in psa.accounts}
    services = {str(service.id): service for service in psa.services}
    lines = {(str(line.account_id), str(line.service_id)): line for line in psa.lines}
    unbilled = [d for d in deltas if d.kind is DeltaKind.UNBILLED and d.outcome is DeltaOutcome.PROPOSED]
    reasons = [(delta, _reason(delta, accounts, services, lines)) for delta in unbilled]
    return [(delta, reason) for delta, reason in reasons if reason is not None]


def _reason(
    delta: Delta,
    accounts: Mapping[str, Account],
    services: Mapping[str, Service],
    lines: Mapping[tuple[str, str], AgreementLine],
) -> str | None:
    for thing, key, known in (("account", delta.account_id, accounts), ("service", delta.service_id, services)):
        target = known.get(key)
        if target is None:
            return f"it is used, but the PSA knows no {thing} {key}"
        if not target.is_active:
            return f"it is used, but the {thing} {key} is inactive in the PSA"
    line = lines.get((delta.account_id, delta.service_id))
    if line is not None:
        return f"it is used, and line {line.id} of this service is not live today ({_dates(line)}): mend that line"
    return None


def _dates(line: AgreementLine) -> str:
    return f"from {line.start_date or 'always'} until {line.end_date or 'for ever'}"
