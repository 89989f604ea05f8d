"""Raw adjusters as design columns, by published constants alone (METHODS M3.1, M3.2).

The same value is coded the same way in every clinic and every year: no local means, no levels in order of frequency.
So columns of two clinics can be added up, and a coding hash says whether they may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.casemix.spline import restricted_cubic_spline
from benchwell.models.arrays import BoolArray, FloatArray
from benchwell.registry import CaseMix, hash_canonical
from benchwell.registry.casemix import OTHER, UNKNOWN, Categories, Linear, Spline, Variable
from benchwell.terms import Adjustment

INTERCEPT = "(intercept)"


@dataclass(frozen=True)
class AdjusterDesign:
    """Design columns of one view.

    Attributes:
        columns: Shape (n_kept, p), the constant first.
        names: Of the columns.
        kept: Shape (n,): whether a row is in `columns`; the others lack a value that the declaration excludes by.
        incomplete: Shape (n_kept,): whether at least one adjuster that has a column here is unknown.
        dropped: Declared columns that are left out, each with its reason: nothing can be learned from a column that
            is the same for everybody.
        unused: Variables of which no column is left, for instance because nobody here records them.
        coding: The published coding (`coding_of`), as it goes into the edition.
    """

    columns: FloatArray
    names: tuple[str, ...]
    kept: BoolArray
    incomplete: BoolArray
    dropped: dict[str, str]
    unused: tuple[str, ...]
    coding: dict[str, Any]

    @property
    def layout_hash(self) -> str:
        """SHA-256 over coding and column order: sums of two designs may be added only if it is the same."""
        return hash_canonical({"coding": self.coding["sha256"], "names": list(self.names)})


def coding_of(casemix: CaseMix, view: Adjustment | str) -> dict[str, Any]:
    """The coding of a view: every constant, every column it declares, and a hash over both.

    Args:
        casemix: The declaration.
        view: One of `casemix.views`.

    Raises:
        ValueError: If the case mix has no such view.
    """
    variables = _variables(casemix, view)
    found = {
        "casemix": casemix.id,
        "revision": casemix.revision,
        "view": str(view),
        "columns": [INTERCEPT, *(name for one in variables for name in column_names(one))],
        "variables": [one.model_dump(mode="json", include={"name", "source", "form", "missing"}) for one in variables],
    }
    return found | {"sha256": hash_canonical(found)}


def column_names(variable: Variable) -> tuple[str, ...]:
    """The columns that a variable is coded into, in order.

    A number keeps its name, each further spline column adds a prime, and levels stand in brackets.
    """
    name, form = variable.name, variable.form
    unknown = () if variable.excludes_unknown else (f"{name}[{UNKNOWN}]",)
    if isinstance(form, Categories):
        levels = [*(level for level in form.levels if level != form.reference), OTHER]
        return (*(f"{name}[{level}]" for level in levels), *unknown)
    bends = len(form.knots) - 2 if isinstance(form, Spline) else 0
    return (name, *(name + "'" * (bend + 1) for bend in range(bends)), *unknown)


def code_adjusters(
    rows: pa.Table, casemix: CaseMix, view: Adjustment | str, *, columns: Sequence[str] | None = None
) -> AdjusterDesign:
    """Code the rows of `adjuster_rows` for one view.

    Args:
        rows: Raw values, one column per variable of the view; other columns are ignored.
        casemix: The declaration.
        view: One of `casemix.views`; "unadjusted" gives the constant alone.
        columns: Names to give, in the coding's order, whatever the rows hold: for a second block of rows, or a replay.
            By default every declared column that differs between the rows.

    Raises:
        ValueError: If the case mix has no such view, or `columns` names what the coding does not declare.
    """
    variables, coding = _variables(casemix, view), coding_of(casemix, view)
    known = {one.name: ~_is_unknown(rows[one.name]) for one in variables}
    kept = np.ones(rows.num_rows, dtype=np.bool_)
    for one in variables:
        if one.excludes_unknown:
            kept &= known[one.name]
    if not kept.all():
        rows, known = rows.filter(pa.array(kept)), {name: there[kept] for name, there in known.items()}
    n = rows.num_rows
    coded: dict[str, FloatArray | BoolArray] = {INTERCEPT: np.ones(n, dtype=np.bool_)}
    numbers = _numbers(rows, variables, known)
    for one in variables:
        parts = _coded(one, rows, numbers, known[one.name])
        coded |= dict(zip(column_names(one), parts, strict=True))
    dropped: dict[str, str] = {}
    if columns is None:
        dropped = {name: why for name, column in coded.items() if (why := _says_nothing(name, column))}
        columns = [name for name in coded if name not in dropped]
    elif list(columns) != [name for name in coded if name in set(columns)]:
        raise ValueError(f"columns are not those of the coding, in its order: {list(columns)}")
    design = np.empty((n, len(columns)), dtype=np.float64)
    for place, name in enumerate(columns):
        design[:, place] = coded[name]
    unused = tuple(one.name for one in variables if not set(column_names(one)) & set(columns))
    incomplete = np.zeros(n, dtype=np.bool_)
    for name, there in known.items():
        incomplete |= ~there & (name not in unused)
    return AdjusterDesign(design, tuple(columns), kept, incomplete, dropped, unused, coding)


def _variables(casemix: CaseMix, view: Adjustment | str) -> tuple[Variable, ...]:
    views = {str(name): variables for name, variables in casemix.views.items()}
    if str(view) not in views:
        raise ValueError(f"case mix {casemix.id!r} has no view {str(view)!r}; it has {', '.join(views)}")
    return views[str(view)]


def _says_nothing(name: str, column: FloatArray | BoolArray) -> str | None:
    """Why a column cannot teach a model anything, or null."""
    if name == INTERCEPT or (len(column) and column.min() != column.max()):
        return None
    if name.endswith("]"):
        return "nobody has this level" if not column.any() else "everybody has this level"
    return "the same for everybody"


def _is_unknown(values: pa.ChunkedArray) -> BoolArray:
    unknown = pc.is_null(values, nan_is_null=pa.types.is_floating(values.type))
    return np.asarray(unknown.combine_chunks().to_numpy(zero_copy_only=False), dtype=np.bool_)


def _numbers(rows: pa.Table, variables: Sequence[Variable], known: dict[str, BoolArray]) -> dict[str, FloatArray]:
    """Numeric variables, the unknown at their centre or, where so declared, at their conditional mean."""
    forms = {one.name: one.form for one in variables if isinstance(one.form, Linear | Spline)}
    found: dict[str, FloatArray] = {}
    for name, form in forms.items():
        given = rows[name].combine_chunks().cast(pa.float64())
        raw = np.asarray(given.fill_null(0.0).to_numpy(zero_copy_only=False), dtype=np.float64)
        found[name] = np.where(known[name], raw, form.centre)
    imputed: dict[str, FloatArray] = {}
    for one in variables:
        if one.name in forms and one.missing is not None and one.missing.mean is not None:
            # An unknown predictor stands at its centre, so it moves the mean by nothing.
            moved = sum(
                slope * (found[other] - forms[other].centre) for other, slope in sorted(one.missing.slopes.items())
            )
            imputed[one.name] = np.where(known[one.name], found[one.name], one.missing.mean + moved)
    return found | imputed


def _coded(
    variable: Variable, rows: pa.Table, numbers: dict[str, FloatArray], known: BoolArray
) -> list[FloatArray | BoolArray]:
    unknown = [] if variable.excludes_unknown else [~known]
    form = variable.form
    if isinstance(form, Categories):
        return [*_levels(form, rows[variable.name], known), *unknown]
    if isinstance(form, Spline):
        at_centre = restricted_cubic_spline(np.array([form.centre]), form.knots)
        basis = (restricted_cubic_spline(numbers[variable.name], form.knots) - at_centre) / form.scale
        return [*basis.T, *unknown]
    if form is None:  # pragma: no cover  # the declaration asks every adjuster for a form
        raise ValueError(f"variable {variable.name!r} has no form, so it cannot be coded")
    return [(numbers[variable.name] - form.centre) / form.scale, *unknown]


def _levels(form: Categories, values: pa.ChunkedArray, known: BoolArray) -> list[BoolArray]:
    """One column per level but the reference, then "other"; case and outer spaces do not matter."""
    words = pc.utf8_lower(pc.utf8_trim_whitespace(values.cast(pa.string()))).combine_chunks()
    code = pc.index_in(words, pa.array([level.strip().lower() for level in form.levels]))
    place = np.asarray(code.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
    named = [place == at for at, level in enumerate(form.levels) if level != form.reference]
    return [*named, (place == -1) & known]
