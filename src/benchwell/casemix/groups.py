"""The groups of a fit: who they are, and what was predicted for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.casemix.arrow_arrays import as_numpy, whole_numbers
from benchwell.engine.opening import FrameKind
from benchwell.errors import ModelError
from benchwell.models.arrays import FloatArray, IntArray

RESULTS = ("level", "effect", "sd", "slope", "slope_sd", "n", "reliability")


@dataclass(frozen=True, eq=False)
class Groups:
    """Every group of one grouping column, in the order of its keys.

    Attributes:
        keys: One row per group: its value in this column, after those of the outer ones.
        n: Rows per group, shape (g,).
        effect: Predicted intercepts, shape (g,), units of the outcome (log odds if logistic).
        sd: Their SDs given the estimates, shape (g,).
        reliability: Share of signal, 0 to 1, shape (g,).
        slope: Predicted slopes; None without a random slope.
        slope_sd: Their SDs given the estimates.
    """

    keys: pa.Table
    n: IntArray
    effect: FloatArray
    sd: FloatArray
    reliability: FloatArray
    slope: FloatArray | None = None
    slope_sd: FloatArray | None = None

    def __post_init__(self) -> None:
        """Refuse grouping columns that the frame of effects could not hold."""
        clash = set(self.keys.column_names) & set(RESULTS)
        if clash:
            raise ModelError(
                f"A grouping column may not be called {', '.join(sorted(clash))}, as the effects' own columns are.",
                hint="rename it before fitting",
            )

    @property
    def name(self) -> str:
        """The grouping column."""
        return str(self.keys.column_names[-1])

    def levels(self) -> list[Any]:
        """The value of each group; for an inner one `inner:outer`, as lme4 names it."""
        columns = [self.keys[name].to_pylist() for name in reversed(self.keys.column_names)]
        return columns[0] if len(columns) == 1 else [":".join(map(str, row)) for row in zip(*columns, strict=True)]

    def table(self) -> pa.Table:
        """One row per group: keys, level, effect, sd, n, reliability, and with a slope that and its sd."""
        columns = {name: self.keys[name] for name in self.keys.column_names}
        columns |= {"level": self.levels(), "effect": self.effect, "sd": self.sd}
        if self.slope is not None and self.slope_sd is not None:
            columns |= {"slope": self.slope, "slope_sd": self.slope_sd}
        return pa.table(columns | {"n": self.n, "reliability": self.reliability})

    def places(self, rows: pa.Table) -> IntArray:
        """Which group each row of a table belongs to, shape (n,); -1 for none that is known."""
        names = self.keys.column_names
        numbered = self.keys.append_column("place", whole_numbers(np.arange(len(self.n))))
        try:
            wanted = rows.select(names).cast(self.keys.schema)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            # Values that cannot become such keys are groups that nobody knows.
            return np.full(rows.num_rows, -1, dtype=np.int64)
        wanted = wanted.append_column("row", whole_numbers(np.arange(rows.num_rows)))
        found = wanted.join(numbered, keys=names).sort_by("row")
        return np.asarray(as_numpy(pc.fill_null(found["place"], -1)))

    def to_dict(self) -> dict[str, Any]:
        """As plain values, ready for JSON."""
        keys = {
            name: {
                "type": str(column.type),
                "values": (column if _plain(column.type) else column.cast(pa.string())).to_pylist(),
            }
            for name, column in zip(self.keys.column_names, self.keys.columns, strict=True)
        }
        arrays = {name: getattr(self, name) for name in ("n", "effect", "sd", "reliability", "slope", "slope_sd")}
        return {"keys": keys} | {name: None if array is None else array.tolist() for name, array in arrays.items()}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Groups:
        """Back from `to_dict`."""
        keys = {}
        for name, column in value["keys"].items():
            kind = pa.type_for_alias(column["type"])
            values = pa.array(column["values"], kind if _plain(kind) else pa.string())
            keys[name] = values.cast(kind)
        arrays = {
            name: None if value[name] is None else np.array(value[name], dtype=np.float64)
            for name in ("effect", "sd", "reliability", "slope", "slope_sd")
        }
        return cls(keys=pa.table(keys), n=np.array(value["n"], dtype=np.int64), **arrays)  # type: ignore[arg-type]


def plain_keys(keys: pa.Table) -> pa.Table:
    """Keys whose types can be kept in a file and read back."""
    for place, field in enumerate(keys.schema):
        kind = field.type
        if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_decimal(kind):
            keys = keys.set_column(place, field.name, keys.column(place).cast(pa.string()))
    return keys


def same_kind(table: pa.Table, kind: FrameKind) -> Any:
    """An Arrow table as the kind of frame that its owner works with."""
    if kind == "pandas":
        return table.to_pandas()
    if kind == "polars":
        import polars

        return polars.from_arrow(table)
    return table


def _plain(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_floating(kind)
    )
