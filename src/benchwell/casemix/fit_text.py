"""A fit as text for a terminal and as a table for a notebook."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchwell.casemix.fit import Fit

_Rows = Sequence[Sequence[str]]


def as_text(fit: Fit) -> str:
    """Aligned tables: coefficients with intervals, groups, and what a reader must know about the fit."""
    parts = [title(fit), _aligned(_terms(fit)), _aligned(_groups(fit)), "\n".join(_notes(fit))]
    return "\n\n".join(part for part in parts if part)


def as_html(fit: Fit) -> str:
    """The same for a notebook; every text from the data is escaped."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in _notes(fit))
    return f"<p><b>{escape(title(fit))}</b></p>{_table(_terms(fit))}{_table(_groups(fit))}<ul>{notes}</ul>"


def title(fit: Fit) -> str:
    """Which model of what."""
    kind = "Linear" if fit.family == "linear" else "Logistic"
    nested = " in ".join(reversed(fit.coding.groups))
    slope = f", with a slope of {fit.coding.slope}" if fit.coding.slope else ""
    return f"{kind} mixed model of {fit.coding.outcome.name} by {nested}{slope} ({fit.method})"


def _terms(fit: Fit) -> _Rows:
    errors, intervals = fit.standard_errors, fit.intervals()
    unit = "estimate" if fit.family == "linear" else "log odds"
    return [
        ("term", unit, "SE", "95 % interval"),
        *(
            (name, number(value), number(errors[name]), " to ".join(map(number, intervals[name])))
            for name, value in fit.coefficients.items()
        ),
    ]


def _groups(fit: Fit) -> _Rows:
    shares = fit.icc
    rows = [
        ("group", "SD", "ICC", "groups"),
        *((name, number(sd), f"{shares[name]:.3f}", f"{fit.n_groups[name]:,}") for name, sd in fit.group_sd.items()),
    ]
    if fit.slope_sd is not None and fit.group_correlation is not None:
        with_intercept = f"correlation with the intercept {fit.group_correlation:.2f}"
        rows.append((f"slope of {fit.coding.slope}", number(fit.slope_sd), with_intercept, ""))
    if fit.residual_sd is not None:
        rows.append(("residual", number(fit.residual_sd), "", ""))
    return rows


def _notes(fit: Fit) -> list[str]:
    left_out = sum(fit.left_out.values())
    why = "; ".join(f"{reason} {count:,}" for reason, count in fit.left_out.items())
    references = ", ".join(f"{name} {level}" for name, level in fit.coding.references.items())
    notes = [
        f"{fit.n:,} rows used, {left_out:,} left out{f' ({why})' if why else ''}.",
        f"Log likelihood {fit.loglik:.3f}, AIC {fit.aic:.1f}, BIC {fit.bic:.1f}.",
    ]
    if references:
        notes.append(f"Compared with: {references}.")
    if fit.dropped:
        notes.append(f"Left out as they depend on earlier columns: {', '.join(fit.dropped)}.")
    if fit.singular:
        notes.append("A group variance (or what is left of it beside its correlation) is estimated as zero.")
    if fit.separated:
        notes.append(f"Separated. {separation(fit)}.")
    steps = f"{fit.found.optimizer}, {fit.found.iterations} steps"
    notes.append(f"Converged ({steps})." if fit.found.converged else f"NOT converged ({steps}): do not use.")
    return notes


def separation(fit: Fit) -> str:
    """What separates the outcome: columns, or the groups themselves."""
    if fit.separated_columns:
        return f"The outcome is separated by {', '.join(fit.separated_columns)}: these coefficients have no maximum"
    inner = fit.coding.groups[-1]
    return f"The outcome is separated by {inner}: within each one all rows agree, so its SD has no maximum"


def number(value: float) -> str:
    """Four significant digits, never in exponents that a reader has to decode unless they must.

    >>> number(0.858135), number(-1234.5678), number(0.0), number(0.0000123)
    ('0.8581', '-1,235', '0', '1.23e-05')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3g}"
    return f"{value:,.{max(0, 3 - math.floor(math.log10(abs(value))))}f}"


def _aligned(rows: _Rows) -> str:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _table(rows: _Rows) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows[1:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
