"""Do 95 % intervals hold the truth in 93 to 97 % of cases?"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy import special

from benchwell.models.deciles import constrained_percentile_of_proportions
from benchwell.models.direct import direct_rates_from_rows
from benchwell.models.fixed_effects_logistic import fit_fixed_effects_logistic
from benchwell.models.hyper_uncertainty import posterior_sd
from benchwell.models.resampling import cluster_bootstrap, jackknife_pooled_rate
from benchwell.models.shrinkage import shrink
from benchwell.synthetic import CaseMix, World, generate
from benchwell.synthetic.clinics import FloatArray, draw_clinics
from benchwell.synthetic.people import draw_people
from benchwell.synthetic.truth import remission_probability
from studies.questions import Measured, Question, Target, mean_of
from studies.sample import adjusted, sample

Z = 1.959963984540054
MIX = CaseMix(deprivation_sorting=0.2, deprivation_effect=0.6)


def _held(low: FloatArray, high: FloatArray, truth: FloatArray) -> float:
    return float(((low <= truth) & (truth <= high)).mean())


def clinic_effects(clinics: int, people: int, seed: int) -> Measured:
    """Coverage of clinics' own effects: fixed effects, shrunken with and without the doubt about mean and spread."""
    size = {"clinics": clinics, "episodes": clinics * people, "size_spread": 0.5}
    world = World(**size, clinic_sd=1.5, outcome="linear", casemix=MIX, seed=seed)
    made = generate(world)
    found, _ = adjusted(sample(made), clinics)
    truth = world.mean_improvement + made.truth.clinics["effect"].to_numpy()
    fit = shrink(found.value, found.variance)
    wide = posterior_sd(found.value, found.variance, replicates=500, seed=1)
    fixed = np.sqrt(found.variance)
    return {
        "fixed": _held(found.value - Z * fixed, found.value + Z * fixed, truth),
        "shrunken": _held(fit.shrunken - Z * wide, fit.shrunken + Z * wide, truth),
        "narrow": _held(fit.shrunken - Z * fit.sd, fit.shrunken + Z * fit.sd, truth),
    }


def adjusted_rates(seed: int) -> Measured:
    """Coverage of remission rates standardized to the whole network's people, and their mean error."""
    clinics = 25
    world = World(clinics=clinics, episodes=clinics * 150, size_spread=0.3, casemix=MIX, seed=seed)
    made = generate(world)
    data = sample(made)
    fit = fit_fixed_effects_logistic(data.columns, data.met, data.clinic, clinics)
    lp = data.columns @ np.nan_to_num(fit.slopes.values)
    found = direct_rates_from_rows(lp, data.met, data.clinic, clinics, lp)
    truth = made.truth.clinics["adjusted_remission"].to_numpy()
    se = np.sqrt(found.variance)
    # On the logit scale, where a rate's sampling distribution is nearer to normal, as the shift itself is.
    logit, scale = np.log(found.rate / (1 - found.rate)), se / (found.rate * (1 - found.rate))
    low, high = (1 / (1 + np.exp(-(logit + sign * Z * scale))) for sign in (-1, 1))
    return {"covered": _held(low, high, truth), "error": float((found.rate - truth).mean())}


# The same people everywhere: what differs between clinics is the clinic.
ALIKE = CaseMix(baseline_sorting=0, deprivation_sorting=0)
NETWORK = World(size_spread=0.5, clinic_sd=1.2, casemix=ALIKE)


@lru_cache(maxsize=8)
def field_rate(standing: float) -> float:
    """Remission rate that people of `NETWORK` reach in a clinic so many standard deviations above the average one."""
    big = replace(NETWORK, clinics=1, episodes=200_000, seed=99)
    people = draw_people(big, draw_clinics(big), 0, 0, big.episodes)
    mean = people.expected - NETWORK.clinic_sd * standing
    return float(remission_probability(NETWORK, mean, NETWORK.residual_sd).mean())


@lru_cache(maxsize=1)
def field_mean() -> float:
    """Mean of `field_rate` over all clinics there could be."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    return float(weights @ [field_rate(float(node)) for node in nodes] / weights.sum())


def benchmark_values(clinics: int, people: int, seed: int) -> Measured:
    """Coverage of the network's mean, median and top decile over clinics; bias of both deciles."""
    data = sample(generate(replace(NETWORK, clinics=clinics, episodes=clinics * people, seed=seed)))
    n = np.bincount(data.clinic, minlength=clinics).astype(float)
    met = np.bincount(data.clinic, data.met, clinics)
    found: dict[str, float] = {}
    for name, p, truth in (("median", 0.5, field_rate(0.0)), ("decile", 0.9, field_rate(1.2815515655446004))):
        boot = cluster_bootstrap(
            lambda x, m, p=p: constrained_percentile_of_proportions(x, m, p),
            *(met, n),
            replicates=1000,
            seed=seed,
            corrected=p == 0.9,
        )
        found |= {name: float(boot.lower <= truth <= boot.upper), f"{name}_bias": boot.estimate - truth}
        found[f"{name}_raw_bias"] = float(np.quantile(met / n, p)) - truth
    mean = jackknife_pooled_rate(met, n)
    half = float(special.stdtrit(clinics - 1, 0.975)) * mean.se
    return found | {"mean": float(abs(mean.estimate - field_mean()) <= half)}


def _within(claim: str, name: str) -> Target:
    return Target(claim, mean_of(name), 0.93, 0.97, "%")


QUESTIONS = (
    *(
        Question(
            f"clinic-effects-{clinics}",
            "M3.8, M3.9",
            f"{clinics} clinics of about 60 people, SD of clinics 1.5 points, deprivation sorted between clinics",
            lambda seed, clinics=clinics: clinic_effects(clinics, 60, seed),
            (
                _within("fixed effect of a clinic, adjusted within clinics", "fixed"),
                _within("shrunken effect, with the doubt about mean and spread", "shrunken"),
                Target("shrunken effect, mean and spread taken as known", mean_of("narrow"), unit="%"),
            ),
        )
        for clinics in (15, 60)
    ),
    Question(
        "adjusted-rates",
        "M3.7, M3.8",
        "25 clinics of about 150 people; remission after adjustment within clinics, standardized to all people",
        adjusted_rates,
        (
            _within("adjusted remission rate of a clinic", "covered"),
            Target("mean error of the rate", mean_of("error"), -0.005, 0.005),
        ),
    ),
    *(
        Question(
            f"benchmark-values-{clinics}",
            "M4.2, M4.7",
            f"{clinics} clinics of about {people} people, SD of clinics 1.2 points",
            lambda seed, clinics=clinics, people=people: benchmark_values(clinics, people, seed),
            (
                _within("mean of the network, Student interval from the jackknife over clinics", "mean"),
                _within("median of clinics, bootstrap over clinics", "median"),
                _within("top decile, constrained empirical Bayes, BCa bootstrap over clinics", "decile"),
                Target("bias of the raw top decile, share in remission", mean_of("decile_raw_bias"), 0.01),
                Target("bias of the constrained top decile", mean_of("decile_bias"), -0.01, 0.01),
            ),
        )
        for clinics, people in ((60, 80), (150, 50))
    ),
)
