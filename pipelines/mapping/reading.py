"""What an account, a service, a unit and a name entry of a mapping file may say, and what each becomes.

Belongs here: the fields of the sections and the rules between them.
Does not belong here: how one field is spelled (``fields``), rules between entries (``document``).
"""

from collections.abc import Sequence
from decimal import Decimal

from pipelines.identity import AccountId, AgreementLineId, ServiceId
from pipelines.mapping.entries import AccountMapping, KeyKind, ServiceMapping, ServiceRule, Share, SkippedKey, UnitRule
from pipelines.mapping.fields import EntryFields
from pipelines.mapping.naming import RecordName
from pipelines.quantities import SCALE, text

_DATES = ("from", "until")
ACCOUNT_FIELDS = ("source", "key", "account", "split", "exclude", "skip", *_DATES)
SERVICE_FIELDS = ("source", "key", "services", "rule", "shares", "split", "percent", "exclude", "skip", *_DATES)
UNIT_FIELDS = ("line", "account", "service", "round", "block", "included", "minimum", "maximum", *_DATES)
NAME_FIELDS = ("account", "service", "code", "name")

PERCENT_PLACES = SCALE - 2
"""A percentage is divided by 100, and the factor must fit the stored scale exactly."""


def account_mapping(fields: EntryFields) -> AccountMapping | SkippedKey:
    """One entry of ``accounts``: an account, shares of several, an exclusion or a skip with its reason."""
    shares: tuple[Share, ...] = ()
    exclude = None
    match fields.one_of(("account", "split", "exclude", "skip")):
        case "account":
            shares = (Share(fields.identifier("account"), Decimal(1)),)
        case "split":
            shares = _split(fields, "account")
        case "exclude":
            exclude = fields.text("exclude")
        case "skip":
            return _skipped(fields, KeyKind.ACCOUNT)
    return AccountMapping(fields.identifier("source"), fields.text("key"), shares, exclude, fields.validity())


def service_mapping(fields: EntryFields) -> ServiceMapping | SkippedKey:
    """One entry of ``services``: services under a rule, shares of several, an exclusion or a skip with its reason."""
    services: tuple[str, ...] = ()
    rule, shares, exclude = ServiceRule.ONE, tuple[Decimal, ...](), None
    match fields.one_of(("services", "split", "exclude", "skip")):
        case "services":
            services = fields.identifiers("services")
            rule = _rule(fields, services)
            shares = _shares(fields, services, rule)
        case "split":
            rule = ServiceRule.SPLIT
            _refuse_other_rules(fields)
            parts = _split(fields, "service")
            services, shares = tuple(part.target for part in parts), tuple(part.share for part in parts)
        case "exclude":
            exclude = fields.text("exclude")
            fields.refuse(("rule", "shares", "percent"), "exclude")
        case "skip":
            fields.refuse(("rule", "shares", "percent"), "skip")
            return _skipped(fields, KeyKind.SERVICE)
    return ServiceMapping(
        source=fields.identifier("source"),
        key=fields.text("key"),
        services=tuple(ServiceId(service) for service in services),
        rule=rule,
        shares=shares,
        percent=_percent(fields),
        exclude=exclude,
        validity=fields.validity(),
    )


def unit_rule(fields: EntryFields) -> UnitRule:
    """One entry of ``units``: how used units become billed units on a line, an account's service or a service."""
    line = account = service = None
    if fields.one_of(("line", "service")) == "line":
        line = AgreementLineId(fields.identifier("line"))
        fields.refuse(("account",), "line")
    elif fields.has("service"):
        service = ServiceId(fields.identifier("service"))
        account = AccountId(fields.identifier("account")) if fields.has("account") else None
    minimum, maximum = _not_negative(fields, "minimum"), _not_negative(fields, "maximum")
    if minimum is not None and maximum is not None and maximum < minimum:
        fields.note("maximum", f"maximum {text(maximum)} is below minimum {text(minimum)}", "Mend one of them")
    included = _not_negative(fields, "included") or Decimal(0)
    return UnitRule(line, account, service, included, _block(fields), minimum, maximum, fields.validity())


def record_name(fields: EntryFields) -> RecordName:
    """One entry of ``names``: what an account, or a service with its code, is called in the PSA of the file."""
    kind = KeyKind(fields.one_of(("account", "service")) or KeyKind.SERVICE)
    if kind is KeyKind.ACCOUNT:
        fields.refuse(("code",), "account")
    code = fields.text("code") if fields.has("code") else ""
    name = fields.text("name") if fields.has("name") or not code else ""
    return RecordName(kind, fields.identifier(kind), name, code)


def _skipped(fields: EntryFields, kind: KeyKind) -> SkippedKey:
    return SkippedKey(kind, fields.identifier("source"), fields.text("key"), fields.text("skip"), fields.validity())


def _split(fields: EntryFields, target: str) -> tuple[Share, ...]:
    known_problems = len(fields.problems)
    shares = []
    for part in fields.parts("split", (target, "share")):
        share = part.number("share")
        if not part.has("share"):
            part.note("share", "share is missing", 'Write share: "0.5", or as much as it is')
        shares.append(Share(part.identifier(target), share or Decimal(0)))
    fields.distinct("split", tuple(share.target for share in shares))
    if len(fields.problems) == known_problems:
        _check_whole(fields, "split", [share.share for share in shares])
    return tuple(shares)


def _rule(fields: EntryFields, services: tuple[str, ...]) -> ServiceRule:
    if not fields.has("rule"):
        if len(services) > 1:
            fields.note("services", "several services need a rule", f"Add rule: {_RULES_OF_SEVERAL}")
        return ServiceRule.ONE
    word = fields.text("rule")
    if word not in set(ServiceRule):
        fields.note("rule", f'there is no rule "{word}"', f"Write one of {', '.join(ServiceRule)}")
        return ServiceRule.ONE
    if word == ServiceRule.ONE and len(services) > 1:
        fields.note("rule", "rule one leads to one service, and several are named", f"Write {_RULES_OF_SEVERAL}")
    return ServiceRule(word)


_RULES_OF_SEVERAL = "first_present, replicate or split"


def _shares(fields: EntryFields, services: tuple[str, ...], rule: ServiceRule) -> tuple[Decimal, ...]:
    if rule is not ServiceRule.SPLIT:
        fields.refuse(("shares",), f"rule {rule}")
        return ()
    if not fields.has("shares"):
        fields.note("shares", "rule split needs shares", 'Add shares: ["0.6", "0.4"], one for each service')
        return ()
    known_problems = len(fields.problems)
    shares = fields.numbers("shares")
    if len(fields.problems) > known_problems:
        return ()
    if len(shares) != len(services):
        count = f"{len(shares)} shares stand beside {len(services)} services"
        fields.note("shares", count, "Write one share for each service, in their order")
    _check_whole(fields, "shares", shares)
    return shares


def _check_whole(fields: EntryFields, name: str, shares: Sequence[Decimal]) -> None:
    """Shares that do not sum to exactly 1 would bill a part twice or not at all."""
    if any(share <= 0 for share in shares):
        fields.note(name, "a share is not above 0", "Leave out what gets nothing")
    elif sum(shares) != 1:
        fields.note(name, f"the shares sum to {text(sum(shares, Decimal(0)))}, not to 1", "Mend the shares")


def _refuse_other_rules(fields: EntryFields) -> None:
    if fields.has("rule") and fields.text("rule") != ServiceRule.SPLIT:
        fields.note("rule", "split and another rule exclude each other", "Leave rule out")
    fields.refuse(("shares",), "split")


def _percent(fields: EntryFields) -> Decimal:
    percent = fields.number("percent", PERCENT_PLACES)
    if percent is None:
        return Decimal(100)
    if percent <= 0:
        fields.note("percent", f"percent {text(percent)} is not above 0", "Write exclude with a reason to bill nothing")
    return percent


def _block(fields: EntryFields) -> Decimal | None:
    """The step that billed units are rounded up to. ``round: null`` written out rounds nothing, block or not."""
    block = fields.number("block")
    if block is not None and block <= 0:
        fields.note("block", f"block {text(block)} is not above 0", 'Write block: "1" for whole units')
    if fields.has("round") and fields.text("round") != "up":
        fields.note("round", "units are rounded up or not at all", "Write round: up, or round: null")
    if fields.says_null("round"):
        return None
    return Decimal(1) if block is None and fields.has("round") else block


def _not_negative(fields: EntryFields, name: str) -> Decimal | None:
    number = fields.number(name)
    if number is not None and number < 0:
        fields.note(name, f"{name} {text(number)} is below 0", "Write 0 or more, or leave it out")
    return number
