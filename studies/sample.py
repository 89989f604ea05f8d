"""The observed part of a world as arrays, and the two estimates of a clinic: as it stands, and adjusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchwell.models.mixed_statistics import MixedStatistics
from benchwell.models.within_between import WithinBetween, within_between
from benchwell.synthetic import Generated
from benchwell.synthetic.clinics import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Sample:
    """One element per episode.

    Attributes:
        clinic: Number of the clinic.
        clinician: Number of the clinician, counted over all clinics.
        columns: First score, quintile, comorbidity and sessions, centered where the world centers them, shape
            (n, 4): a clinic's constant is then its mean improvement.
        gain: Improvement in points, higher is better; NaN where not followed.
        met: Remission, 0 or 1; NaN where not followed.
        followed: Whether the outcome is known.
        true_gain: Improvement that each person has or would have had.
        group_b: Whether the person belongs to group B.
    """

    clinic: IntArray
    clinician: IntArray
    columns: FloatArray
    gain: FloatArray
    met: FloatArray
    followed: BoolArray
    true_gain: FloatArray
    group_b: BoolArray


def sample(made: Generated) -> Sample:
    """What a study needs of a world."""
    table = made.episodes.unify_dictionaries().combine_chunks()
    get = {name: table[name] for name in table.column_names}
    columns = np.column_stack(
        [
            get["phq9_base"].to_numpy() - 16.0,
            get["deprivation_quintile"].to_numpy() - 3.0,
            get["comorbidity"].to_numpy().astype(float) - 0.3,
            (get["sessions"].to_numpy() - 8.0) / 3.0,
        ]
    )
    return Sample(
        clinic=get["clinic"].chunk(0).indices.to_numpy().astype(np.int64),
        clinician=get["clinician"].chunk(0).indices.to_numpy().astype(np.int64),
        columns=columns,
        gain=-get["change"].cast("float64").to_numpy(),
        met=get["remission"].cast("int8").cast("float64").to_numpy(),
        followed=get["followed"].to_numpy(),
        true_gain=-get["true_change"].to_numpy(),
        group_b=get["group"].chunk(0).indices.to_numpy() == 1,
    )


@dataclass(frozen=True)
class Estimates:
    """Improvement per clinic in points with its sampling variance, each of shape (k,)."""

    value: FloatArray
    variance: FloatArray


def unadjusted(data: Sample, clinics: int) -> Estimates:
    """Mean improvement of those followed; the variance within clinics is common to all."""
    known = data.followed
    n = np.bincount(data.clinic[known], minlength=clinics)
    mean = np.bincount(data.clinic[known], data.gain[known], clinics) / n
    spread = float(((data.gain[known] - mean[data.clinic[known]]) ** 2).sum() / (known.sum() - clinics))
    return Estimates(mean, spread / n)


def sums(data: Sample, clinics: int) -> MixedStatistics:
    """Sufficient statistics of those followed, as a site would send them."""
    known = data.followed
    place, y = data.clinic[known], data.gain[known]
    X = np.column_stack([np.ones(len(y)), data.columns[known]])
    p = X.shape[1]
    xtx = np.stack([np.bincount(place, X[:, i] * X[:, j], clinics) for i in range(p) for j in range(p)], axis=1)
    xty = np.stack([np.bincount(place, X[:, i] * y, clinics) for i in range(p)], axis=1)
    n = np.bincount(place, minlength=clinics)
    return MixedStatistics.from_sites(n, xtx.reshape(clinics, p, p), xty, np.bincount(place, y**2, clinics))


def adjusted(data: Sample, clinics: int) -> tuple[Estimates, WithinBetween]:
    """What is left of each clinic after coefficients from differences within clinics (METHODS M3.8)."""
    own = sums(data, clinics)
    fit = within_between(own)
    n = own.group_n
    means = own.group_x[:, 1:] / n[:, None]
    known = fit.within.known
    doubt = np.einsum("ki,ij,kj->k", means[:, known], fit.within.covariance[np.ix_(known, known)], means[:, known])
    return Estimates(fit.posts, fit.residual_variance / n + doubt), fit
