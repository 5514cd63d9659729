"""New found revenue is offered only where the PSA has somebody to bill, once."""

from datetime import date
from decimal import Decimal

import pytest

from pipelines.agreements.records import NO_RECORDS, Account, AgreementLine, PsaRecords, Service
from pipelines.identity import AccountId, AgreementId, AgreementLineId, ServiceId
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.targets import stopped_targets
from tests.pipelines.months import delta

UNBILLED = delta(DeltaKind.UNBILLED, line_id=None, agreement_id=None, quantity_before=None)


def records(*, account: bool = True, service: bool = True, lines: tuple[AgreementLine, ...] = ()) -> PsaRecords:
    """Acme and one service."""
    return PsaRecords(
        (Account(AccountId("250"), "Acme", account),),
        (Service(ServiceId("77"), "M365-BP", "M365 BP", service, None, None),),
        (),
        lines,
    )


ENDED = AgreementLine(
    AgreementLineId("5"),
    AgreementId("9001"),
    AccountId("250"),
    ServiceId("77"),
    Decimal(10),
    Decimal(0),
    None,
    None,
    None,
    date(2026, 11, 1),
)


@pytest.mark.parametrize(
    ("psa", "words"),
    [
        pytest.param(records(account=False), "account 250 is inactive", id="inactive account"),
        pytest.param(records(service=False), "service 77 is inactive", id="inactive service"),
        pytest.param(NO_RECORDS, "the PSA knows no account 250", id="unknown account"),
        pytest.param(records(lines=(ENDED,)), "line 5 of this service is not live today (from always", id="ended line"),
    ],
)
def test_a_service_without_anybody_to_bill_is_not_offered(psa: PsaRecords, words: str) -> None:
    ((stopped, reason),) = stopped_targets([UNBILLED], psa)
    assert stopped == UNBILLED
    assert words in reason


def test_a_service_of_an_active_account_is_offered_and_lines_are_left_alone() -> None:
    assert stopped_targets([UNBILLED], records()) == []
    assert stopped_targets([delta()], NO_RECORDS) == []
