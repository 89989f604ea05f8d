"""What a world declares is really in its data: moments are recovered within their Monte-Carlo error."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest

from benchwell.synthetic import CaseMix, Dif, Equity, FollowUp, Gaming, World, generate
from benchwell.synthetic.items import answers

PLAIN = CaseMix(baseline_sorting=0, baseline_effect=0, deprivation_sorting=0, comorbidity_effect=0)


def column(made, name):
    return made.episodes[name].to_numpy()


def by_clinic(made, name):
    """Mean of a column per clinic, in the clinics' order."""
    groups = made.episodes.select(["clinic", name]).group_by("clinic", use_threads=False).aggregate([(name, "mean")])
    order = dict(zip(groups["clinic"].to_pylist(), groups[f"{name}_mean"].to_pylist(), strict=True))
    return np.array([order[clinic] for clinic in made.truth.clinics["clinic"].to_pylist()])


def test_spreads_of_clinics_clinicians_and_people_are_those_declared():
    made = generate(
        World(
            clinics=1500,
            episodes=45_000,
            clinicians=3,
            clinic_sd=1.5,
            clinician_sd=1.0,
            outcome="linear",
            casemix=PLAIN,
        )
    )
    effect = made.truth.clinics["effect"].to_numpy()
    clinician = np.unique(column(made, "true_clinician_effect"))
    luck = -column(made, "change") - 7 - column(made, "true_clinic_effect") - column(made, "true_clinician_effect")
    assert effect.std() == pytest.approx(1.5, rel=0.06)
    assert clinician.std() == pytest.approx(1.0, rel=0.06)
    assert luck.std() == pytest.approx(5.0, rel=0.02)
    assert abs(luck.mean()) < 4 * 5 / np.sqrt(45_000)


def test_effects_of_covariates_are_recovered_by_least_squares():
    world = World(
        clinics=40,
        episodes=40_000,
        clinic_sd=0,
        outcome="linear",
        casemix=CaseMix(deprivation_effect=1.0, comorbidity_effect=1.5, baseline_effect=0.3, sessions_effect=0.6),
        equity=Equity(gap=2.0),
    )
    made = generate(world)
    frame = made.episodes.to_pandas()
    design = np.column_stack(
        [
            np.ones(len(frame)),
            frame["phq9_base"] - 16,
            frame["deprivation_quintile"] - 3,
            frame["comorbidity"],
            (frame["sessions"] - 8) / 3,
            frame["group"] == "B",
        ]
    ).astype(float)
    found, *_ = np.linalg.lstsq(design, -frame["change"].to_numpy(), rcond=None)
    assert found == pytest.approx([7 + 1.5 * 0.3, 0.3, 1.0, -1.5, 0.6, -2.0], abs=0.15)


def test_expected_figures_are_the_means_of_what_happens():
    made = generate(World(clinics=50, episodes=60_000, clinic_sd=0))
    change, remission = column(made, "true_change"), column(made, "true_follow_up") < 5
    assert change.mean() == pytest.approx(column(made, "true_expected_change").mean(), abs=4 * 6 / np.sqrt(60_000))
    assert remission.mean() == pytest.approx(
        column(made, "true_expected_remission").mean(), abs=4 * 0.42 / np.sqrt(60_000)
    )


@pytest.mark.parametrize("outcome", ["phq9", "linear"])
def test_the_adjusted_figures_are_what_everybody_would_reach_in_a_clinic(outcome):
    """A slow twin: send everybody to the clinic and count."""
    world = World(clinics=3, episodes=60_000, size_spread=0, clinic_sd=2.0, outcome=outcome)
    made = generate(world)
    luck = np.random.default_rng(5).normal(size=60_000)
    whole = (lambda x: np.clip(np.rint(x), 0, 27)) if outcome == "phq9" else (lambda x: x)
    change = -column(made, "change")
    base = column(made, "phq9_base")
    improvement = 7 + 0.4 * (base - 16) - 1.0 * (column(made, "comorbidity") - 0.3)
    assert abs((change - improvement).mean()) < 3  # the parts above are those of the world
    for effect, adjusted, rate in zip(
        *(made.truth.clinics[name].to_pylist() for name in ("effect", "adjusted_change", "adjusted_remission")),
        strict=True,
    ):
        score = whole(base - improvement - effect - 5 * luck)
        assert (score - base).mean() == pytest.approx(adjusted, abs=0.08)
        assert (score < 5).mean() == pytest.approx(rate, abs=0.006)


def test_benchmark_values_are_quantiles_of_the_clinics():
    truth = generate(World(clinics=30, episodes=3_000)).truth
    rate = np.sort(truth.clinics["adjusted_remission"].to_numpy())
    assert truth.median_remission == pytest.approx((rate[14] + rate[15]) / 2)
    assert truth.top_decile_remission == pytest.approx(rate[26] + 0.1 * (rate[27] - rate[26]))
    assert truth.mean_remission == pytest.approx(rate.mean())
    assert truth.top_decile_change < truth.median_change


def test_a_quarter_of_the_variance_of_deprivation_lies_between_clinics():
    made = generate(World(clinics=800, episodes=80_000, size_spread=0, casemix=CaseMix(deprivation_sorting=0.25)))
    quintile = column(made, "deprivation_quintile").astype(float)
    between = by_clinic(made, "deprivation_quintile").var() - quintile.var() / 100
    assert between / quintile.var() == pytest.approx(0.24, abs=0.03)
    assert np.bincount(quintile.astype(int))[1:] / 80_000 == pytest.approx([0.2] * 5, abs=0.025)


def test_clinics_of_deprived_areas_achieve_less_when_told_so():
    made = generate(World(clinics=500, episodes=50_000, casemix=CaseMix(deprivation_sorting=0.5, quality_sorting=-0.8)))
    effect = made.truth.clinics["effect"].to_numpy()
    # A higher quintile is less deprived, so the correlation with it is positive.
    assert np.corrcoef(effect, by_clinic(made, "deprivation_quintile"))[0, 1] == pytest.approx(0.78, abs=0.06)


@pytest.mark.parametrize("mechanism", ["mcar", "mar", "mnar"])
@pytest.mark.parametrize("clinic_sd", [0.0, 1.0])
def test_the_share_missing_is_the_one_declared(mechanism, clinic_sd):
    how = FollowUp(mechanism, missing=0.4, strength=1.5, clinic_sd=clinic_sd)
    made = generate(World(clinics=2_000, episodes=20_000, size_spread=0, follow_up=how))
    assert 1 - column(made, "followed").mean() == pytest.approx(0.4, abs=0.03)
    assert made.episodes["change"].null_count == 20_000 - column(made, "followed").sum()
    assert (by_clinic(made, "followed").std() > 0.2) == (clinic_sd > 0)


def test_who_is_missing_follows_the_mechanism():
    def difference(mechanism, name):
        how = FollowUp(mechanism, missing=0.4, strength=1.0)
        made = generate(World(clinics=50, episodes=20_000, follow_up=how))
        values, followed = column(made, name).astype(float), column(made, "followed")
        return (values[~followed].mean() - values[followed].mean()) / values.std()

    assert abs(difference("mcar", "sessions")) < 0.06
    assert difference("mar", "sessions") < -0.5
    assert abs(difference("mar", "true_change")) < 0.06  # sessions have no effect here
    assert abs(difference("mnar", "sessions")) < 0.06
    assert difference("mnar", "true_change") > 0.5


def test_kappa_is_how_much_higher_the_missing_score():
    world = World(outcome="linear", clinics=50, episodes=40_000, follow_up=FollowUp("mnar", strength=1.0))
    made = generate(world)
    unexplained = (
        column(made, "true_change") - column(made, "true_expected_change") + column(made, "true_clinic_effect")
    )
    followed = column(made, "followed")
    assert made.truth.kappa == pytest.approx(unexplained[~followed].mean() - unexplained[followed].mean(), abs=1e-9)
    assert made.truth.kappa > 3


def test_a_clinic_that_games_looks_better_and_follows_fewer():
    world = World(clinics=40, episodes=20_000, size_spread=0, clinic_sd=0, gaming=Gaming(clinics=0.25, skips=0.9))
    made = generate(world)
    games = made.truth.clinics["games"].to_numpy(zero_copy_only=False)
    assert games.sum() == 10
    followed, remission = by_clinic(made, "followed"), by_clinic(made, "remission")
    assert followed[~games].min() == 1
    assert followed[games].max() < 0.75
    assert remission[games].mean() > remission[~games].mean() + 0.1
    # All whom such a clinic did not ask had not improved reliably.
    frame = made.episodes
    skipped = frame.filter(pc.invert(frame["followed"]))
    assert pc.min(skipped["true_change"]).as_py() > -6


def test_gaps_within_and_between_clinics():
    only_within = generate(World(clinics=60, episodes=30_000, clinic_sd=0, equity=Equity(gap=3.0))).truth
    only_between = generate(World(clinics=60, episodes=30_000, clinic_sd=3, equity=Equity(sorting=1.0))).truth
    assert only_within.gap_within > 0.08
    assert abs(only_within.gap_between) < 0.01
    assert only_between.gap_between > 0.05
    assert abs(only_between.gap_within) < 0.01


def test_one_group_alone_has_no_gap():
    truth = generate(World(clinics=5, episodes=100, equity=Equity(share=0.0))).truth
    assert (truth.gap_within, truth.gap_between) == (0, 0)


def test_the_shifted_item_adds_points_in_one_language_only():
    made = generate(World(clinics=20, episodes=20_000, dif=Dif(probability=0.8)))
    second = np.array(made.episodes["language"].to_pylist()) == "second"
    added = column(made, "phq9_follow_up") - column(made, "true_follow_up")
    assert set(np.unique(added[second])) == {0, 1}
    assert not added[~second].any()
    assert 0.5 < added[second].mean() < 0.8  # an answer of 3 cannot rise


def test_answers_add_up_and_stay_in_range():
    total = np.tile(np.arange(28), 200)
    rows = answers(total, np.random.default_rng(3))
    assert (rows.sum(axis=1) == total).all()
    assert rows.min() == 0
    assert rows.max() == 3
    assert rows.mean(axis=0)[8] < rows.mean(axis=0)[3] - 0.5  # thoughts of death are rarer than tiredness
