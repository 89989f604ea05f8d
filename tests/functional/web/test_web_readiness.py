"""Data health in a running service: before any score, from the lake alone, from the register, and beside an edition."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import delete, insert, update

from benchwell.pipeline.live.follow_up_gain import follow_up_gain
from benchwell.pipeline.live.readiness import readiness
from benchwell.pipeline.live.readiness_counts import count
from benchwell.pipeline.live.sample import ANYWHERE, sample_edition
from benchwell.register import Role, Viewer
from benchwell.register import schema as s
from benchwell.signals.reading import rows
from functional.product_cases import practice_rows, write_rows
from live_edition import ANOTHER, with_edition
from live_house import NORTH, OTHER, OWN, SOUTH, add_scores, live_house

TODAY = dt.date(2026, 11, 23)
ANALYST = Viewer(Role.ANALYST)


@pytest.fixture
def house(tmp_path):
    with live_house(tmp_path) as made:
        yield made


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CLIENT])
def test_it_is_for_those_who_answer_for_a_service(house, role):
    sees = (Role.LEAD, Role.MANAGER, Role.ANALYST)
    wanted = 200 if role in sees else 303 if role is Role.PUBLIC else 403
    assert house.browser(role).get("/readiness").status_code == wanted


def empty(house):
    def clear(connection):
        for table in (s.courses, s.people):
            connection.execute(delete(table))

    house.service.register.write(clear)


def test_an_empty_workspace_teaches(house):
    empty(house)
    text = house.browser(Role.MANAGER).get("/readiness").text
    assert "There are no scores yet" in text
    assert "Three things make a figure" in text
    assert 'href="/sample"' in text


def test_it_counts_from_the_lake_where_nothing_is_in_the_register(house, tmp_path):
    empty(house)
    house.service.workspace.intake(write_rows(tmp_path / "practice.csv", practice_rows()))
    found = readiness(house.service, ANALYST, TODAY)
    assert found.source == "lake"
    assert found.counts.n_forms == 35
    assert [(one.instrument, one.n) for one in found.counts.instruments] == [("phq-9", 35)]
    text = house.browser(Role.ANALYST).get("/readiness").text
    assert "Counted from the files that were taken in" in text


def test_it_counts_from_the_register_before_the_first_edition(house):
    add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 20.0), ("2026-09-01", 9.0)])
    add_scores(house, OTHER, "course-3", "phq-9", [("2026-06-01", 18.0)])
    viewer = Viewer(Role.MANAGER, organization_id=NORTH)
    found = readiness(house.service, viewer, TODAY)
    assert (found.source, found.edition, found.name) == ("register", None, "North")
    counts = found.counts
    assert (counts.n_courses, counts.n_forms, counts.n_due, counts.n_paired) == (2, 2, 2, 1)
    assert [(fix.code, fix.n) for fix in found.fixes] == [("start_score", 1)]
    assert readiness(house.service, ANALYST, TODAY, SOUTH).counts.n_due_unfollowed == 1


def test_a_new_score_is_counted_at_once(house):
    viewer = Viewer(Role.MANAGER, organization_id=NORTH)
    before = readiness(house.service, viewer, TODAY).counts
    add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 20.0)])
    assert readiness(house.service, viewer, TODAY).counts.n_forms == before.n_forms + 1


def test_what_is_taken_back_or_changed_is_counted_anew_at_once(house):
    viewer = Viewer(Role.MANAGER, organization_id=NORTH)
    (form,) = add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 20.0)])

    def changed(table, row, **values):
        statement = update(table).where(table.c.id == row).values(**values)
        house.service.register.write(lambda connection: connection.execute(statement))
        return readiness(house.service, viewer, TODAY).counts

    before = readiness(house.service, viewer, TODAY).counts
    assert changed(s.assessments, form, retracted=True).n_forms == before.n_forms - 1
    assert changed(s.assessments, form, retracted=False).n_forms == before.n_forms
    assert changed(s.courses, "course-1", organization_id=SOUTH).n_courses == before.n_courses - 1


def test_a_questionnaire_without_a_course_belongs_to_whoever_treats_the_person(house):
    add_scores(house, OWN, None, "phq-9", [("2026-06-01", 20.0)])
    assert readiness(house.service, Viewer(Role.MANAGER, organization_id=NORTH), TODAY).counts.n_without_course == 1
    assert readiness(house.service, ANALYST, TODAY, SOUTH).counts.n_without_course == 0
    assert "Join 1 questionnaire to a course." in house.browser(Role.MANAGER).get("/readiness").text


def test_open_items_are_shown_by_item(house):
    about = {"person_id": OWN, "course_id": "course-1", "instrument": "phq-9", "source": "link", "received_at": 1.0}
    answers = {"items": [1, None, 2, 0, 0, 0, 0, 0, None], "date": dt.date(2026, 6, 1)}
    house.service.register.write(
        lambda connection: connection.execute(insert(s.assessments).values(id="f1", **about, **answers))
    )
    counts = readiness(house.service, Viewer(Role.MANAGER, organization_id=NORTH), TODAY).counts
    assert counts.instruments[0].open_items == (0, 1, 0, 0, 0, 0, 0, 0, 1)
    assert (
        "Open answers by item of Patient Health Questionnaire-9" in house.browser(Role.MANAGER).get("/readiness").text
    )


def test_a_lead_sees_no_count_where_the_organization_is_small_too(house):
    lead = Viewer(Role.LEAD, organization_id=NORTH, team_id="t1")
    found = readiness(house.service, lead, TODAY)
    assert (found.is_hidden, found.counts, found.measures, found.fixes) == (True, None, (), ())
    page = house.browser(Role.LEAD).get("/readiness").text
    assert "a count would speak of somebody" in page
    assert "<table" not in page


def test_a_small_team_is_not_counted_apart(house):
    def grow(connection):
        for n in range(10):
            who = {"id": f"other-{n}", "organization_id": NORTH, "name": f"Other {n}"}
            connection.execute(insert(s.practitioners).values(**who, origin="live"))
            course = {"id": f"of-{n}", "person_id": OWN, "organization_id": NORTH, "practitioner_id": f"other-{n}"}
            connection.execute(insert(s.courses).values(**course, start_date=dt.date(2026, 1, 1), origin="live"))

    house.service.register.write(grow)
    lead = Viewer(Role.LEAD, organization_id=NORTH, team_id="t1")
    assert readiness(house.service, lead, TODAY).is_team_too_small
    assert "too few clinicians or courses to be counted apart" in house.browser(Role.LEAD).get("/readiness").text


def test_a_large_team_is_counted_apart_and_no_clinician_is_named(house):
    def grow(connection):
        for n in range(6):
            who = {"id": f"canary-{n}", "organization_id": NORTH, "team_id": "t1", "name": f"CANARY {n}"}
            connection.execute(insert(s.practitioners).values(**who, origin="live"))
            for m in range(2):
                course = {"id": f"grown-{n}-{m}", "person_id": OWN, "organization_id": NORTH, "origin": "live"}
                when = {"practitioner_id": f"canary-{n}", "start_date": dt.date(2026, 1, 5)}
                connection.execute(insert(s.courses).values(**course, **when))

    house.service.register.write(grow)
    found = readiness(house.service, Viewer(Role.LEAD, organization_id=NORTH, team_id="t1"), TODAY)
    assert not found.is_team_too_small
    assert (found.name, found.n_clinicians, found.counts.n_courses) == ("Day team", 7, 14)
    text = house.browser(Role.LEAD).get("/readiness").text
    assert "CANARY" not in text
    assert "canary" not in text


def test_beside_an_edition_it_says_what_more_follow_up_would_gain(house):
    with_edition(house)
    found = readiness(house.service, Viewer(Role.MANAGER, organization_id=ANYWHERE), TODAY)
    (one,) = [one for one in found.measures if one.measure == "phq9-response-12w"]
    where = {"measure": one.measure, "organization_id": ANYWHERE, "period": "all", "stratum": "all"}
    (row,) = rows(sample_edition(), "organization_results", **where)
    assert (one.n_eligible, one.n_followed) == (row["n_eligible"], row["n_followed"])
    assert one.gain == follow_up_gain(row["n_eligible"], row["n_followed"], row["n_met"], 20)
    text = house.browser(Role.MANAGER).get("/readiness").text
    assert f"from ±{one.gain.half_now:.1f} to ±{one.gain.half_then:.1f} points" in text
    assert ANOTHER not in text


def test_measures_of_the_same_people_are_said_once_and_two_shares_explain_each_other(house):
    with_edition(house)
    found = readiness(house.service, Viewer(Role.MANAGER, organization_id=ANYWHERE), TODAY)
    assert [one for group in found.groups for one in group.measures] == list(found.measures)
    assert len(found.groups) < len(found.measures)
    text = house.browser(Role.MANAGER).get("/readiness").text
    assert text.count("eligible people were followed up (") == len(found.groups)
    assert all(text.count(one.title) >= 1 for one in found.measures)
    # Nobody of this clinic is in the register, so there is one share only, and nothing to explain.
    assert not found.counts_differ
    assert "Why this share is not the one above" not in text
    start, due = found.measures[0].completion, 100
    for paired, differ in ((round(due * start), False), (due - 1, True)):
        counted = count([], [], TODAY, least_clinicians=5)
        assert replace(found, counts=replace(counted, n_due=due, n_paired=paired)).counts_differ is differ


def test_the_page_says_why_pairs_and_follow_up_differ(house):
    with_edition(house)

    def grow(connection):
        connection.execute(insert(s.organizations).values(id=ANYWHERE, origin="lake"))
        for n in range(12):
            course = {"id": f"grown-{n}", "person_id": OWN, "organization_id": ANYWHERE, "origin": "live"}
            connection.execute(insert(s.courses).values(**course, start_date=dt.date(2026, 1, 5)))

    house.service.register.write(grow)
    text = house.browser(Role.MANAGER).get("/readiness").text
    assert "Pairs of scores: 0" in text
    assert text.count("Why this share is not the one above: there, any later score makes a pair;") == 1


def test_an_organization_that_is_not_there_is_not_found(house):
    assert house.browser(Role.ANALYST).get("/readiness?organization=nowhere").status_code == 404
    assert house.browser(Role.MANAGER).get(f"/readiness?organization={SOUTH}").text.count("South") == 0
