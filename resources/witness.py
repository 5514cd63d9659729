"""The witness: how far the audit trail had come, in a small file beside the store.

Belongs here: reading and replacing that file so that no crash leaves half of it.
Does not belong here: what a store behind its witness means (``pipelines.writeback.restored``).
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.audit import ChainPoint
from pipelines.writeback.ports import WitnessUnreadable
from resources.durable import sync


class WitnessFile:
    """The witness of one tenant: one line of JSON, in the shape of an anchor of the trail."""

    def __init__(self, folder: Path, tenant: str) -> None:
        self._folder = folder
        self._tenant = tenant
        self._file = folder / f"{tenant}.json"

    def seen(self) -> ChainPoint | None:
        """The furthest point that was kept; None when none ever was."""
        try:
            document = json.loads(self._file.read_text(encoding="utf-8"))
            if document["tenant"] != self._tenant:
                raise ValueError(f"it is about {document['tenant']}")
            return ChainPoint(int(document["sequence"]), str(document["hash"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WitnessUnreadable(f"{self._file} cannot be read ({error})") from error

    def keep(self, point: ChainPoint) -> None:
        """Keep a point for good before this returns; one that lies before the kept one changes nothing.

        A run that was frozen and overtaken may still come with an old one.
        """
        with self._alone():
            kept = self.seen()
            if kept is None or kept.sequence < point.sequence:
                self._replace(point)

    def begin_anew(self, point: ChainPoint) -> None:
        """Keep a point in the place of whatever was kept: a person looked at the store that it belongs to."""
        with self._alone():
            self._replace(point)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{self._tenant}.lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield

    def _replace(self, point: ChainPoint) -> None:
        document = {"tenant": self._tenant, "sequence": point.sequence, "hash": point.entry_hash}
        fresh = self._folder / f"{self._tenant}.new"
        with fresh.open("w", encoding="utf-8") as stream:
            stream.write(json.dumps(document) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, self._file)
        sync(self._folder)
