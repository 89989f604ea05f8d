"""The cells that figures are made for: every organization, and its people of every level of every stratum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from benchwell.casemix.imputation_rows import EpisodeRows
from benchwell.models.arrays import FloatArray, IntArray
from benchwell.models.imputed_figures import ImputedFigures
from benchwell.tables import DERIVED

ALL = "all"
NOBODY_FOLLOWED = "nobody_followed"
ONE_PERSON = "one_person"


@dataclass(frozen=True)
class Cells:
    """k cells.

    Attributes:
        keys: Organization, stratum and level of each.
        of_people: Cell of each episode, once per stratum, each of shape (n,).
        field: Cells of one stratum and level belong to one field, shape (k,).
        n_eligible: Shape (k,).
        n_followed: Shape (k,).
    """

    keys: tuple[tuple[str, str, str], ...]
    of_people: tuple[IntArray, ...]
    field: IntArray
    n_eligible: IntArray
    n_followed: IntArray

    @classmethod
    def of(cls, rows: EpisodeRows) -> Cells:
        """Lay out the cells of one measure: organizations first, then each stratum."""
        keys: list[tuple[str, str, str]] = [(name, ALL, ALL) for name in rows.organizations]
        people, fields, n_fields = [rows.organization], [np.zeros(rows.n_clinics, dtype=np.int64)], 1
        for stratum, values in rows.strata.items():
            encoded = values.dictionary_encode()
            levels = encoded.dictionary.to_pylist()
            code = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
            pairs, place = np.unique(rows.organization * max(len(levels), 1) + code, return_inverse=True)
            people.append(place.astype(np.int64) + len(keys))
            clinic, level = np.divmod(pairs, max(len(levels), 1))
            keys += [(rows.organizations[c], stratum, levels[at]) for c, at in zip(clinic, level, strict=True)]
            fields.append(level + n_fields)
            n_fields += len(levels)
        return cls(
            keys=tuple(keys),
            of_people=tuple(people),
            field=np.concatenate(fields),
            n_eligible=sum((np.bincount(cell, minlength=len(keys)) for cell in people), np.zeros(len(keys), np.int64)),
            n_followed=sum(
                (np.bincount(cell[rows.followed], minlength=len(keys)) for cell in people),
                np.zeros(len(keys), np.int64),
            ),
        )

    def followed_sums(self, rows: EpisodeRows) -> tuple[FloatArray, FloatArray]:
        """Outcome and its square, summed over the followed of each cell."""
        value, found = rows.outcome[rows.followed], []
        for weight in (value, value**2):
            parts = [
                np.bincount(cell[rows.followed], weights=weight, minlength=len(self.keys)) for cell in self.of_people
            ]
            found.append(np.asarray(np.sum(parts, axis=0), dtype=np.float64))
        return found[0], found[1]


def imputation_table(measure: str, cells: Cells, kappas: tuple[float, ...], m: int, found: ImputedFigures) -> pa.Table:
    """`tables.DERIVED["imputations"]` of one measure; a cell without a figure says why."""
    k, s = len(cells.keys), len(kappas)
    known = np.isfinite(found.pooled.estimate)
    nobody = np.tile(cells.n_followed == 0, (s, 1))
    shown = (known & ~nobody).ravel()
    reason = np.where(nobody, NOBODY_FOLLOWED, ONE_PERSON).ravel()
    pooled = found.pooled
    numbers = {
        "estimate": pooled.estimate,
        "within": pooled.within,
        "between": pooled.between,
        "total": pooled.total,
        "df": pooled.df,
        "missing_information": pooled.missing_information,
        "lower": found.lower,
        "upper": found.upper,
        "variance": found.variance,
    }
    columns = {name: pa.array(np.where(shown, part.ravel(), 0.0), mask=~shown) for name, part in numbers.items()}
    organization, stratum, level = (pa.array([key[place] for key in cells.keys] * s) for place in range(3))
    return DERIVED["imputations"].conform(
        pa.table(
            {
                "measure": pa.repeat(measure, k * s),
                "organization_id": organization,
                "period": pa.repeat(ALL, k * s),
                "stratum": stratum,
                "level": level,
                "kappa": np.repeat(np.array(kappas), k),
                "m": pa.repeat(m, k * s),
                "n_eligible": np.tile(cells.n_eligible, s),
                "n_followed": np.tile(cells.n_followed, s),
                "status": pa.array(np.where(shown, "ok", "insufficient")),
                "reason": pa.array(reason, mask=shown),
                **columns,
            }
        )
    )
