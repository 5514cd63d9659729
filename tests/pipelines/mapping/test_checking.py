"""Ids that the PSA does not know are refused with the ones that may have been meant."""

from datetime import date
from decimal import Decimal

from pipelines.agreements.records import Account, AgreementLine, Service
from pipelines.identity import AccountId, AgreementId, AgreementLineId, ServiceId
from pipelines.mapping.checking import PsaCheck, check_against_psa
from pipelines.mapping.document import read_mappings

ACCOUNTS = [
    Account(AccountId("250"), "Acme Corp", True),
    Account(AccountId("251"), "Bolt Ltd", True),
    Account(AccountId("900"), "Gone Inc", False),
]
SERVICES = [
    Service(ServiceId("77"), "M365-BP", "M365 Business Premium", True, None, None),
    Service(ServiceId("78"), "OLD", "Old backup", False, None, None),
]
LINES = [
    AgreementLine(
        AgreementLineId("1"),
        AgreementId("9001"),
        AccountId("250"),
        ServiceId("77"),
        Decimal(10),
        Decimal(0),
        None,
        None,
        None,
        None,
    )
]


def check(text: str, today: date | None = None) -> PsaCheck:
    """What the PSA says about a mapping file."""
    return check_against_psa(read_mappings(text), ACCOUNTS, SERVICES, LINES, today=today)


def refused(text: str) -> list[str]:
    """The refusals, as an operator reads them."""
    return [str(problem) for problem in check(text).refused]


def test_known_and_active_ids_pass() -> None:
    text = """
accounts:
  - {source: P, key: a, split: [{account: 250, share: "0.5"}, {account: 251, share: "0.5"}]}
  - {source: P, key: b, exclude: ours}
  - {source: P, key: c, skip: later}
services: [{source: P, key: s, services: [77]}, {source: P, key: t, skip: later}]
units: [{line: 1}, {service: 77}, {service: 77, account: 250}]
"""
    assert check(text) == PsaCheck((), ())


def test_a_name_where_the_id_belongs_is_answered_with_the_id() -> None:
    assert refused('accounts: [{source: P, key: a, account: "acme corp"}]') == [
        'accounts, entry 1, field account: the PSA has no account with the id "acme corp". Near it: 250 (Acme Corp).'
    ]


def test_a_mistyped_id_is_answered_with_ids_spelled_alike() -> None:
    (problem,) = refused('accounts: [{source: P, key: a, account: "2501"}]')
    assert problem.endswith("Near it: 251 (Bolt Ltd), 250 (Acme Corp).")


def test_ids_without_a_likeness_say_where_to_look() -> None:
    text = 'services: [{source: P, key: a, services: ["zzz"]}]\nunits: [{line: "2"}, {service: "77", account: "q"}]'
    assert [problem.partition(": ")[2] for problem in refused(text)] == [
        'the PSA has no service with the id "zzz". Look up the service\'s id in the PSA.',
        'the PSA has no line with the id "2". Look up the line\'s id in the PSA.',
        'the PSA has no account with the id "q". Look up the account\'s id in the PSA.',
    ]


def test_an_account_id_is_no_service_id() -> None:
    assert len(refused('services: [{source: P, key: a, services: ["250"]}]')) == 1


def test_an_inactive_target_is_a_warning() -> None:
    found = check("accounts: [{source: P, key: a, account: 900}]\nservices: [{source: P, key: s, services: [78]}]")
    assert found.refused == ()
    assert [str(problem) for problem in found.warnings] == [
        "accounts, entry 1, field account: the account 900 (Gone Inc) is inactive in the PSA. "
        "Map the key to an active one, or exclude it with a reason.",
        "services, entry 1, field service: the service 78 (Old backup) is inactive in the PSA. "
        "Map the key to an active one, or exclude it with a reason.",
    ]


def test_what_has_ended_may_lead_to_what_is_gone() -> None:
    text = "accounts: [{source: P, key: a, account: 1, until: 2026-05-01}, {source: P, key: b, account: 1}]"
    assert len(check(text).refused) == 2
    assert [problem.entry for problem in check(text, today=date(2026, 5, 1)).refused] == [2]


def test_only_the_first_of_very_many_unknown_ids_get_hints() -> None:
    entries = "".join(f'  - {{source: P, key: k{number}, account: "25"}}\n' for number in range(60))
    problems = refused("accounts:\n" + entries)
    assert len(problems) == 60
    assert sum("Near it" in problem for problem in problems) == 50
