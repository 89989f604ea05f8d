"""The tables of an edition that may leave: what each holds, and each as a file. Rows of people are in none of them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from benchwell.benchmarks import Edition
from benchwell.benchmarks.edition import OPTIONAL_TABLES, PUBLIC_TABLES
from benchwell.i18n import N_, _
from benchwell.pipeline.live.editions import edition_of
from benchwell.pipeline.live.use_policy import check_columns, check_strata
from benchwell.publish.spreadsheet import words_of_table

if TYPE_CHECKING:
    from benchwell.pipeline.live.service import LiveService

FORMATS: Final = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}
TABLES: Final = (*PUBLIC_TABLES, *OPTIONAL_TABLES)
# What each table is called and holds, the results first: whoever opens an edition looks for those.
HOLDS: Final[Mapping[str, tuple[str, str]]] = {
    "organization_results": (
        N_("Figures of organizations"),
        N_("Each figure, as counted, with its people and limits."),
    ),
    "adjusted_results": (N_("Figures under each adjustment"), N_("The same, adjusted for whom one treats.")),
    "benchmarks": (N_("Benchmarks"), N_("What figures are compared with, each with its record.")),
    "exclusions": (
        N_("Who is not counted, and why"),
        N_("For each measure the way from all courses to those analysed."),
    ),
    "organizations": (N_("Organizations"), N_("The organizations behind the figures, and their groups.")),
    "statistics": (N_("Frozen sums"), N_("Sums of people, from which every figure is computed again.")),
    "adjusted_sums": (N_("What the models expect"), N_("What a case-mix model expects of each organization.")),
    "coefficients": (N_("Coefficients"), N_("How much each variable of a case-mix model weighs.")),
    "model_checks": (N_("Checks of the models"), N_("Each case-mix model, tried on clinics that it had not seen.")),
    "monitoring_months": (N_("Months"), N_("Month by month, whether a figure drifts from what is expected.")),
    "imputations": (N_("Missing follow-up"), N_("Each figure if people who were not followed did better or worse.")),
    "response_curves": (N_("Expected courses"), N_("Each declared curve: whether it is shown, and if not, why.")),
    "response_starts": (N_("Similar starts"), N_("How many people with a similar start responded in the end.")),
    "response_bands": (N_("Expected ranges"), N_("The range that is expected, by first score and week or session.")),
    "early_changes": (N_("Early change"), N_("What early signs were followed by, on clinics not seen before.")),
    "curve_checks": (N_("Checks of expected courses"), N_("Each curve, tried on clinics that it had not seen.")),
}


@dataclass(frozen=True)
class TableLine:
    """One table of an edition.

    Attributes:
        id: What its files are called.
        title: What it is called for people.
        holds: What it holds, in one sentence.
        rows: How many; None where the file was damaged, which `verify` names.
    """

    id: str
    title: str
    holds: str
    rows: int | None


def tables_of(edition: Edition) -> tuple[TableLine, ...]:
    """The tables that an edition has and that may leave; the results first."""
    return tuple(
        TableLine(name, _(title), _(holds), _n_rows(edition, name))
        for name, (title, holds) in HOLDS.items()
        if edition.file_of(name).exists()
    )


def table_file(service: LiveService, edition_id: str, name: str, form: str) -> bytes | None:
    """A table of an edition as a file.

    Args:
        service: The running service.
        edition_id: Which edition.
        name: One of `TABLES`; rows of people are none.
        form: `csv`, `json` or `parquet`. In CSV words that a spreadsheet would compute begin with an apostrophe; the
            others hold them as they are.

    Returns:
        The file; None if there is no such edition, table or format.

    Raises:
        AccessError: If the table has a column of clinicians.
    """
    edition = edition_of(service.workspace, edition_id)
    if edition is None or name not in TABLES or form not in FORMATS or not edition.file_of(name).exists():
        return None
    found = edition.arrow(name)
    check_columns(service.workspace, found.column_names)
    check_strata(service.workspace, found)
    if form == "parquet":
        return edition.file_of(name).read_bytes()
    return _csv(found) if form == "csv" else _json(found)


def _n_rows(edition: Edition, name: str) -> int | None:
    try:
        return int(pq.read_metadata(edition.file_of(name)).num_rows)
    except (OSError, pa.ArrowException):
        return None


def _csv(found: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(words_of_table(found), sink)
    return bytes(sink.getvalue().to_pybytes())


def _json(found: pa.Table) -> bytes:
    text = io.StringIO()
    json.dump(found.to_pylist(), text, default=str, allow_nan=False)
    return text.getvalue().encode()
