"""Pages of a clinician: who comes, who may need attention, one person's course, entering; of own people only."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from benchwell.register import Role
from benchwell.register import schema as s
from live_house import OTHER, OWN, House, add_scores, live_house

TODAY = dt.date.today()
SECOND = "synthetic-p2"
PAGES = ["", "/show", "/handout", "/enter/phq-9", "/enter?instrument=phq-9"]
CHANGES = ["/safety", "/marks", "/contacts", "/attended", "/end", "/begin", "/link", "/enter/phq-9"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The clinic."""
    with live_house(tmp_path, today=TODAY) as made:
        yield made


@pytest.fixture
def everywhere(tmp_path: Path, register_url: str) -> Iterator[House]:
    """The clinic, on each kind of database."""
    with live_house(tmp_path, url=register_url, today=TODAY) as made:
        yield made


def ago(days: int) -> str:
    return (TODAY - dt.timedelta(days=days)).isoformat()


def send(house: House, path: str, role: Role = Role.CLINICIAN, **fields: Any) -> Any:
    browser = house.browser(role)
    return browser.post(path, data={"csrf": browser.csrf, **fields})


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def rows(house: House, table: Any, *where: Any) -> list[Any]:
    with house.service.register.read() as connection:
        return list(connection.execute(select(table).where(*where)).all())


def phq(*answers: int) -> dict[str, str]:
    """A PHQ-9 whose last questions were left out on purpose, where there are fewer than nine answers."""
    said = [*map(str, answers), *["none"] * (9 - len(answers))]
    return {f"item-{item}": answer for item, answer in enumerate(said, start=1)}


def test_an_empty_caseload_teaches(house: House) -> None:
    house.service.register.write(lambda connection: connection.execute(update(s.courses).values(practitioner_id="c2")))
    page = text(house.browser(Role.CLINICIAN).get("/today"))
    assert "Add a person" in page
    assert "benchwell serve --demo" in page


def test_today_names_why_and_only_own_people(everywhere: House) -> None:
    add_scores(everywhere, OWN, "course-1", "phq-9", [(ago(90), 8), (ago(2), 20)])
    add_scores(everywhere, SECOND, "course-2", "phq-9", [(ago(60), 12)])
    add_scores(everywhere, OTHER, "course-3", "phq-9", [(ago(60), 5), (ago(1), 25)])
    page = text(everywhere.browser(Role.CLINICIAN).get("/today"))
    assert "12 points worse than at the start" in page
    assert "No score for 8 weeks" in page
    assert "P. 3" not in page
    assert "2 people in care" in page


def test_today_has_no_figure_of_a_service(house: House) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [(ago(90), 18), (ago(2), 4)])
    page = house.browser(Role.CLINICIAN).get("/today").text
    main = page[page.index("<main") : page.index("</main>")]
    assert "%" not in text_of(main)
    assert "light-" not in main
    assert "benchmark" not in text_of(main).replace("benchwell", "")


def text_of(html: str) -> str:
    return re.sub(r"<[^>]+>", " ", html)


def test_who_has_a_recent_score_needs_no_attention(house: House) -> None:
    for person, course in ((OWN, "course-1"), (SECOND, "course-2")):
        add_scores(house, person, course, "phq-9", [(ago(20), 12), (ago(6), 11)])
    page = text(house.browser(Role.CLINICIAN).get("/today"))
    assert "Nobody: no safety answer waits" in page


def test_after_how_many_weeks_is_a_setting(house: House) -> None:
    settings = house.service.workspace.settings
    house.service.workspace.settings = settings.model_copy(update={"weeks_without_score": 20})
    add_scores(house, SECOND, "course-2", "phq-9", [(ago(60), 12)])
    assert "No score for" not in text(house.browser(Role.CLINICIAN).get("/today"))


def test_contacts_of_today_are_in_the_order_of_the_day_and_missed_ones_are_not(everywhere: House) -> None:
    for time, attended, person in (
        ("15:00", "planned", OWN),
        ("09:30", "planned", SECOND),
        ("08:00", "no", OWN),
    ):
        send(
            everywhere,
            f"/people/{person}/contacts",
            kind="session",
            date=TODAY.isoformat(),
            time=time,
            attended=attended,
        )
    page = text(everywhere.browser(Role.CLINICIAN).get("/today"))
    assert page.index("09:30") < page.index("15:00")
    assert "08:00" not in page


def test_a_search_finds_own_people_by_label_whatever_the_case(house: House) -> None:
    house.service.register.write(
        lambda connection: connection.execute(update(s.people).where(s.people.c.id == OWN).values(label="Ähre"))
    )
    assert "1 person found" in text(send(house, "/today", q="äHRE"))
    assert "Nobody of yours" in text(send(house, "/today", q="P. 3"))
    assert "Nobody of yours" in text(send(house, "/people", q="%"))
    assert "1 person whom you treat" in text(send(house, "/people", q="äHRE", page="0"))


@pytest.mark.parametrize("path", ["/today", "/people"])
def test_what_is_searched_stands_in_no_address(house: House, path: str) -> None:
    page = house.browser(Role.CLINICIAN).get(path, params={"q": "P. 1"}).text
    form = page[page.index('role="search"') - 60 :].split("</form>")[0]
    assert 'method="post"' in form
    assert "found" not in text_of(page), "an address that holds a label is not answered"
    for page_of in (house.browser(Role.CLINICIAN).get("/people").text, send(house, "/people", q="P.").text):
        assert "?q=" not in page_of


def test_what_a_search_found_is_turned_over_without_an_address(house: House) -> None:
    put_many(house)
    last = send(house, "/people", q="m ", page="5")
    assert "M 299" in last.text
    assert 'name="page" value="4"' in last.text
    assert 'name="page" value="6"' not in last.text


def test_everybody_shown_stands_in_the_log_once(everywhere: House) -> None:
    add_scores(everywhere, OWN, "course-1", "phq-9", [(ago(60), 12)])
    send(everywhere, "/today", q="P.")
    read = [row.person_id for row in rows(everywhere, s.audit, s.audit.c.route == "/today")]
    assert sorted(read) == [OWN, SECOND]


@pytest.mark.parametrize("page", PAGES)
def test_pages_of_others_people_are_not_there(house: House, page: str) -> None:
    answer = house.browser(Role.CLINICIAN).get(f"/people/{OTHER}{page}")
    assert answer.status_code == 404
    assert "P. 3" not in answer.text


@pytest.mark.parametrize("page", CHANGES)
def test_nothing_is_added_to_others_people(house: House, page: str) -> None:
    before = {table.name: len(rows(house, table)) for table in (s.marks, s.contacts, s.assessments, s.links, s.courses)}
    assert send(house, f"/people/{OTHER}{page}", **phq(*[1] * 9)).status_code == 404
    after = {table.name: len(rows(house, table)) for table in (s.marks, s.contacts, s.assessments, s.links, s.courses)}
    assert after == before


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.CLINICIAN, Role.CLIENT)])
def test_no_other_role_opens_a_clinicians_page(house: House, role: Role) -> None:
    browser = house.browser(role)
    for path in ("/today", "/people", "/people/new", f"/people/{OWN}", f"/people/{OWN}/handout"):
        assert browser.get(path).status_code in (303, 403), path


def test_a_form_without_its_mark_changes_nothing(house: House) -> None:
    answer = house.browser(Role.CLINICIAN).post(f"/people/{OWN}/marks", data={"kind": "other", "date": ago(1)})
    assert answer.status_code == 403
    assert rows(house, s.marks) == []


def test_a_course_says_the_newest_score_its_band_the_change_and_what_it_means(house: House) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [(ago(60), 18), (ago(30), 14), (ago(1), 9)])
    page = text(house.browser(Role.CLINICIAN).get(f"/people/{OWN}"))
    for said in ("mild", "9 points better than at the start", "Lower is better.", "Worth doing now"):
        assert said in page


def test_a_course_begins_with_its_finding_and_the_chart_and_ends_with_what_one_can_do(house: House) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [(ago(60), 18), (ago(30), 14), (ago(1), 9)])
    therapy = update(s.courses).where(s.courses.c.id == "course-1").values(therapy="cbt")
    house.service.register.write(lambda connection: connection.execute(therapy))
    html = house.browser(Role.CLINICIAN).get(f"/people/{OWN}").text
    page = text_of(html)
    finding = "9 points better than at the start, a reliable change, and no longer in the clinical range."
    assert page.count(finding) == 1
    places = [html.index(one) for one in (finding, 'class="facts"', "Worth doing now")]
    assert places == sorted(places)
    assert html.index("<figure") < html.index('class="facts"')
    assert "cognitive behavioral therapy" in page
    assert "Enter PHQ-9" in page
    assert "No contact is recorded here." in page
    assert "At the start 18" in re.sub(r"\s+", " ", page)


def test_an_invalid_and_a_projected_form_are_said(everywhere: House) -> None:
    send(everywhere, f"/people/{OWN}/enter/phq-9", date=ago(14), **phq(2, 2, 2, 2, 2, 2, 2, 2))
    send(everywhere, f"/people/{OWN}/enter/phq-9", date=ago(7), **phq(2, 2))
    page = text(everywhere.browser(Role.CLINICIAN).get(f"/people/{OWN}"))
    assert "projected from the others" in page
    assert "too many questions were left out" in page
    assert "1 form gave no score and is not drawn" in page


def test_items_stand_side_by_side_with_their_wording(house: House) -> None:
    send(house, f"/people/{OWN}/enter/phq-9", date=ago(14), **phq(3, 2, 1, 0, 0, 0, 0, 0, 0))
    send(house, f"/people/{OWN}/enter/phq-9", date=ago(1), **phq(1, 2, 2, 0, 0, 0, 0, 0, 0))
    page = text(house.browser(Role.CLINICIAN).get(f"/people/{OWN}"))
    assert "1. Little interest or pleasure in doing things 3 1 2 lower" in page
    assert "2. Feeling down, depressed, or hopeless 2 2 the same" in page


def test_a_positive_safety_answer_stays_until_somebody_says_what_was_done(everywhere: House) -> None:
    send(everywhere, f"/people/{OWN}/enter/phq-9", **phq(0, 0, 0, 0, 0, 0, 0, 0, 1))
    browser = everywhere.browser(Role.CLINICIAN)
    for path in ("/today", f"/people/{OWN}"):
        assert 'role="alert"' in browser.get(path).text, path
    (prompt,) = rows(everywhere, s.safety_prompts)
    refused = send(everywhere, f"/people/{OWN}/safety", prompt=prompt.id, action="nothing")
    assert refused.status_code == 403
    assert 'role="alert"' in browser.get("/today").text
    assert send(everywhere, f"/people/{OWN}/safety", prompt=prompt.id, action="safety_plan").status_code == 303
    assert 'role="alert"' not in browser.get("/today").text
    (seen,) = rows(everywhere, s.safety_prompts)
    assert (seen.seen_by, seen.action) == ("clinician", "safety_plan")
    logged = rows(everywhere, s.audit, s.audit.c.detail == "safety_plan")
    assert [row.person_id for row in logged] == [OWN]


def test_a_prompt_of_one_person_is_not_answered_on_the_page_of_another(house: House) -> None:
    send(house, f"/people/{OWN}/enter/phq-9", **phq(0, 0, 0, 0, 0, 0, 0, 0, 2))
    (prompt,) = rows(house, s.safety_prompts)
    send(house, f"/people/{SECOND}/safety", prompt=prompt.id, action="referred")
    assert [row.seen_at for row in rows(house, s.safety_prompts)] == [None]


def test_a_safety_question_left_out_asks_quietly(house: House) -> None:
    send(house, f"/people/{OWN}/enter/phq-9", **phq(1, 1, 1, 1, 1, 1, 1, 1))
    answer = house.browser(Role.CLINICIAN).get("/today")
    assert 'role="alert"' not in answer.text
    assert "A safety question was left out." in text(answer)


def test_safety_comes_first_and_does_not_wait_for_a_benchmark(house: House) -> None:
    add_scores(house, SECOND, "course-2", "phq-9", [(ago(60), 3), (ago(1), 24)])
    send(house, f"/people/{OWN}/enter/phq-9", **phq(0, 0, 0, 0, 0, 0, 0, 0, 1))
    assert house.service.edition() is None
    page = house.browser(Role.CLINICIAN).get("/today").text
    attention = page[page.index('id="attention-title"') :]
    assert attention.index("P. 1") < attention.index("P. 2")


def test_no_other_role_sees_a_safety_prompt(house: House) -> None:
    send(house, f"/people/{OWN}/enter/phq-9", **phq(0, 0, 0, 0, 0, 0, 0, 0, 3))
    for role in (Role.LEAD, Role.MANAGER, Role.ANALYST, Role.ADMIN):
        for path in ("/service", "/admin", "/readiness"):
            assert "Safety answer" not in house.browser(role).get(path).text


def test_marks_stand_in_the_chart_and_their_notes_only_on_the_page(house: House) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [(ago(60), 18), (ago(1), 9)])
    answer = send(house, f"/people/{OWN}/marks", kind="medication_started", date=ago(30), note="<b>own words</b>")
    assert answer.status_code == 303
    page = house.browser(Role.CLINICIAN).get(f"/people/{OWN}").text
    assert "&lt;b&gt;own words&lt;/b&gt;" in page
    chart = page[page.index('type="application/json"') :].split("</script>")[0]
    assert "Medication started" in chart
    assert "own words" not in chart
    assert "own words" not in house.browser(Role.CLINICIAN).get(f"/people/{OWN}/handout").text


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("marks", {"kind": "no-such-kind", "date": ago(1)}),
        ("marks", {"kind": "other", "date": "2999-01-01"}),
        ("marks", {"kind": "other", "date": ago(1), "note": "x" * 2001}),
        ("contacts", {"kind": "session", "date": "2999-01-01", "attended": "yes"}),
        ("contacts", {"kind": "session", "date": ago(1), "attended": "perhaps"}),
        ("contacts", {"kind": "session", "date": ago(1), "attended": "yes", "time": "25:00"}),
        ("attended", {"contact": "nobody", "attended": "yes"}),
        ("end", {"course": "course-2", "reason": "completed"}),
        ("end", {"course": "course-1", "reason": "because"}),
        ("end", {"course": "course-1", "reason": "completed", "date": "2020-01-01"}),
        ("begin", {"start_date": ago(1)}),
    ],
)
def test_what_cannot_be_is_refused_with_a_word(house: House, path: str, fields: dict[str, str]) -> None:
    answer = send(house, f"/people/{OWN}/{path}", **fields)
    assert answer.status_code == 400
    assert rows(house, s.marks) == rows(house, s.contacts) == []
    assert {row.end_date for row in rows(house, s.courses)} == {None}


def test_a_planned_contact_is_asked_after_on_its_day(everywhere: House) -> None:
    send(everywhere, f"/people/{OWN}/contacts", kind="video", date=TODAY.isoformat(), attended="planned")
    (contact,) = rows(everywhere, s.contacts)
    assert "did it take place?" in text(everywhere.browser(Role.CLINICIAN).get(f"/people/{OWN}"))
    send(everywhere, f"/people/{OWN}/attended", contact=contact.id, attended="yes")
    assert [row.attended for row in rows(everywhere, s.contacts)] == [True]
    assert "was here" in text(everywhere.browser(Role.CLINICIAN).get("/today"))


def test_a_person_is_added_by_whoever_treats(everywhere: House) -> None:
    answer = send(
        everywhere, "/people/new", label="Q. R.", birth_year="1990", condition="depression", start_date=ago(3)
    )
    assert answer.status_code == 303
    (person,) = rows(everywhere, s.people, s.people.c.label == "Q. R.")
    (course,) = rows(everywhere, s.courses, s.courses.c.person_id == person.id)
    assert (course.practitioner_id, course.organization_id, course.condition) == ("c1", "synthetic-north", "depression")
    assert "Q. R." in everywhere.browser(Role.CLINICIAN).get(answer.headers["location"]).text


@pytest.mark.parametrize(
    "fields", [{"label": ""}, {"label": "A", "birth_year": "90"}, {"label": "A", "start_date": "2999-01-01"}]
)
def test_a_person_is_not_added_without_what_is_needed(house: House, fields: dict[str, str]) -> None:
    answer = send(house, "/people/new", condition="depression", **fields)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert 'value="depression"' in answer.text, "what was typed is still there"
    assert len(rows(house, s.people)) == 3


def test_a_course_ends_with_a_reason_and_another_may_begin(everywhere: House) -> None:
    assert send(everywhere, f"/people/{OWN}/end", course="course-1", reason="completed").status_code == 303
    browser = everywhere.browser(Role.CLINICIAN)
    assert "1 person in care" in text(browser.get("/today"))
    assert send(everywhere, f"/people/{OWN}/begin", condition="anxiety", start_date=ago(0)).status_code == 303
    page = text(browser.get(f"/people/{OWN}"))
    assert "anxiety" in page
    old = text(browser.get(f"/people/{OWN}", params={"course": "course-1"}))
    assert "ended" in old


def test_nothing_of_what_happened_is_chosen_beforehand_and_an_ended_course_asks_nothing(house: House) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [(ago(30), 18), (ago(1), 9)])
    page = house.browser(Role.CLINICIAN).get(f"/people/{OWN}").text
    for field in ("mark-kind", "contact-attended", "end-reason", "instrument"):
        options = page[page.index(f'id="{field}"') :].split("</select>")[0]
        assert options.index('<option value=""') == options.index("<option"), field
    send(house, f"/people/{OWN}/end", course="course-1", reason="completed")
    assert "Worth doing now" not in house.browser(Role.CLINICIAN).get(f"/people/{OWN}").text


def test_the_page_for_across_the_desk_names_nobody(house: House) -> None:
    add_scores(house, OWN, "course-1", "phq-9", [(ago(60), 18), (ago(1), 9)])
    send(house, f"/people/{OWN}/marks", kind="life_event", date=ago(30), note="own words")
    page = house.browser(Role.CLINICIAN).get(f"/people/{OWN}/show").text
    assert "P. 1" not in page
    assert "own words" not in page
    assert house.browser(Role.CLINICIAN).get(f"/people/{OWN}/show?instrument=gad-7").status_code == 404


def test_a_label_that_ends_with_a_dot_ends_no_sentence(house: House) -> None:
    labelled = update(s.people).where(s.people.c.id == OWN).values(label="V. Z.")
    house.service.register.write(lambda connection: connection.execute(labelled))
    add_scores(house, OWN, "course-1", "phq-9", [(ago(90), 8), (ago(60), 20)])
    browser = house.browser(Role.CLINICIAN)
    pages = [browser.get(f"/people/{OWN}{path}") for path in ("", "/handout", "/enter/phq-9", "/my-link")]
    pages += [send(house, f"/people/{OWN}/my-link"), send(house, f"/people/{OWN}/link", instrument="phq-9")]
    pages += [browser.get("/today"), send(house, "/people", q="V.")]
    for page in pages:
        assert "V. Z." in text(page)
        assert ".." not in text(page)


def test_who_looked_stands_in_the_log(house: House) -> None:
    browser = house.browser(Role.CLINICIAN)
    browser.get(f"/people/{OWN}")
    browser.get(f"/people/{OWN}/handout")
    actions = [(row.action, row.person_id) for row in rows(house, s.audit, s.audit.c.route.startswith("/people"))]
    assert actions == [("read", OWN), ("export", OWN)]


def test_a_retracted_form_is_on_no_page(house: House) -> None:
    (made,) = add_scores(house, OWN, "course-1", "phq-9", [(ago(1), 23)])
    house.service.register.write(
        lambda connection: connection.execute(
            update(s.assessments).where(s.assessments.c.id == made).values(retracted=True)
        )
    )
    assert "No score yet" in text(house.browser(Role.CLINICIAN).get(f"/people/{OWN}"))


def test_a_person_who_was_erased_is_on_no_page(house: House) -> None:
    house.service.register.write(
        lambda connection: connection.execute(update(s.people).where(s.people.c.id == OWN).values(erased_at=1.0))
    )
    browser = house.browser(Role.CLINICIAN)
    assert browser.get(f"/people/{OWN}").status_code == 404
    assert "P. 1" not in browser.get("/people").text


def put_many(house: House) -> None:
    def put(connection: Any) -> None:
        people = [{"id": f"synthetic-many-{n}", "label": f"M {n:03}", "origin": "live"} for n in range(300)]
        connection.execute(insert(s.people), people)
        about = {"practitioner_id": "c1", "organization_id": "synthetic-north", "start_date": TODAY, "origin": "live"}
        courses = [{"id": f"course-many-{n}", "person_id": f"synthetic-many-{n}", **about} for n in range(300)]
        connection.execute(insert(s.courses), courses)

    house.service.register.write(put)


def test_three_hundred_people_are_listed_by_page(house: House) -> None:
    put_many(house)
    browser = house.browser(Role.CLINICIAN)
    first, last = browser.get("/people").text, browser.get("/people?page=6").text
    assert "M 049" in first and "M 050" not in first  # noqa: PT018  # one list
    assert "302 people" in text_of(first)
    assert "P. 2" in last
