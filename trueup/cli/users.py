"""``trueup users``: the people who may decide, and their tokens.

Belongs here: adding, listing, removing people; giving out tokens, each shown once.
Does not belong here: what a role may do (``pipelines.review.people``).
"""

import secrets
from typing import Annotated

import typer
from sqlalchemy import Connection

from pipelines.audit import AuditAction, AuditEvent
from pipelines.review.approval import Actor
from pipelines.review.people import Role, is_a_rule, token_hash, token_of
from resources.store import audit, users
from resources.workspace import Workspace
from trueup.cli.acting import acting_as_admin
from trueup.cli.options import ByOption, JsonOption, WorkspaceOption, open_workspace
from trueup.cli.printing import CommandError, Exit, print_json, print_lines, print_table

app = typer.Typer(help="People who may decide, and their tokens.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="The person's name, as it stands in the trail.")]
_SHOWN_ONCE = "It is shown once and kept nowhere; hand it over safely."


@app.command("add")
def add(
    name: NameArgument,
    role: Annotated[
        Role | None, typer.Option(help="reviewer, or admin, who may also manage people. The first person is an admin.")
    ] = None,
    by: ByOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a person and print their token.

    Example: trueup users add dana --role reviewer --by erin
    """
    token = token_of(secrets.token_urlsafe(32))
    with open_workspace(workspace) as opened, opened.store.reading() as conn:
        known = users.all_users(conn, opened.tenant.id)
        actor = Actor(by or name, is_asserted=True) if not _present(known) else acting_as_admin(opened, by)
    if not name.strip() or name.strip() in {user.name for user in known}:
        raise CommandError(f"{name!r} is empty, or is or was a user already; choose another name", Exit.USAGE)
    if is_a_rule(name):
        raise CommandError(f"{name} is a name for a rule of the policy, not for a person", Exit.USAGE)
    chosen = role or (Role.REVIEWER if _present(known) else Role.ADMIN)
    with open_workspace(workspace) as opened, opened.store.transaction() as conn:
        users.add_user(conn, opened.tenant.id, name.strip(), chosen, token_hash(token), opened.clock())
        _record(conn, opened, AuditAction.USER_ADDED, name.strip(), actor, role=str(chosen))
    _show_token(name.strip(), chosen, token, as_json)


def _present(known: list[users.User]) -> list[users.User]:
    return [user for user in known if user.removed_at is None]


def _record(conn: Connection, opened: Workspace, action: AuditAction, name: str, actor: Actor, **details: str) -> None:
    event = AuditEvent(action, name, actor.name, actor.is_asserted, opened.clock(), details)
    audit.record_event(conn, opened.tenant.id, event)


def _show_token(name: str, role: str, token: str, as_json: bool) -> None:
    if as_json:
        print_json({"name": name, "role": str(role), "token": token})
    else:
        print_lines([f"{name} ({role}): TRUEUP_TOKEN={token}", _SHOWN_ONCE])


@app.command("list")
def list_users(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Everybody who may decide or once could; never a token.

    Example: trueup users list
    """
    with open_workspace(workspace) as opened, opened.store.reading() as conn:
        known = users.all_users(conn, opened.tenant.id)
    rows = [
        {
            "name": user.name,
            "role": user.role,
            "added_at": user.added_at.isoformat(),
            "token_issued_at": user.token_issued_at.isoformat(),
            "removed_at": None if user.removed_at is None else user.removed_at.isoformat(),
        }
        for user in known
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(["name", "role", "added", "token issued", "removed"], [tuple(row.values()) for row in rows])


@app.command("token")
def token_command(
    name: NameArgument, by: ByOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Print a new token for somebody; the old one is worth nothing from now on.

    Example: trueup users token dana --by erin
    """
    token = token_of(secrets.token_urlsafe(32))
    with open_workspace(workspace) as opened:
        actor = acting_as_admin(opened, by)
        user = _known(opened, name)
        with opened.store.transaction() as conn:
            users.issue_token(conn, opened.tenant.id, name, token_hash(token), opened.clock())
            _record(conn, opened, AuditAction.TOKEN_ISSUED, name, actor)
    _show_token(name, user.role, token, as_json)


@app.command("remove")
def remove(
    name: NameArgument, by: ByOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Take a person's rights away. What they decided stands, and their name is never given out again.

    Example: trueup users remove dana --by erin
    """
    with open_workspace(workspace) as opened:
        actor = acting_as_admin(opened, by)
        _known(opened, name)
        with opened.store.transaction() as conn:
            users.remove_user(conn, opened.tenant.id, name, opened.clock())
            _record(conn, opened, AuditAction.USER_REMOVED, name, actor)
    if as_json:
        print_json({"removed": name})
    else:
        print(f"{name} may decide nothing any more.")


def _known(opened: Workspace, name: str) -> users.User:
    with opened.store.reading() as conn:
        present = {user.name: user for user in _present(users.all_users(conn, opened.tenant.id))}
    if name not in present:
        raise CommandError(f"there is no user {name!r} (trueup users list)", Exit.USAGE)
    return present[name]
