"""Who runs a command: a name that is given and asserted, or the owner of a token.

Belongs here: from ``--by`` or ``TRUEUP_TOKEN`` to an actor; what an administrator's commands ask for.
Does not belong here: which role may do what (``pipelines.review.people``).
"""

from pipelines.review.approval import Actor
from pipelines.review.people import Role, is_a_rule, may_manage_people, token_hash
from resources.store import users
from resources.store.users import User
from resources.workspace import Workspace
from trueup.cli.printing import CommandError, Exit

TOKEN = "TRUEUP_TOKEN"  # noqa: S105  the name of a variable


def acting(opened: Workspace, by: str | None) -> Actor:
    """Who acts.

    In single-person mode that is ``--by``, recorded as asserted. With tokens it is the token's owner, and ``--by`` is
    refused: nobody speaks in another one's name.
    """
    if opened.settings.values["review.single_person"]:
        if not by or not by.strip():
            raise CommandError("say who decides: --by NAME", Exit.USAGE)
        if is_a_rule(by):
            raise CommandError(f"{by} is a name for a rule of the policy, not for a person", Exit.USAGE)
        return Actor(by.strip(), is_asserted=True)
    if by is not None:
        raise CommandError(f"leave --by out: review.single_person is false, so {TOKEN} says who decides", Exit.USAGE)
    return Actor(_owner(opened).name, is_asserted=False)


def acting_as_admin(opened: Workspace, by: str | None) -> Actor:
    """Who acts, when only an administrator may. In single-person mode everybody is one."""
    actor = acting(opened, by)
    if not actor.is_asserted and not may_manage_people(Role(_owner(opened).role)):
        raise CommandError(f"{actor.name} is a reviewer; this needs an admin's {TOKEN}")
    return actor


def _owner(opened: Workspace) -> User:
    token = opened.settings.secret(TOKEN)
    if token is None:
        raise CommandError(f"set {TOKEN}: review.single_person is false (trueup users add NAME prints a token)")
    with opened.store.reading() as conn:
        user = users.user_of_token(conn, opened.tenant.id, token_hash(token))
    if user is None:
        raise CommandError(f"the {TOKEN} is nobody's, or its owner was removed (trueup users list)")
    return user
