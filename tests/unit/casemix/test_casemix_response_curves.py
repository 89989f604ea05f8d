"""Which scores make a curve, and what is frozen of one that passes, fails, or cannot be fitted."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from benchwell.casemix.curve_checks import failing
from benchwell.casemix.curve_figures import gain_shares, start_bands
from benchwell.casemix.curve_rows import curve_rows
from benchwell.casemix.response_curves import fit_response_curves
from benchwell.engine import DuckDBEngine
from benchwell.errors import DeclarationError
from benchwell.outcomes import OutcomeInputs
from benchwell.registry import CurveDeclaration, Registry
from benchwell.tables import CANONICAL, DERIVED

REGISTRY = Registry.load()
PHQ9, WHO5 = REGISTRY.instrument("phq-9"), REGISTRY.instrument("who-5")
DECLARED = REGISTRY.response_curve("phq9-course-weeks")
LAST_DAY = 30_000


def declared(**changes):
    return CurveDeclaration.model_validate(DECLARED.model_dump() | changes)


@pytest.fixture(scope="module")
def engine():
    with DuckDBEngine() as made:
        yield made


def inputs_of(engine, courses, contacts=()):
    """Courses as (patient, episode, clinic, sex); contacts as (episode, day)."""
    frames = {name: engine.from_arrow(CANONICAL[name].empty()) for name in ("events", "characteristics", "consents")}
    episodes = [{"patient_id": p, "episode_id": e, "organization_id": o} for p, e, o, _ in courses]
    people = {p: {"patient_id": p, "sex": s, "language": None} for p, _, _, s in courses}
    seen = [{"episode_id": e, "day": d, "attended": True, "kind": "treatment"} for e, d in contacts]
    schema = pa.schema({"episode_id": pa.string(), "day": pa.int64(), "attended": pa.bool_(), "kind": pa.string()})
    person = pa.schema({"patient_id": pa.string(), "sex": pa.string(), "language": pa.string()})
    course = pa.schema({"patient_id": pa.string(), "episode_id": pa.string(), "organization_id": pa.string()})
    return OutcomeInputs(
        scores=engine.from_arrow(DERIVED["scores"].empty()),
        episodes=engine.from_arrow(pa.Table.from_pylist(episodes, schema=course)),
        patients=engine.from_arrow(pa.Table.from_pylist(list(people.values()), schema=person)),
        encounters=engine.from_arrow(pa.Table.from_pylist(seen, schema=schema)),
        organizations=engine.from_arrow(CANONICAL["organizations"].empty()),
        **frames,
    )


def scores_of(engine, rows, instrument="phq-9", scale="total"):
    """Scores as (episode, day, value)."""
    content = [
        {"episode_id": e, "instrument": instrument, "scale": scale, "day": d, "value": float(v)} for e, d, v in rows
    ]
    schema = pa.schema(
        {
            "episode_id": pa.string(),
            "instrument": pa.string(),
            "scale": pa.string(),
            "day": pa.int64(),
            "value": pa.float64(),
        }
    )
    return engine.from_arrow(pa.Table.from_pylist(content, schema=schema))


def rows_of(engine, courses, scores, contacts=(), declaration=DECLARED):
    inputs = inputs_of(engine, courses, contacts)
    return curve_rows(engine, inputs, scores_of(engine, scores), declaration, "total", last_day=LAST_DAY)


def test_one_course_a_person_the_first_with_enough_scores(engine):
    courses = [("p1", "e1", "a", "female"), ("p1", "e2", "a", "female"), ("p1", "e3", "b", "female"),
               ("p2", "e4", None, None)]  # fmt: skip
    scores = [("e1", 0, 20), ("e2", 100, 18), ("e2", 107, 15), ("e3", 300, 9), ("e3", 307, 8), ("e4", 5, 12),
              ("e4", 19, 11), ("e4", 5 + 17 * 7, 2)]  # fmt: skip
    rows = rows_of(engine, courses, scores)
    assert rows.scores.value.tolist() == [18, 15, 12, 11]  # beyond the horizon nothing counts
    assert rows.occasion.tolist() == [0, 1, 0, 2]
    assert rows.baseline.tolist() == [18, 12]
    assert rows.groups["sex"].tolist() == ["female", "unknown"]
    assert len(set(rows.clinic.tolist())) == 2


def test_no_scores_are_no_people(engine):
    rows = rows_of(engine, [("p1", "e1", "a", "female")], [])
    assert rows.people == 0


def test_sessions_at_or_before_the_score(engine):
    courses = [("p1", "e1", "a", "female"), ("p2", "e2", "a", "male")]
    scores = [("e1", 0, 20), ("e1", 7, 18), ("e1", 14, 16), ("e2", 0, 20), ("e2", 7, 18)]
    by_session = REGISTRY.response_curve("phq9-course-sessions")
    contacts = [("e1", 3), ("e1", 5), ("e1", 14)]
    rows = rows_of(engine, courses, scores, contacts, by_session)
    assert rows.occasion.tolist() == [1, 2, 3]  # a score before the first session counts as of it
    assert rows.people == 1  # a course without sessions has no place on this clock


def network(engine, n=260, clinics=6, start=16.0, sd=3.3, healthy="low", seed=5, shape=np.log1p):
    """Weekly scores of people around one line; `healthy="high"` turns the scale over."""
    rng = np.random.default_rng(seed)
    courses, scores = [], []
    for one in range(n):
        courses.append((f"p{one:04}", f"e{one:04}", f"clinic-{one % clinics}", ("female", "male")[one % 2]))
        own = rng.multivariate_normal([start, -2.8], [[sd**2, -0.6], [-0.6, 1.4]])
        for week in range(10):
            value = np.clip(np.rint(own[0] + own[1] * shape(week) + rng.normal(0, 2.1)), 0, 27)
            scores.append((f"e{one:04}", 7 * week, value if healthy == "low" else 100 - 3.5 * value))
    return courses, scores


def frozen(engine, declaration, *, instrument=PHQ9, **world):
    courses, scores = network(engine, **world)
    inputs = inputs_of(engine, courses)
    frame = scores_of(engine, scores, instrument.id, instrument.primary.id)
    tables = fit_response_curves(
        engine, inputs, frame, {declaration.id: declaration}, {instrument.id: instrument}, last_day=LAST_DAY
    )
    return {name: table.to_pylist() for name, table in tables.items()}


def test_nothing_declared_is_nothing_frozen(engine):
    assert fit_response_curves(engine, None, None, {}, {}, last_day=LAST_DAY) == {}


def test_a_curve_that_passes(engine):
    found = frozen(engine, declared())
    [curve] = found["response_curves"]
    assert (curve["status"], curve["reason"]) == ("ok", None)
    assert curve["n_people"] <= curve["n_fitted"] == 260
    assert {row["rule"] for row in found["early_changes"]} == {"early_change", "review"}


def test_a_curve_that_does_not_pass_is_kept_with_its_reason(engine):
    strict = declared(gates=DECLARED.gates.model_dump() | {"coverage": (0.97, 0.99)})
    [curve] = frozen(engine, strict)["response_curves"]
    assert curve["status"] == "failed"
    assert curve["reason"].startswith(
        "On clinics that it was not fitted to: the share of scores within the range is 0.7"
    )
    assert curve["reason"].endswith("allowed 0.97 to 0.99.")
    assert curve["slope"] is not None


def test_a_course_that_is_no_line_fails_at_its_occasions(engine):
    """Nothing happens for six weeks, and then everything: wide enough ranges alone would hide it."""
    late = frozen(engine, declared(), shape=lambda week: 3.0 if week > 5 else 0.0)
    [curve] = late["response_curves"]
    assert curve["status"] == "failed"
    assert "at occasion 5 is" in curve["reason"]


def test_only_the_clinical_range_comes_in(engine):
    """People below the cut-off are never taken on: the curve of those who come still holds for those who come."""
    found = frozen(engine, declared(), n=320, start=17.5, sd=2.0)
    [curve] = found["response_curves"]
    assert curve["status"] == "ok", curve["reason"]


def test_a_search_that_did_not_end_is_not_served(engine, monkeypatch):
    from dataclasses import replace

    from benchwell.casemix import response_curves

    fit = response_curves.fit_growth
    monkeypatch.setattr(response_curves, "fit_growth", lambda scores: replace(fit(scores), converged=False))
    [curve] = frozen(engine, declared())["response_curves"]
    assert (curve["status"], curve["reason"]) == ("failed", "The search for the curve did not end at an optimum.")


def test_scores_that_never_differ_cannot_be_fitted(engine):
    courses = [(f"p{one:04}", f"e{one:04}", f"c{one % 6}", "female") for one in range(220)]
    scores = [(f"e{one:04}", 7 * week, 15) for one in range(220) for week in range(3)]
    tables = fit_response_curves(
        engine,
        inputs_of(engine, courses),
        scores_of(engine, scores),
        {"phq9-course-weeks": DECLARED},
        {"phq-9": PHQ9},
        last_day=LAST_DAY,
    )
    [curve] = tables["response_curves"].to_pylist()
    assert curve["status"] == "failed"
    assert curve["reason"].startswith("The curve cannot be fitted")
    assert tables["response_bands"].num_rows == 0


def test_higher_is_better_and_everybody(engine):
    upward = declared(id="who5-course", instrument="who-5", start="everybody", early=None, groups=())
    found = frozen(engine, upward, instrument=WHO5, healthy="high")
    [curve] = found["response_curves"]
    assert curve["start"] is None
    assert curve["better"] == "higher"
    assert curve["slope"] > 0
    assert {row["rule"] for row in found["early_changes"]} == {"review"}
    bands = found["response_bands"]
    early, late = bands[0], bands[15]
    assert early["band"] == late["band"]
    assert late["mean"] > early["mean"]
    worst = declared(id="who5-course", instrument="who-5", start=50.0, early=None)
    [low] = frozen(engine, worst, instrument=WHO5, healthy="high")["response_curves"]
    assert low["n_people"] < curve["n_people"]
    reviews = [row for row in found["early_changes"] if row["status"] == "ok"]
    assert all(row["ppv"] > row["prevalence"] for row in reviews)


def test_few_people_of_a_group_are_neither_shown_nor_judged(engine):
    gates = DECLARED.gates.model_dump() | {"cell": 150}
    found = frozen(engine, declared(gates=gates))
    small = [row for row in found["curve_checks"] if row["n_people"] is None]
    assert small
    assert all(row["passed"] is None and row["value"] is None for row in small)
    unjudged = declared(gates=DECLARED.gates.model_dump() | {"judged": 150})
    few = [row for row in frozen(engine, unjudged)["curve_checks"] if row["n_people"] and row["n_people"] < 150]
    assert few
    assert all(row["passed"] is None and row["value"] is not None for row in few)
    assert any(row["n_people"] is None and row["n_responded"] is None for row in found["response_starts"])


def test_bands_of_the_population():
    assert [band.label for band in start_bands(PHQ9, PHQ9.primary, None)] == ["0-4", "5-9", "10-14", "15-19", "20-27"]
    assert [band.label for band in start_bands(PHQ9, PHQ9.primary, 12)] == ["12-14", "15-19", "20-27"]
    assert next(band.label for band in start_bands(WHO5, WHO5.primary, 50)).startswith("0-")


def test_shares_of_the_way_have_no_value_at_the_healthy_end():
    found = gain_shares(np.array([20.0, 0.0]), np.array([10.0, 3.0]), 0.0)
    assert found[0] == 0.5
    assert np.isnan(found[1])


def test_a_declaration_that_the_instrument_does_not_answer_is_refused(engine):
    nothing = inputs_of(engine, [("p", "e", "a", "male")])
    frame = scores_of(engine, [])

    def fit(declaration, instrument):
        return fit_response_curves(
            engine, nothing, frame, {declaration.id: declaration}, {instrument.id: instrument}, last_day=LAST_DAY
        )

    with pytest.raises(DeclarationError, match="no such scale"):
        fit(declared(scale="nothing"), PHQ9)
    without = PHQ9.model_copy(update={"caseness": None})
    with pytest.raises(DeclarationError, match="caseness"):
        fit(declared(), without)


def test_a_strict_cut_off_starts_at_the_next_score(engine):
    phq9m = REGISTRY.instrument("phq-9m")  # caseness is above 9
    curve = declared(id="teens", instrument="phq-9m")
    [row] = frozen(engine, curve, instrument=phq9m)["response_curves"]
    assert row["start"] == 10


def test_checks_that_could_not_be_judged_fail_nothing():
    assert failing([{"passed": None}, {"passed": True}]) is None


def test_a_failed_check_says_of_whom():
    row = {"check": "calibration", "value": 2.0, "lowest": -1.5, "highest": 1.5, "passed": False}
    said = failing([row | {"stratum": "baseline", "level": "10-14"}, row | {"stratum": "sex", "level": "male"}])
    assert "the mean score less the mean expected of first scores 10-14 is 2.00, allowed -1.5 to 1.5;" in said
    assert "of sex male is 2.00" in said


def test_without_a_declared_remission_none_is_counted(engine):
    without = PHQ9.model_copy(update={"remission": None})
    starts = frozen(engine, declared(), instrument=without)["response_starts"]
    assert all(row["n_remitted"] is None and row["n_responded"] is not None for row in starts)
