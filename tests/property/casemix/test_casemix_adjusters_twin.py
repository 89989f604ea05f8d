"""A slow plain-Python twin of the adjuster table, sharing no code with the SQL, on random people."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from benchwell.casemix.adjusters import adjuster_rows
from benchwell.engine import DuckDBEngine
from benchwell.errors import DeclarationError
from benchwell.outcomes import build_outcomes
from benchwell.registry import CaseMix
from unit.outcomes.outcome_cases import INSTRUMENTS, episode, inputs_of, measure, score, tables_of

SNAPSHOT = 400
MEASURES = [
    measure("response", id="from-start", baseline={"from_day": -20, "to_day": 5}),
    measure("response", id="from-score", index={"rule": "first_score"}, baseline={"from_day": -3, "to_day": 0}),
]
WORDS = [None, "a", "B ", "c"]


def looked_at(name, source, **more):
    own = {"name": name, "source": source, "role": "audit", "kind": "social", "rationale": "To look at it."}
    return own | more


def adjusted(name, source, **more):
    own = {
        "role": "adjust",
        "kind": "clinical",
        "form": {"kind": "linear", "centre": 0},
        "missing": {"rule": "category"},
    }
    return looked_at(name, source, **own) | more


LEVELS = {"kind": "categories", "levels": ["1", "2"], "reference": "1"}
MIX = CaseMix.model_validate(
    {"id": "mix", "revision": 1, "title": "A mix", "why": "To test.", "author": "tests"}
    | {
        "variables": [
            adjusted("baseline", "baseline"),
            adjusted("years", "age"),
            adjusted("other_score", "score:gad-7"),
            adjusted("count", "characteristic:count"),
            adjusted("kind_of", "characteristic:count", form=LEVELS),
            adjusted("deprived", "deprivation_quintile", kind="social", form=LEVELS),
            adjusted("day", "measurement_day", kind="ruler", timing="post_index", missing={"rule": "exclude"}),
            looked_at("who", "ethnicity"),
            looked_at("how", "therapy"),
            looked_at("safe", "safety_net"),
            {"name": "sessions", "source": "sessions", "role": "forbidden", "rationale": "Part of the care."},
        ]
    }
)

_day = st.one_of(st.none(), st.integers(-40, 60), st.sampled_from([-20, -3, 0, 5]))
_person = st.fixed_dictionaries(
    {
        "starts": st.lists(st.integers(0, 90), min_size=1, max_size=2, unique=True),
        "born": st.one_of(st.none(), st.integers(-20_000, -5_000)),
        "quintile": st.one_of(st.none(), st.integers(1, 5)),
        "word": st.sampled_from(WORDS),
        "usable": st.sampled_from([True, True, True, False]),
        "since": st.one_of(st.none(), st.none(), st.integers(-10, 60)),
        "characteristics": st.lists(
            st.tuples(_day, st.sampled_from([None, 1.0, 2.0, 2.5, 10.0]), st.sampled_from([None, None, "x", "y"])),
            max_size=4,
            unique_by=lambda item: (item[0], item[1], item[2]),
        ),
        "scores": st.lists(
            st.tuples(
                st.one_of(st.integers(-30, 110), st.sampled_from([-20, -3, 0, 5, 84, 90])),
                st.sampled_from(["phq-9", "phq-9", "gad-7"]),
                st.integers(0, 21),
                st.sampled_from(["complete", "complete", "complete", "invalid"]),
                st.booleans(),  # reviewed
            ),
            min_size=1,
            max_size=8,
        ),
    }
)


def _rows(people):
    rows = {name: [] for name in ("episodes", "patients", "scores", "consents", "characteristics")}
    rows["organizations"] = [{"organization_id": "org-1", "safety_net": True}]
    for p, person in enumerate(people):
        patient = {"patient_id": f"p{p}"}
        told = {"birth_day": person["born"], "deprivation_quintile": person["quintile"], "ethnicity": person["word"]}
        rows["patients"].append(patient | told)
        rows["consents"].append(patient | {"usable": person["usable"], "since_day": person["since"]})
        for day, value, code in person["characteristics"]:
            named = {"name": "count", "day": day, "value": value, "code": code}
            rows["characteristics"].append(patient | named)
            rows["characteristics"].append(patient | named | {"name": "something else", "value": 99.0})
        for e, start in enumerate(person["starts"]):
            name = f"e{p}-{e}"
            rows["episodes"].append(episode(name, start, therapy=person["word"], **patient))
            for n, (day, instrument, value, status, reviewed) in enumerate(person["scores"]):
                more = {
                    "instrument": instrument,
                    "status": status,
                    "reviewed": reviewed,
                    "assessment_id": f"{name}-{n}",
                }
                rows["scores"].append(score(name, start + day, value, **more, **patient))
    return rows


class Twin:
    """The same table, one episode at a time."""

    def __init__(self, rows):
        self.rows = rows
        self.episodes = {row["episode_id"]: row for row in rows["episodes"]}
        self.patients = {row["patient_id"]: row for row in rows["patients"]}
        self.since = {row["patient_id"]: row["since_day"] for row in rows["consents"]}

    def latest(self, outcome):
        """The characteristics of the last day up to the index."""
        dated = [
            row
            for row in self.rows["characteristics"]
            if row["patient_id"] == outcome["patient_id"] and row["name"] == "count"
        ]
        dated = [row for row in dated if row["value"] is not None or row["code"] is not None]
        dated = [row for row in dated if row["day"] is not None and row["day"] <= outcome["index_day"]]
        last = max((row["day"] for row in dated), default=None)
        return [row for row in dated if row["day"] == last]

    def label(self, row):
        if row["code"] is not None or row["value"] is None:
            return row["code"]
        return str(int(row["value"])) if row["value"] == int(row["value"]) else str(row["value"])

    def gad(self, outcome, opens):
        since, best = self.since[outcome["patient_id"]], None
        for row in self.rows["scores"]:
            if row["episode_id"] != outcome["episode_id"] or row["instrument"] != "gad-7" or row["status"] == "invalid":
                continue
            relative = row["day"] - outcome["index_day"]
            if (since is not None and row["day"] < since) or not opens <= relative <= 0:
                continue
            rank = (row["day"], row["reviewed"], row["assessment_id"])
            if best is None or rank > best[0]:
                best = (rank, float(row["value"]))
        return None if best is None else best[1]

    def row(self, outcome):
        patient, course = self.patients[outcome["patient_id"]], self.episodes[outcome["episode_id"]]
        found = self.latest(outcome)
        numbers = [row["value"] for row in found if row["value"] is not None]
        labels = [self.label(row) for row in found if self.label(row) is not None]
        born, followed = patient["birth_day"], outcome["followup_day"]
        return {
            "measure": outcome["measure"],
            "episode_id": outcome["episode_id"],
            "baseline": outcome["baseline"],
            "years": None if born is None else float(math.floor((outcome["index_day"] - born) / 365.25)),
            "other_score": self.gad(outcome, -20 if outcome["measure"] == "from-start" else -3),
            "count": max(numbers, default=None),
            "kind_of": max(labels, default=None),
            "deprived": None if patient["deprivation_quintile"] is None else str(patient["deprivation_quintile"]),
            "day": None if followed is None else float(followed - outcome["index_day"]),
            "who": patient["ethnicity"],
            "how": course["therapy"],
            "safe": "true",
        }


def _table(rows, mix=MIX, measures=MEASURES, keep=True):
    with DuckDBEngine(threads=1) as engine:
        inputs = inputs_of(tables_of(**rows), engine)
        built = build_outcomes(inputs, MEASURES, INSTRUMENTS, snapshot_day=SNAPSHOT, keep=engine.keep)
        outcomes = engine.keep(built.outcomes)
        frame = adjuster_rows(inputs, outcomes, mix, measures, INSTRUMENTS, keep=engine.keep if keep else None)
        order = [("measure", "ascending"), ("episode_id", "ascending")]
        return engine.to_arrow(frame).sort_by(order).to_pylist(), engine.to_arrow(outcomes).sort_by(order).to_pylist()


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)
@given(st.lists(_person, min_size=1, max_size=5), st.booleans())
def test_the_table_is_what_plain_python_makes_of_the_same_people(people, keep):
    rows = _rows(people)
    found, outcomes = _table(rows, keep=keep)
    twin = Twin(rows)
    assert found == [twin.row(outcome) for outcome in outcomes if outcome["eligible"]]


def _person_of(**more):
    person = {"starts": [0], "born": None, "quintile": None, "word": "a", "usable": True, "since": None}
    return person | {"characteristics": [], "scores": [(0, "phq-9", 15, "complete", False)]} | more


def test_who_opted_out_has_no_row():
    found, outcomes = _table(_rows([_person_of(), _person_of(usable=False)]))
    assert len(outcomes) == 4
    assert {row["episode_id"] for row in found} == {"e0-0"}


def test_a_value_from_after_the_index_day_or_without_a_day_is_unknown():
    later = [(1, 2.0, None), (None, 1.0, None)]
    (row, _), _ = _table(_rows([_person_of(characteristics=later)]))
    assert (row["count"], row["kind_of"]) == (None, None)
    (row, _), _ = _table(_rows([_person_of(characteristics=[*later, (0, 1.0, None)])]))
    assert (row["count"], row["kind_of"]) == (1.0, "1")


def test_only_the_measures_asked_for_are_in_the_table():
    found, _ = _table(_rows([_person_of()]), measures=MEASURES[:1])
    assert [row["measure"] for row in found] == ["from-start"]
    assert _table(_rows([_person_of()]), measures=[])[0] == []


def test_a_case_mix_without_variables_gives_the_keys_alone():
    bare = MIX.model_copy(update={"variables": ()})
    found, _ = _table(_rows([_person_of()]), mix=bare)
    assert found[0] == {"measure": "from-score", "episode_id": "e0-0"}


@pytest.mark.parametrize(
    ("source", "message"),
    [("score:phq-99", "unknown instrument 'phq-99'"), ("score:gad-7/worry", "'gad-7' has no scale 'worry'")],
)
def test_a_score_that_nobody_declared_is_named(source, message):
    wrong = MIX.model_copy(update={"variables": (MIX.variable("other_score").model_copy(update={"source": source}),)})
    with pytest.raises(DeclarationError, match=f"'other_score'.*{message}"):
        _table(_rows([_person_of()]), mix=wrong)
