"""``trueup sandbox``: PSA servers on loopback to try TrueUp with.

Belongs here: the command.
Does not belong here: the servers (``trueup.sandbox``).
"""

from pathlib import Path
from typing import Annotated

import typer

from trueup.cli.printing import CommandError, Exit

app = typer.Typer(help="Servers on loopback that speak the vendors' protocols.", no_args_is_help=True)


@app.callback()
def sandbox() -> None:
    """Servers on loopback that speak the vendors' protocols."""


@app.command("psa")
def psa(
    seed: Annotated[Path, typer.Option(help="Accounts, services, agreements and lines (YAML or JSON).")],
    kind: Annotated[str, typer.Option(help="connectwise, autotask, halopsa or syncro")] = "connectwise",
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    state: Annotated[Path | None, typer.Option(help="Keep the state in this file.")] = None,
    faults: Annotated[Path | None, typer.Option(help="Faults to inject (YAML or JSON).")] = None,
) -> None:
    """Serve a PSA from a seed file until interrupted; prints `ready URL` when it serves.

    Example: trueup sandbox psa --kind connectwise --seed seed.yaml --port 8800
    """
    from trueup.sandbox.psa.server import SeedError, serve  # noqa: PLC0415  a server's imports, paid by this command

    try:
        serve(kind, seed, port, state, faults)
    except SeedError as error:
        raise CommandError(str(error), Exit.REFUSED) from error
