"""The valid rows of a reading as Arrow, and what the lake keeps beside each of them.

Belongs here: stamping rows with their revision, in the lake's columns.
Does not belong here: reading files (``reading``), writing to the lake (``lake``).
"""

from dataclasses import dataclass

import pyarrow as pa

from pipelines.intake.compile import TYPED
from pipelines.intake.profile import ImportProfile
from pipelines.intake.readings import RevisionStamp
from pipelines.mapping.keys import match_key
from resources.warehouse.lake import USAGE_SCHEMA


@dataclass(frozen=True)
class TypedRows:
    """Valid rows as an Arrow table of the columns ``row``, ``period`` and those of ``compile.TYPED``."""

    table: pa.Table
    profile: ImportProfile

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return int(self.table.num_rows)

    def stamped(self, stamp: RevisionStamp) -> pa.Table:
        """The rows with everything the lake keeps beside them, in the lake's order of columns."""
        profile, drop = stamp.profile, stamp.drop
        own = {
            "tenant": stamp.tenant,
            "source": drop.source,
            "profile": drop.profile,
            "profile_version": profile.version,
            "basis": str(profile.basis),
            "period": drop.period,
            "part": drop.part,
            "drop_id": drop.id_for(stamp.tenant),
            "revision_id": stamp.revision_id,
            "file_id": stamp.file_id,
            "file_name": storable(stamp.file_name),
            "sha256": stamp.sha256,
            "method": str(profile.method),
        }
        count = self.num_rows
        columns = {name: _repeated(value, count) for name, value in own.items()}
        columns |= {name: self.table[name] for name in ("row", *TYPED)}
        columns["sheet"] = pa.nulls(count, pa.string())
        columns["key_by_term"] = pa.repeat(pa.scalar("term" in profile.aggregate.by), count)
        for name, key in (("match_account", "account_key"), ("match_service", "service_key")):
            columns[name] = _normal_keys(self.table[key])
        return pa.table({name: columns[name] for name in USAGE_SCHEMA.names})


def _repeated(value: str, count: int) -> pa.DictionaryArray:
    """One text for every row, kept once."""
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), count), pa.array([value], pa.string()))


def _normal_keys(keys: pa.ChunkedArray) -> pa.ChunkedArray:
    """The form in which keys compare, worked out once for each different key."""
    encoded = keys.combine_chunks().dictionary_encode()
    normal = pa.array([match_key(key) for key in encoded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([normal.take(encoded.indices)], pa.string())


def storable(text_: str) -> str:
    """Text that can be kept as UTF-8; half a surrogate pair, as in a broken file name, becomes a question mark."""
    return text_.encode("utf-8", "replace").decode()


def empty_rows() -> pa.Table:
    """No rows, with the columns of ``TypedRows``."""
    fields = [USAGE_SCHEMA.field(name) for name in ("row", "period", *TYPED)]
    return pa.schema(fields).empty_table()
