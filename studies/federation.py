"""A model fitted to what sites send is the model fitted to the pooled rows."""

from __future__ import annotations

import numpy as np

from benchwell.models.linear_mixed import LinearMixedFit, linear_mixed
from benchwell.models.mixed_statistics import MixedStatistics
from benchwell.synthetic import CaseMix, World, generate
from benchwell.synthetic.clinics import FloatArray
from studies.questions import Measured, Question, Target, largest_of
from studies.sample import Sample, sample, sums

CLINICS = 30


def pooled_rows(data: Sample) -> LinearMixedFit:
    """The fit from one design of all rows."""
    X = np.column_stack([np.ones(len(data.gain)), data.columns])
    member = np.equal.outer(np.arange(CLINICS), data.clinic).astype(float)
    return linear_mixed(
        MixedStatistics(
            n=len(X),
            xtx=X.T @ X,
            xty=X.T @ data.gain,
            yty=float(data.gain @ data.gain),
            group_n=member.sum(axis=1),
            group_x=member @ X,
            group_y=member @ data.gain,
        )
    )


def sent_by_sites(data: Sample) -> LinearMixedFit:
    """The fit from n, X'X, X'y and y'y of each site."""
    return linear_mixed(sums(data, CLINICS))


def _numbers(fit: LinearMixedFit) -> FloatArray:
    parts = [fit.coefficients, fit.standard_errors, [fit.sd_inner, fit.residual_sd, fit.loglik], fit.effects_inner]
    return np.concatenate([np.asarray(part, dtype=float).ravel() for part in parts])


def difference(seed: int) -> Measured:
    """Largest difference of any estimate, next to its size where that is above 1."""
    mix = CaseMix(deprivation_effect=0.6, sessions_effect=1.0)
    data = sample(generate(World(clinics=CLINICS, episodes=CLINICS * 60, clinic_sd=1.5, casemix=mix, seed=seed)))
    one, other = _numbers(pooled_rows(data)), _numbers(sent_by_sites(data))
    return {"difference": float((np.abs(one - other) / np.maximum(np.abs(one), 1.0)).max())}


QUESTIONS = (
    Question(
        "federated-is-pooled",
        "M3.2, M13.4",
        "30 clinics of about 60 people; coefficients, standard errors, spreads, likelihood and every clinic's effect",
        difference,
        (Target("largest relative difference in any world", largest_of("difference"), high=1e-8),),
        replicates=100,
    ),
)
