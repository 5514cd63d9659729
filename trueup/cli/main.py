"""The command line's front door: all commands, and errors told in words instead of tracebacks.

Belongs here: which commands there are; which error ends in which exit code.
Does not belong here: any command's work.
"""

import logging
import sys
import traceback

import typer

from pipelines.agreements.copy import PsaUnavailable
from pipelines.intake.by_hand import HandedInError
from pipelines.intake.profile import ProfileError
from pipelines.mapping.document import MappingError
from pipelines.policies.document import PolicyError
from pipelines.review.closing import CannotCloseError
from resources.settings import SettingsError, environment
from resources.store.errors import StoreError
from trueup.cli import audit, inbox, mappings, period, policies, profiles, review, rows, sandbox, users, writeback
from trueup.cli.apply import apply, plan
from trueup.cli.deciding import approve, decline, revoke
from trueup.cli.demo import demo
from trueup.cli.dev import dev
from trueup.cli.explaining import explain
from trueup.cli.exporting import export_changes
from trueup.cli.intake import intake
from trueup.cli.printing import CommandError, Exit, note, print_json
from trueup.cli.rollback import rollback
from trueup.cli.room import NO_ROOM, is_out_of_room
from trueup.cli.run import run
from trueup.cli.workspace import config, init

app = typer.Typer(
    name="trueup",
    help="Reconciles distributors' usage files with what a PSA bills, and writes only what was approved.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("init")(init)
app.add_typer(config, name="config")
app.add_typer(profiles.app, name="profiles")
app.command("intake")(intake)
app.add_typer(inbox.app, name="inbox")
app.add_typer(rows.app, name="rows")
app.add_typer(mappings.app, name="mappings")
app.add_typer(policies.app, name="policies")
app.command("run")(run)
app.add_typer(period.app, name="period")
app.command("findings")(review.list_findings)
review.app.command("export")(export_changes)
app.add_typer(review.app, name="changes")
app.command("explain")(explain)
app.command("plan")(plan)
app.command("approve")(approve)
app.command("decline")(decline)
app.command("revoke")(revoke)
app.command("apply")(apply)
app.command("rollback")(rollback)
app.add_typer(writeback.app, name="writeback")
app.add_typer(audit.app, name="audit")
app.add_typer(users.app, name="users")
app.add_typer(sandbox.app, name="sandbox")
app.command("demo")(demo)
app.command("dev")(dev)

_CODES: tuple[tuple[type[Exception], Exit], ...] = (
    (HandedInError, Exit.USAGE),
    (ProfileError, Exit.REFUSED),
    (MappingError, Exit.REFUSED),
    (PolicyError, Exit.REFUSED),
    (CannotCloseError, Exit.NOT_RECONCILED),
    (SettingsError, Exit.FAULT),
    (StoreError, Exit.FAULT),
    (PsaUnavailable, Exit.FAULT),
)
"""Errors that say in their own words what is wrong, and the exit code each ends in."""


def main() -> None:
    """Run a command and exit with its code; every failure is one message, on stderr and, with --json, on stdout."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """The exit code of a command line, everything printed."""
    try:
        app(args=arguments)
    except SystemExit as ended:
        if ended.code == int(Exit.USAGE) and "--json" in arguments:
            print_json({"error": "the command line was not understood; stderr says why", "exit_code": ended.code})
        return ended.code if isinstance(ended.code, int) else int(Exit.DONE)
    except Exception as error:
        # The last resort as well: a fault is told in a sentence, never thrown at a user as a traceback.
        return _told(*_in_words(error), arguments)
    return int(Exit.DONE)


def _in_words(error: Exception) -> tuple[str, Exit]:
    if isinstance(error, CommandError):
        return str(error), error.code
    for kind, code in _CODES:
        if isinstance(error, kind):
            return str(error) or kind.__name__, code
    return _fault(error), Exit.FAULT


def _told(message: str, code: Exit, arguments: list[str]) -> int:
    if "--json" in arguments:
        print_json({"error": message, "exit_code": int(code)})
    note(f"trueup: {message}")
    return int(code)


def _fault(error: Exception) -> str:
    if environment().get("TRUEUP_DEBUG"):
        traceback.print_exc()
    cause = f"{NO_ROOM} " if is_out_of_room(error) else ""
    return f"{cause}{type(error).__name__}: {error} (set TRUEUP_DEBUG=1 to see where)"
