"""What holds in any world, whatever its settings."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from benchwell.synthetic import CaseMix, Dif, Equity, FollowUp, Gaming, World, generate
from benchwell.synthetic.items import answers

SHARE = st.floats(0, 1)

WORLDS = st.builds(
    World,
    clinics=st.integers(1, 12),
    episodes=st.integers(12, 300),
    clinicians=st.integers(1, 5),
    size_spread=st.floats(0, 2),
    clinic_sd=st.floats(0, 5),
    clinician_sd=st.floats(0, 5),
    residual_sd=st.floats(0.1, 12),
    casemix=st.builds(
        CaseMix,
        baseline_sorting=SHARE,
        deprivation_sorting=SHARE,
        deprivation_effect=st.floats(-3, 3),
        quality_sorting=st.floats(-1, 1),
    ),
    follow_up=st.builds(
        FollowUp,
        st.sampled_from(["complete", "mcar", "mar", "mnar"]),
        missing=st.floats(0.05, 0.95),
        strength=st.floats(0, 3),
        clinic_sd=st.floats(0, 2),
    ),
    gaming=st.builds(Gaming, clinics=SHARE, skips=SHARE),
    equity=st.builds(Equity, share=SHARE, gap=st.floats(-5, 5), sorting=st.floats(-2, 2)),
    dif=st.builds(Dif, share=SHARE, item=st.integers(1, 9), probability=SHARE),
    seed=st.integers(0, 2**32),
)


@given(st.lists(st.integers(0, 27), max_size=40), st.integers(0, 1000))
def test_answers_add_up_to_any_totals(totals, seed):
    rows = answers(np.array(totals, dtype=int), np.random.default_rng(seed))
    assert rows.sum(axis=1).tolist() == totals
    assert rows.shape == (len(totals), 9)
    assert set(np.unique(rows)) <= {0, 1, 2, 3}


@given(WORLDS)
@settings(max_examples=40, deadline=None)
def test_every_world_is_whole(world):
    made = generate(world)
    table, truth = made.episodes, made.truth
    assert table.num_rows == world.episodes == pc.sum(truth.clinics["episodes"]).as_py()
    assert pc.min(truth.clinics["episodes"]).as_py() >= 1
    followed = table["followed"].to_numpy()
    for name in ("phq9_follow_up", "change", "remission"):
        assert (table[name].is_valid().to_numpy() == followed).all()
    for name in ("phq9_base", "true_follow_up"):
        values = table[name].to_numpy()
        assert ((values >= 0) & (values <= 27) & (values == np.rint(values))).all()
    rate = truth.clinics["adjusted_remission"].to_numpy()
    assert ((rate >= 0) & (rate <= 1)).all()
    assert rate.min() <= truth.median_remission <= truth.top_decile_remission <= rate.max()
    # A clinic that achieves more with everybody has more remissions and a larger fall of scores.
    order = np.argsort(truth.clinics["effect"].to_numpy())
    assert (np.diff(rate[order]) >= -1e-9).all()
    assert (np.diff(truth.clinics["adjusted_change"].to_numpy()[order]) <= 1e-9).all()
    assert np.isfinite([truth.gap_within, truth.gap_between, truth.kappa]).all()
