"""The synthetic episodes that every program fits: a linear outcome for linear models, remission for logistic ones.

    python -m benchmarks.models.workload FILE linear|phq9 EPISODES CLINICS

Run as a process of its own: what starts the fits has to stay small.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from benchmarks.models.contest import Model

SEED = 7
Outcome = Literal["linear", "phq9"]
# What fits read, for programs that cannot read Parquet.
COLUMNS = ("clinic", "clinician", "age", "sex", "phq9_base", "comorbidity", "deprivation_quintile", "insurance")


def outcome_for(model: Model) -> Outcome:
    """Which file a model is fitted to."""
    return "phq9" if model == "logistic" else "linear"


def write(path: Path, outcome: Outcome, episodes: int, clinics: int) -> None:
    """Write the episodes of one size as Parquet, block by block."""
    from benchwell.synthetic import World, write_parquet

    write_parquet(path, World(clinics=clinics, episodes=episodes, clinician_sd=1.0, outcome=outcome, seed=SEED))


def write_csv(parquet: Path, path: Path) -> None:
    """The columns of a Parquet file that fits read as CSV, yes/no as 1/0: for an R without arrow, before the clock."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(parquet)
    wanted = [*COLUMNS, "change", "remission"]
    schema = None
    with path.open("wb") as opened:
        for batch in file.iter_batches(columns=wanted):
            plain = pa.table(batch.columns, names=batch.schema.names)
            for name in ("comorbidity", "remission"):
                plain = plain.set_column(plain.column_names.index(name), name, plain[name].cast(pa.int8()))
            for place, field in enumerate(plain.schema):
                if pa.types.is_dictionary(field.type):
                    plain = plain.set_column(place, field.name, plain[field.name].cast(pa.string()))
            options = pyarrow.csv.WriteOptions(include_header=schema is None)
            schema = plain.schema
            pyarrow.csv.write_csv(plain, opened, options)


def main(arguments: list[str]) -> None:
    if arguments[0].endswith(".csv"):
        write_csv(Path(arguments[1]), Path(arguments[0]))
        return
    path, outcome, episodes, clinics = arguments
    write(Path(path), "linear" if outcome == "linear" else "phq9", int(episodes), int(clinics))


if __name__ == "__main__":
    main(sys.argv[1:])
