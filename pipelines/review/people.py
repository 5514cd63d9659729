"""People who may decide: their roles, their tokens.

Belongs here: which role may do what; a token's hash, the only trace of it that is kept.
Does not belong here: storing people, making tokens (randomness is passed in).
"""

import hashlib
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do. Stored; never rename one."""

    REVIEWER = "reviewer"
    ADMIN = "admin"


def may_manage_people(role: Role) -> bool:
    """Whether somebody may add and remove people, and let a stopped write-back go on."""
    return role is Role.ADMIN


RULE = "policy:"
"""What the name of an approver begins with that is a rule of the policy and no person."""


def rule_name(name: str) -> str:
    """Who approves where a rule does."""
    return f"{RULE}{name}"


def is_a_rule(name: str) -> bool:
    """Whether an approver is a rule. No person may be called so."""
    return name.strip().casefold().startswith(RULE)


def same_person(one: str, other: str) -> bool:
    """Whether two names are those of one person: large and small letters make no second one."""
    return one.strip().casefold() == other.strip().casefold()


def token_of(randomness: str) -> str:
    """A token that is recognised at sight, also by those who search logs for leaked ones."""
    return f"trueup_{randomness}"


def token_hash(token: str) -> str:
    """What is kept of a token. It holds 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()
