"""Who gets a colour: with no difference between clinics, with poorer people, and with people who were not asked."""

from __future__ import annotations

import numpy as np

from benchwell.models.heterogeneity import pooled_binomial_variance
from benchwell.models.hyper_uncertainty import spread_for_light
from benchwell.models.light import light_probabilities
from benchwell.models.shrinkage import shrink
from benchwell.registry.benchmark import Gates
from benchwell.synthetic import CaseMix, FollowUp, Gaming, World, generate
from benchwell.synthetic.clinics import BoolArray, FloatArray
from studies.questions import Measured, Question, Target, fall_of, ratio_of
from studies.sample import Estimates, adjusted, sample, unadjusted

GATES = Gates()
RATE_MARGIN = 0.03
POINTS_MARGIN = 0.5


def colours(found: Estimates, margin: float, seed: int = 0) -> tuple[BoolArray, BoolArray, FloatArray]:
    """Which clinics the kernel marks above and below their field's mean before any gate, and their reliability."""
    fit = shrink(found.value, found.variance)
    sd = spread_for_light(found.value, found.variance, seed=seed)
    above, _, below = light_probabilities(fit.shrunken, sd, fit.mean, fit.mean_se, margin)
    p = GATES.light_probability
    return above >= p, below >= p, fit.reliability


def completion_passes(eligible: FloatArray, followed: FloatArray) -> BoolArray:
    """The gates of missing follow-up: enough of one's own, and not too different from that of the others (M1.4)."""
    own = followed / eligible
    others = (followed.sum() - followed) / (eligible.sum() - eligible)
    return np.asarray((own >= GATES.completion) & (np.abs(own - others) <= GATES.completion_gap))


def _rates(met: FloatArray, n: FloatArray) -> Estimates:
    return Estimates(met / n, pooled_binomial_variance(met, n))


def alike(seed: int) -> Measured:
    """Clinics that are all the same: any colour is false."""
    k = 40
    how = FollowUp("mcar", missing=0.2)
    data = sample(generate(World(clinics=k, episodes=k * 80, size_spread=0.5, clinic_sd=0, follow_up=how, seed=seed)))
    n = np.bincount(data.clinic[data.followed], minlength=k).astype(float)
    met = np.bincount(data.clinic[data.followed], data.met[data.followed], k)
    above, below, reliability = colours(_rates(met, n), RATE_MARGIN, seed)
    sure = (reliability >= GATES.light_reliability) & completion_passes(np.bincount(data.clinic, minlength=k), n)
    return {"lights": k, "red": (below & sure).sum(), "green": (above & sure).sum(), "bare": (above | below).sum()}


def deprived_areas(seed: int) -> Measured:
    """Clinics of deprived areas: who is marked below the others though its own effect is not below the average."""
    k = 60
    mix = CaseMix(deprivation_sorting=0.4, deprivation_effect=1.2)
    world = World(clinics=k, episodes=k * 120, size_spread=0.3, clinic_sd=1.0, casemix=mix, seed=seed)
    made = generate(world)
    data, effect = sample(made), made.truth.clinics["effect"].to_numpy()
    measured: dict[str, float] = {"clinics": k}
    for name, found in (("raw", unadjusted(data, k)), ("adjusted", adjusted(data, k)[0])):
        _, below, reliability = colours(found, POINTS_MARGIN, seed)
        marked = below & (reliability >= GATES.light_reliability)
        wrongly = marked & (effect > -POINTS_MARGIN)
        measured |= {f"{name}_marked": marked.sum(), f"{name}_wrong": wrongly.sum()}
    return measured


def not_asked(seed: int) -> Measured:
    """Clinics that do not ask those who did badly: what they would look like, and whether a gate sees it."""
    k = 40
    world = World(
        clinics=k,
        episodes=k * 120,
        size_spread=0.3,
        clinic_sd=0.5,
        follow_up=FollowUp("mcar", missing=0.1),
        gaming=Gaming(clinics=0.1, skips=0.8),
        seed=seed,
    )
    made = generate(world)
    data, games = sample(made), made.truth.clinics["games"].to_numpy(zero_copy_only=False)
    above, _, _ = colours(unadjusted(data, k), POINTS_MARGIN, seed)
    n = np.bincount(data.clinic, minlength=k).astype(float)
    followed = np.bincount(data.clinic[data.followed], minlength=k).astype(float)
    passes = completion_passes(n, followed)
    return {
        "games": games.sum(),
        "flattered": (above & games).sum(),
        "still": (above & games & passes).sum(),
        "grey": (~passes & games).sum(),
        "honest": (~games).sum(),
        "honest_grey": (~passes & ~games).sum(),
    }


QUESTIONS = (
    Question(
        "no-difference",
        "M5.5",
        "40 clinics of about 64 followed people that are all the same; kernel of the light with its gates",
        alike,
        (
            Target("clinics marked below", ratio_of("red", "lights"), high=0.05, unit="%"),
            Target("clinics marked above", ratio_of("green", "lights"), high=0.05, unit="%"),
            Target("any colour before the gates", ratio_of("bare", "lights"), unit="%"),
        ),
    ),
    Question(
        "deprivation",
        "M3.1, M3.8",
        "60 clinics of about 120 people; 1.2 points less improvement per quintile, 40 % of deprivation between clinics",
        deprived_areas,
        (
            Target(
                "of the clinics marked below, those whose own effect is not: unadjusted",
                ratio_of("raw_wrong", "raw_marked"),
                unit="%",
            ),
            Target("the same, adjusted within clinics", ratio_of("adjusted_wrong", "adjusted_marked"), unit="%"),
            Target(
                "fall of that share by adjustment",
                fall_of(("raw_wrong", "raw_marked"), ("adjusted_wrong", "adjusted_marked")),
                low=1 / 3,
                unit="%",
            ),
            Target("clinics wrongly marked below: unadjusted", ratio_of("raw_wrong", "clinics"), unit="%"),
            Target("clinics wrongly marked below: adjusted", ratio_of("adjusted_wrong", "clinics"), unit="%"),
        ),
    ),
    Question(
        "not-asked",
        "M1.4, M11.5",
        "40 clinics of about 120 people; 4 do not ask 80 % of those who did not improve reliably",
        not_asked,
        (
            Target("such clinics marked above, were there no gate", ratio_of("flattered", "games"), unit="%"),
            Target("such clinics turned grey by the gates of completeness alone", ratio_of("grey", "games"), unit="%"),
            Target("such clinics marked above in spite of these two gates", ratio_of("still", "games"), unit="%"),
            Target("other clinics turned grey by them", ratio_of("honest_grey", "honest"), high=0.05, unit="%"),
        ),
    ),
)
