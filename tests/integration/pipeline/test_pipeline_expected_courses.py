"""Weekly scores of a network whose truth is known, through intake and build to the signal that one person gets."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchwell import Workspace, verify
from benchwell.errors import EditionError
from benchwell.settings import FILE_NAME, Settings
from benchwell.signals.course_signal import Point, course_signal
from benchwell.signals.response_curve import expected_series, refused_curves, response_curve, similar_start
from benchwell.synthetic import TrueCurve, WeeklyNetwork, write_weekly
from benchwell.tables.curves import CURVE_TABLE_NAMES

AS_OF = "2026-06-30"
BENCHMARKS = ["network-phq9-response-12w"]
DAY = dt.date(2026, 1, 5)


def built(folder, network=None, *, expected_course=True, contacts=True):
    workspace = Workspace(folder / "home")
    settings = Settings.load(folder / "home" / FILE_NAME).model_copy(update={"expected_course": expected_course})
    settings.save(folder / "home" / FILE_NAME)
    workspace = Workspace(folder / "home")
    for file in write_weekly(folder / "files", network)[: 2 if contacts else 1]:
        assert workspace.intake(file, as_of=AS_OF).rejected == 0
    return workspace.build(AS_OF, benchmarks=BENCHMARKS)


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    return built(tmp_path_factory.mktemp("weekly"))


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return built(tmp_path_factory.mktemp("few"), WeeklyNetwork(people=60, clinics=3), contacts=False)


def rows(edition, name, **where):
    found = edition.arrow(name).to_pylist()
    return [row for row in found if all(row[key] == value for key, value in where.items())]


@pytest.mark.parametrize("curve", ["phq9-course-weeks", "phq9-course-sessions"])
def test_the_truth_is_found_again(edition, curve):
    [row] = rows(edition, "response_curves", curve=curve)
    truth = TrueCurve()
    assert row["status"] == "ok", row["reason"]
    assert row["n_fitted"] == 720
    assert abs(row["intercept"] - truth.intercept) < 4 * row["intercept_se"]
    # Sessions are a little rarer than weeks towards the end, so only the weeks are the truth's own clock.
    slack = 4 * row["slope_se"] + (0.1 if curve.endswith("sessions") else 0)
    assert abs(row["slope"] - truth.slope) < slack
    assert row["intercept_variance"] == pytest.approx(truth.intercept_variance, rel=0.2)
    assert row["slope_variance"] == pytest.approx(truth.slope_variance, rel=0.25)
    assert row["residual_variance"] == pytest.approx(truth.residual_variance, rel=0.1)


@pytest.mark.parametrize("curve", ["phq9-course-weeks", "phq9-course-sessions"])
def test_unseen_clinics_are_covered_as_promised(edition, curve):
    checks = rows(edition, "curve_checks", curve=curve)
    [everybody] = [row for row in checks if row["check"] == "coverage" and row["stratum"] == "all"]
    [beyond] = [row for row in checks if row["check"] == "beyond"]
    assert everybody["value"] == pytest.approx(0.80, abs=0.03)
    assert beyond["value"] == pytest.approx(0.10, abs=0.03)
    assert all(row["passed"] is not False for row in checks)
    assert {(row["stratum"], row["level"]) for row in checks} >= {("sex", "female"), ("baseline", "20-27")}


def test_percentiles_without_a_model_agree_where_there_are_enough_people(edition):
    seen = [row for row in rows(edition, "response_bands") if row["empirical_upper"] is not None]
    assert seen
    for row in seen:
        assert row["n_people"] >= 200
        assert row["empirical_median"] == pytest.approx(row["mean"], abs=1.0)
        assert row["empirical_upper"] == pytest.approx(row["upper"], abs=2.0)


def test_no_figure_stands_on_fewer_people_than_declared(edition):
    for name in ("response_starts", "response_bands", "curve_checks"):
        assert all(row["n_people"] is None or row["n_people"] >= 10 for row in rows(edition, name))
    for row in rows(edition, "early_changes", status="ok"):
        assert row["tp"] + row["fp"] >= 10
        assert row["n_people"] == row["tp"] + row["fp"] + row["fn"] + row["tn"]
        assert row["ppv"] == pytest.approx(row["tp"] / (row["tp"] + row["fp"]), rel=1e-9)
    assert all(row["tp"] is None for row in rows(edition, "early_changes", status="insufficient"))


def test_the_edition_verifies_and_has_a_page_for_each_curve(edition):
    report = verify(edition.path)
    assert report.passed, report.failures
    names = {check.name for check in report.checks}
    assert {"curve ranges", "curve gates", "early changes", "values of response_curves"} <= names
    assert (edition.path / "methods/response_curves/phq9-course-weeks.html").is_file()
    assert edition.declaration("response_curve", "phq9-course-weeks").clock == "weeks"


@pytest.mark.parametrize(
    ("table", "column", "value", "check"),
    [
        ("response_bands", "upper", 26.0, "curve ranges"),
        ("response_curves", "horizon", 99.0, "curve settings"),
        ("response_curves", "status", "failed", "curve gates"),
        ("response_starts", "n_responded", 10_000, "curve starts"),
        ("early_changes", "tp", 1, "early changes"),
        ("curve_checks", "passed", False, "curve checks"),
        ("curve_checks", "curve", "of-nobody", "curve declarations"),
    ],
)
def test_a_changed_figure_is_named(edition, tmp_path, table, column, value, check):
    copy = tmp_path / edition.path.name
    shutil.copytree(edition.path, copy)
    file = copy / "tables" / f"{table}.parquet"
    content = pq.read_table(file).to_pylist()
    next(row for row in content if row[column] is not None)[column] = value
    pq.write_table(pq.read_table(file).from_pylist(content, schema=pq.read_schema(file)), file)
    failed = {one.name for one in verify(copy).failures}
    assert {check, f"values of {table}", f"file tables/{table}.parquet"} <= failed


def test_a_table_that_cannot_be_read_is_named(edition, tmp_path):
    copy = tmp_path / edition.path.name
    shutil.copytree(edition.path, copy)
    (copy / "tables/response_bands.parquet").write_bytes(b"not a table")
    assert "table response_bands" in {one.name for one in verify(copy).failures}


@pytest.mark.parametrize("clock", ["weeks", "sessions"])
def test_a_person_of_the_true_curve_is_on_track_and_one_who_stays_is_for_review(edition, clock):
    curve = response_curve(edition, "phq-9", clock=clock)
    phq9 = edition.declaration("instrument", "phq-9")
    along = [16, 14, 13, 12, 11, 11]
    stays = [16, 18, 19, 20, 21, 21]
    for values, state in ((along, "on_track"), (stays, "review")):
        points = [Point(DAY + dt.timedelta(7 * n), n + 1, value) for n, value in enumerate(values)]
        signal = course_signal(points, phq9, curve=curve)
        assert signal.state == state, signal.reason
        assert signal.expected.edition == edition.id
        assert signal.expected.n_people == curve.n_people
        assert signal.early.little_change is (state == "review")
    # Chance alone sends every tenth score of people like these beyond the boundary.
    assert all(one.ppv > one.prevalence for one in curve.reviews)


def test_the_ribbon_and_the_people_with_a_similar_start(edition):
    curve = response_curve(edition, "phq-9")
    ribbon = expected_series(curve, 17)
    assert [row.occasion for row in ribbon] == list(range(17))
    assert all(row.lower < row.mean < row.upper for row in ribbon)
    assert np.all(np.diff([row.mean for row in ribbon]) < 0)
    [frozen] = rows(edition, "response_bands", curve=curve.id, band="15-19", occasion=6.0)
    assert ribbon[6].upper == pytest.approx(frozen["upper"], rel=1e-9)
    like = similar_start(curve, 17)
    share, low, high = like.responded
    assert low < share < high
    assert share == pytest.approx(like.n_responded / like.n_people)
    assert like.remitted[0] <= share


def test_it_is_read_once_and_a_wish_for_another_clock_is_heard(edition):
    assert response_curve(edition, "phq-9") is response_curve(edition, "phq-9", "total")
    assert response_curve(edition, "phq-9").clock == "weeks"
    assert response_curve(edition, "gad-7") is None
    assert refused_curves(edition) == {}


def test_too_few_people_give_no_curve_and_a_reason(few):
    assert response_curve(few, "phq-9") is None
    assert refused_curves(few) == {
        "phq9-course-sessions": "A curve needs 200 people with 2 or more scores; there are fewer than 10.",
        "phq9-course-weeks": "A curve needs 200 people with 2 or more scores; there are "
        f"{rows(few, 'response_curves', curve='phq9-course-weeks')[0]['n_people']}.",
    }
    assert verify(few.path).passed


def test_switched_off_an_edition_has_nothing_of_it(tmp_path):
    edition = built(tmp_path, WeeklyNetwork(people=60, clinics=3), expected_course=False)
    assert response_curve(edition, "phq-9") is None
    assert refused_curves(edition) == {}
    assert not any(edition.file_of(name).exists() for name in CURVE_TABLE_NAMES)
    assert "response_curves" not in edition.manifest["identity"]["declarations"]
    assert "expected_course" not in edition.manifest["identity"]["settings"]
    with pytest.raises(EditionError):
        edition.arrow("response_curves")


def test_few_clinics_cannot_be_left_out(tmp_path):
    edition = built(tmp_path, replace(WeeklyNetwork(), people=260, clinics=3), contacts=False)
    assert "leave clinics out" in refused_curves(edition)["phq9-course-weeks"]
