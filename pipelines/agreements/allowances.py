"""An allowance of the PSA's own as people and machines are shown it.

Belongs here: its words.
Does not belong here: subtracting it. The PSA does that; an allowance of the MSP's own is a unit rule.
"""

from decimal import Decimal

from pipelines.quantities import text


def shown_allowance(included: Decimal | None) -> dict[str, str] | None:
    """A line's ``psa_included`` with what it means, for JSON; None where the PSA subtracts nothing."""
    if not included:
        return None
    words = f"the PSA subtracts {text(included)} by itself when it bills; the quantity is the whole count"
    return {"quantity": text(included), "words": words}
