"""A sandbox PSA in a process of its own, so that its time and memory are not counted as ours.

Belongs here: starting it from a seed, its address, its end.
Does not belong here: what is asked of it.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


@contextmanager
def served(seed: Path, kind: str = "connectwise") -> Iterator[str]:
    """The address of a sandbox of that kind with that seed."""
    trueup = Path(sys.executable).parent / "trueup"
    command = [str(trueup), "sandbox", "psa", "--kind", kind, "--seed", str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            ready = server.stdout.readline() if server.stdout else ""
            yield ready.removeprefix("ready").strip()
        finally:
            server.terminate()
