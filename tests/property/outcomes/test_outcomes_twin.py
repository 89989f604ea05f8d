"""A slow plain-Python twin of the outcome rules, sharing no code with the SQL, on random scores and episodes."""

from __future__ import annotations

from itertools import product

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from unit.outcomes.outcome_cases import INSTRUMENTS, contact, episode, measure, run, score

SNAPSHOT = 300
PICKS = [
    {"pick": "last"},
    {"pick": "first"},
    {"pick": "closest", "target_day": 100},
    {"pick": "last_observation"},
    {"pick": "session_k", "session": 2},
]
ENDPOINTS = ["response", "remission", {"kind": "reliable_change", "met": "recovered_or_improved"}]
INDEXES = [
    {"rule": "start_date"},
    {"rule": "first_score"},
    {"rule": "elevated_score", "at_least": 10},
    {"rule": "first_attended"},
]
MEASURES = [
    measure(
        endpoint,
        id=f"m-{number}",
        index=index | {"clean_days": 120},
        baseline={"from_day": -14, "to_day": 3, "pick": "last", "cut_in": 8},
        followup={"from_day": 30, "to_day": 150, "grace_days": 10} | pick,
    )
    for number, (pick, endpoint, index) in enumerate(
        [(pick, ENDPOINTS[i % 3], INDEXES[(i + j) % 4]) for (i, pick), j in product(enumerate(PICKS), (0, 1))]
    )
]

_scores = st.lists(
    st.tuples(
        st.one_of(st.integers(-25, 170), st.sampled_from([-14, 0, 3, 80, 90, 110, 120, 150])),  # edges and ties
        st.integers(0, 27),
        st.sampled_from([None, True, False]),  # reviewed
        st.sampled_from([None, 5, 9]),  # second
        st.sampled_from(["complete", "complete", "prorated", "invalid"]),
        st.sampled_from(["v1", "v1", "v1", None, "v2"]),
    ),
    max_size=7,
)
_course = st.fixed_dictionaries(
    {
        "start": st.integers(0, 140),
        "length": st.one_of(st.none(), st.integers(0, 200)),
        "end_reason": st.sampled_from([None, "completed", "moved"]),
        "scores": _scores,
        "sessions": st.lists(st.tuples(st.integers(-3, 150), st.booleans()), max_size=4),
    }
)
_person = st.fixed_dictionaries(
    {
        "courses": st.lists(_course, min_size=1, max_size=2),
        "death": st.one_of(st.none(), st.none(), st.integers(0, 320)),
        "cause": st.sampled_from([None, "suicide", "other"]),
        "usable": st.sampled_from([True, True, True, False]),
        "since": st.one_of(st.none(), st.none(), st.integers(0, 100)),
    }
)


def _rows(people):
    rows = {name: [] for name in ("episodes", "patients", "scores", "encounters", "consents")}
    for p, person in enumerate(people):
        patient = {"patient_id": f"p{p}"}
        rows["patients"].append(patient | {"death_day": person["death"], "death_cause": person["cause"]})
        rows["consents"].append(patient | {"usable": person["usable"], "since_day": person["since"]})
        for c, course in enumerate(person["courses"]):
            name = f"e{p}-{c}"
            end = None if course["length"] is None else course["start"] + course["length"]
            reason = None if end is None else course["end_reason"]
            rows["episodes"].append(episode(name, course["start"], end_day=end, end_reason=reason, **patient))
            for n, (day, value, reviewed, second, status, version) in enumerate(course["scores"]):
                more = {"reviewed": reviewed, "second": second, "status": status, "version": version}
                more |= {"assessment_id": f"{name}-{n}"} | patient
                rows["scores"].append(score(name, course["start"] + day, value, **more))
            for n, (day, attended) in enumerate(course["sessions"]):
                extra = {"encounter_id": f"{name}-{n}", "attended": attended}
                rows["encounters"].append(contact(name, course["start"] + day, **extra))
    return rows


class Twin:
    """The rules in plain Python, one episode at a time."""

    def __init__(self, rows):
        self.rows = rows
        self.patients = {row["patient_id"]: row for row in rows["patients"]}
        self.consents = {row["patient_id"]: row for row in rows["consents"]}

    def usable_scores(self, course):
        consent = self.consents[course["patient_id"]]
        found = {}
        for row in self.rows["scores"]:
            if row["episode_id"] != course["episode_id"] or row["status"] == "invalid" or row["day"] > SNAPSHOT:
                continue
            if consent["since_day"] is not None and row["day"] < consent["since_day"]:
                continue
            rank = (row["reviewed"] is True, -1 if row["second"] is None else row["second"], row["assessment_id"])
            if row["day"] not in found or rank > found[row["day"]][0]:
                found[row["day"]] = (rank, row)
        return [found[day][1] for day in sorted(found)]

    def session_days(self, course):
        mine = [row for row in self.rows["encounters"] if row["episode_id"] == course["episode_id"]]
        return sorted({row["day"] for row in mine if row["attended"] and row["day"] <= SNAPSHOT})

    def index(self, course, chosen):
        rule = chosen.index.rule
        if rule == "start_date":
            return course["start_day"]
        if rule == "first_attended":
            return min(self.session_days(course), default=None)
        scores = self.usable_scores(course)
        if rule == "elevated_score":
            scores = [row for row in scores if row["value"] >= 10]
        return min((row["day"] for row in scores), default=None)

    def end(self, course):
        end = course["end_day"]
        return end if end is not None and end <= SNAPSHOT else None

    def blocked(self, course, chosen, index):
        for other in self.rows["episodes"]:
            if other["patient_id"] != course["patient_id"] or other is course:
                continue
            earlier = self.index(other, chosen)
            if earlier is None or (earlier, other["episode_id"]) > (index, course["episode_id"]):
                continue
            end = self.end(other)
            if index - earlier < chosen.index.clean_days and (end is None or end >= index):
                return True
        return False

    def pick(self, scores, index, rule, course):
        if rule.pick in ("last", "last_observation"):
            end = self.end(course)
            if rule.pick == "last_observation" and end is not None:
                scores = [row for row in scores if row["day"] <= end]
            return max(scores, key=lambda row: row["day"], default=None)
        if rule.pick == "first":
            return min(scores, key=lambda row: row["day"], default=None)
        if rule.pick == "closest":
            return min(scores, key=lambda row: (abs(row["day"] - index - rule.target_day), -row["day"]), default=None)
        days = self.session_days(course)
        if len(days) < rule.session:
            return None
        inside = [row for row in scores if days[rule.session - 2] < row["day"] <= days[rule.session - 1]]
        return max(inside, key=lambda row: row["day"], default=None)

    def outcome(self, course, chosen):  # noqa: C901  # one list of rules, in their order, is the point of the twin
        patient, consent = self.patients[course["patient_id"]], self.consents[course["patient_id"]]
        if not consent["usable"]:
            return "opted_out", "opted-out", None, None, None
        index = self.index(course, chosen)
        if index is None:
            return "excluded", "no-index", None, None, None
        if self.blocked(course, chosen, index):
            return "excluded", "within-clean-period", None, None, None
        scores, rule = self.usable_scores(course), chosen.followup
        if chosen.index.rule == "elevated_score":
            window = [row for row in scores if row["day"] == index]
        else:
            window = [row for row in scores if -14 <= row["day"] - index <= 3]
        if not window:
            return "excluded", "no-baseline", None, None, None
        baseline = window[-1]
        if baseline["value"] < 8:
            return "excluded", "below-cut-in", None, None, None
        inside = [row for row in scores if rule.from_day <= row["day"] - index <= rule.to_day]
        followup = self.pick([row for row in inside if row["day"] > baseline["day"]], index, rule, course)
        end, closes = self.end(course), index + rule.to_day
        if rule.pick == "last_observation" and end is not None:
            closes = min(closes, end)
        if closes + rule.grace_days > SNAPSHOT:
            return "immature", "immature", None, None, None
        if followup is not None:
            versions = {baseline["version"], followup["version"]} - {None}
            if len(versions) == 2:
                return "excluded", "version-changed", None, None, None
            return "followed", None, *self.met(baseline["value"], followup["value"], chosen.endpoint.kind)
        death = patient["death_day"]
        if death is not None and death <= min(closes, SNAPSHOT):
            reason = "suicide" if patient["death_cause"] == "suicide" else "died"
            return "died", reason, None, None, None
        if end is not None and end <= closes and course["end_reason"] == "moved":
            return "moved", "moved", None, None, None
        return "missing", "no-followup", None, None, None

    @staticmethod
    def met(pre, post, kind):
        met = {"response": 2 * post <= pre, "remission": post < 5, "reliable_change": pre - post >= 6}[kind]
        return pre, post, met


# No shrinking: each example builds ten measures and takes seconds, and the assertion names the case already.
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(_person, min_size=5, max_size=40))
def test_the_engine_agrees_with_the_twin(people):
    rows = _rows(people)
    twin = Twin(rows)
    outcomes, flow = run(MEASURES, INSTRUMENTS, snapshot=SNAPSHOT, **rows)
    courses = {row["episode_id"]: row for row in rows["episodes"]}
    measures = {item.id: item for item in MEASURES}
    assert len(outcomes) == len(courses) * len(measures)
    counts = {}
    for row in outcomes:
        status, reason, pre, post, met = twin.outcome(courses[row["episode_id"]], measures[row["measure"]])
        assert (row["status"], row["reason"]) == (status, reason)
        assert row["eligible"] == (status in {"followed", "missing", "moved"} or reason == "suicide")
        assert row["met"] == met
        if status == "followed":
            assert (row["baseline"], row["followup"], row["value"]) == (pre, post, pre - post)
        if status == "opted_out":
            assert row["baseline"] is None
            assert row["index_day"] is None
        key = (row["measure"], reason or "analysed")
        counts[key] = counts.get(key, 0) + 1
    assert {(row["measure"], row["reason"]): row["count"] for row in flow} == counts
    for name in measures:
        steps = [row for row in flow if row["measure"] == name]
        assert sum(row["count"] for row in steps) == len(courses)
        left = len(courses)
        for row in sorted(steps, key=lambda step: step["step"]):
            left -= row["count"] if row["reason"] != "analysed" else 0
            assert row["remaining"] == left
