"""Builders of scenarios, so that a test states only what its claim is about."""

from pathlib import Path
from typing import Any

import yaml

from trueup.traps.schema import Scenario, TrapFile, read_traps

SHIPPED = Path(__file__).resolve().parents[2] / "traps.yaml"


def document(**fields: Any) -> dict[str, Any]:
    """A scenario as it stands in a file: 12 used, 10 billed."""
    plain = {
        "id": "X1",
        "title": "Plain",
        "phase": "propose",
        "why": "A floor.",
        "sources": {"main": {"kind": "subscription"}},
        "options": {"aggregation": "sum"},
        "usage": [row()],
        "psa_lines": [line()],
        "mappings": {
            "accounts": [{"source_account": "Acme", "account_id": 11, "account": "Acme"}],
            "services": [{"source_service": "M365 BP", "products": [{"id": 501, "name": "M365 BP"}], "mode": "one"}],
        },
        "expect": {"proposals": {1: 12}, "flags": [], "flags_forbidden": []},
        "reasoning": "12 used, 10 billed.",
    }
    return plain | fields


def row(**fields: Any) -> dict[str, Any]:
    """One record: Acme uses 12."""
    return {"account": "Acme", "service": "M365 BP", "quantity": "12"} | fields


def line(**fields: Any) -> dict[str, Any]:
    """One agreement line: Acme is billed 10."""
    plain = {"line": 1, "account_id": 11, "account": "Acme", "agreement": "Managed", "product_id": 501}
    return plain | {"product": "M365 BP", "quantity": 10} | fields


def file_of(*scenarios: dict[str, Any], **head: Any) -> TrapFile:
    """A file of scenarios, gone through YAML like a real one."""
    return read_traps(
        yaml.safe_dump(
            {"schema": "trueup.traps/1", "traps": list(scenarios)} | head, allow_unicode=True, sort_keys=False
        )
    )


def scenario(**fields: Any) -> Scenario:
    """One scenario, gone through YAML like a real one."""
    return file_of(document(**fields)).traps[0]
