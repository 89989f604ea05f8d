"""Does the nested linear model find the spreads of clinics and clinicians, and do its intervals hold?"""

from __future__ import annotations

import numpy as np

from benchwell.models.linear_mixed import linear_mixed
from benchwell.models.mixed_statistics import MixedStatistics
from benchwell.synthetic import CaseMix, World, generate
from studies.questions import Measured, Question, Target, mean_of
from studies.sample import sample

Z = 1.959963984540054
CLINICS, CLINICIANS, PEOPLE = 60, 4, 100
CLINIC_SD, CLINICIAN_SD, RESIDUAL_SD, COST = 1.2, 0.8, 5.0, 0.6


def nested(seed: int) -> Measured:
    """Errors of the three spreads, and whether intervals hold the slope of deprivation and the clinics' effects."""
    world = World(
        clinics=CLINICS,
        episodes=CLINICS * PEOPLE,
        clinicians=CLINICIANS,
        size_spread=0.4,
        clinic_sd=CLINIC_SD,
        clinician_sd=CLINICIAN_SD,
        residual_sd=RESIDUAL_SD,
        outcome="linear",
        casemix=CaseMix(deprivation_effect=COST),
        seed=seed,
    )
    made = generate(world)
    data = sample(made)
    seen, group = np.unique(data.clinician, return_inverse=True)
    X = np.column_stack([np.ones(len(data.gain)), data.columns])
    fit = linear_mixed(
        MixedStatistics(
            n=len(X),
            xtx=X.T @ X,
            xty=X.T @ data.gain,
            yty=float(data.gain @ data.gain),
            group_n=np.bincount(group),
            group_x=np.stack([np.bincount(group, column) for column in X.T], axis=1),
            group_y=np.bincount(group, data.gain),
            parent=seen // CLINICIANS,
        )
    )
    effect = made.truth.clinics["effect"].to_numpy()
    slope = 2  # a higher quintile is less deprived: its coefficient is +COST
    outer, outer_sd = np.asarray(fit.effects_outer), np.asarray(fit.effects_outer_sd)
    return {
        "clinic": float(fit.sd_outer or 0.0) - CLINIC_SD,
        "clinician": fit.sd_inner - CLINICIAN_SD,
        "residual": fit.residual_sd - RESIDUAL_SD,
        "slope": float(abs(fit.coefficients[slope] - COST) <= Z * fit.standard_errors[slope]),
        "effects": float((np.abs(outer - effect) <= Z * outer_sd).mean()),
    }


QUESTIONS = (
    Question(
        "nested-model",
        "M3.2, M3.3",
        f"{CLINICS} clinics of about {PEOPLE} people, {CLINICIANS} clinicians each; REML; "
        f"SDs {CLINIC_SD:g}, {CLINICIAN_SD:g} and {RESIDUAL_SD:g} points",
        nested,
        (
            Target("error of the SD of clinics, points", mean_of("clinic"), -0.05, 0.05),
            Target("error of the SD of clinicians within clinics", mean_of("clinician"), -0.05, 0.05),
            Target("error of the residual SD", mean_of("residual"), -0.05, 0.05),
            Target("95 % interval of the coefficient of deprivation", mean_of("slope"), 0.93, 0.97, "%"),
            Target("clinics' effects, variances taken as known (as lme4 does)", mean_of("effects"), unit="%"),
        ),
    ),
)
