"""dbt in this process: one parsed project, any number of scratch databases, one after the other.

Belongs here: parsing once, running models and tests, releasing the database file, dbt's words into ours.
Does not belong here: what is built from (``scratch``) and what is asked afterwards (``figures``).
"""

import shutil
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.warehouse.errors import WarehouseError
from resources.warehouse.scratch import write_profile

if TYPE_CHECKING:  # dbt's imports take seconds; whoever builds nothing does not pay them
    from dbt.contracts.graph.manifest import Manifest

_QUIET = ["--quiet", "--no-print", "--log-level", "none", "--log-level-file", "none", "--no-use-colors"]
_ONE_AT_A_TIME = threading.Lock()
"""dbt keeps its flags, its adapter and its connections in module globals."""

_FAILED = {"error", "runtime error"}


@dataclass(frozen=True)
class NodeResult:
    """What became of one dbt node.

    ``status`` is ``success``, ``error`` or ``skipped`` for a model, and ``pass``, ``warn``, ``fail`` or ``error`` for a
    test.
    ``rows`` counts a table's rows or a test's failing ones; it is None for a view, which nobody counts.
    """

    unique_id: str
    status: str
    message: str | None
    rows: int | None
    seconds: float


def run_dbt(project_dir: Path, scratch: Path, arguments: Sequence[str]) -> list[NodeResult]:
    """Run one dbt command over a scratch folder and release its database.

    A red test is an answer. Raises ``WarehouseError`` with the model's name and DuckDB's words when a model fails.
    """
    write_profile(scratch)
    with _ONE_AT_A_TIME:
        # the manifest is not written again: with tests beside the models that alone costs 0.4 s a build
        result = _invoke(project_dir, scratch, ["--no-write-json", *arguments], parsed(project_dir))
    if result.exception is not None:
        raise WarehouseError(f"dbt {arguments[0]} could not run: {result.exception}") from result.exception
    nodes = [_node(answer) for answer in result.result.results]
    for node in nodes:
        if node.status == "error" and node.unique_id.startswith("model."):
            raise WarehouseError(f"the model {node.unique_id.split('.')[-1]} failed: {node.message}")
    return nodes


@cache
def parsed(project_dir: Path) -> "Manifest":
    """The project, parsed once per process; read from ``target`` when that is fresh.

    Raises ``WarehouseError`` with dbt's words when the project is wrong.
    """
    from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415
    from dbt.version import installed  # noqa: PLC0415

    kept = project_dir / "target" / "partial_parse.msgpack"
    if is_fresh(project_dir, kept):
        manifest = Manifest.from_msgpack(kept.read_bytes())
        if manifest.metadata.dbt_version == installed.to_version_string(skip_matcher=True):
            return manifest
    return parse(project_dir)


def parse(project_dir: Path) -> "Manifest":
    """Parse the project anew and keep the result in its ``target`` folder, where other processes find it whole."""
    target = project_dir / "target"
    target.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".parsing-", dir=target))
    try:
        write_profile(scratch)
        result = _invoke(project_dir, scratch, ["parse", "--no-partial-parse"], None)
        if not result.success:
            raise WarehouseError(f"the dbt project in {project_dir} cannot be parsed: {result.exception}")
        for name in ("partial_parse.msgpack", "manifest.json"):
            (scratch / "target" / name).replace(target / name)
    finally:
        shutil.rmtree(scratch)
    manifest: Manifest = result.result
    return manifest


def is_fresh(project_dir: Path, kept: Path) -> bool:
    """Whether a file made from the project is there and no file or folder of the project is newer."""
    if not kept.is_file():
        return False
    made_at = kept.stat().st_mtime_ns
    parts = [project_dir / "dbt_project.yml"]
    for folder in ("models", "macros", "tests"):
        parts += [project_dir / folder, *(project_dir / folder).rglob("*")]
    return all(part.stat().st_mtime_ns < made_at for part in parts)


def _invoke(project_dir: Path, scratch: Path, arguments: Sequence[str], manifest: "Manifest | None") -> Any:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    folders = ["--project-dir", str(project_dir), "--profiles-dir", str(scratch)]
    folders += ["--target-path", str(scratch / "target"), "--log-path", str(scratch / "logs")]
    try:
        return dbtRunner(manifest=manifest).invoke([*_QUIET, *arguments, *folders])
    finally:
        # dbt-duckdb keeps its connection for the next command; the file must be free for whoever reads it.
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def _node(answer: Any) -> NodeResult:
    status = str(answer.status)
    return NodeResult(
        unique_id=answer.node.unique_id,
        status="error" if status in _FAILED else status,
        message=answer.message,
        rows=answer.failures,
        seconds=float(answer.execution_time),
    )
