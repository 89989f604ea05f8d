"""The circle, experiments and the pulse: who sees whose, nobody named, the same agenda for the same edition."""

from __future__ import annotations

import datetime as dt
import html
import re

import pytest
from sqlalchemy import insert, select

from benchwell.pipeline.live.circle import agenda_of, circle_document
from benchwell.pipeline.live.experiments import Group
from benchwell.pipeline.live.sample import ANYWHERE
from benchwell.publish.document import Note, Picture, pdf_of
from benchwell.register import Role
from benchwell.register import schema as s
from benchwell.register.pulses import week_of
from benchwell.settings import UsePolicy
from benchwell.signals.reading import rows
from live_edition import ANOTHER, RESPONSE, with_edition
from live_house import OTHER, OWN, add_scores, live_house

SEES = (Role.LEAD, Role.MANAGER, Role.ANALYST)
NEVER = ("best", "worst", "failing", "outlier", "league", "underperform", "!")
HOSTILE = '<script>alert(1)</script> #panic("stop") #read("sheet.typ") $x$ *b* @a'


@pytest.fixture
def house(tmp_path):
    with live_house(tmp_path) as made:

        def put(connection):
            for place in (ANYWHERE, ANOTHER):
                connection.execute(insert(s.organizations).values(id=place, name=place, origin="lake"))

        made.service.register.write(put)
        with_edition(made)
        yield made


def words(page: str) -> str:
    """What a person reads, with spaces as one."""
    bare = re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", bare)))


def set_up(house, **settings) -> None:
    house.service.workspace.settings = house.service.workspace.settings.model_copy(update=settings)


def an_experiment(browser, **changes):
    data = {
        "csrf": browser.csrf,
        "aim": "More replies",
        "change": "We call",
        "measure": RESPONSE,
        "started": "2024-01-10",
    }
    return browser.post("/experiments", data=data | changes)


# --- the circle -----------------------------------------------------------------------------------------------------


def test_the_agenda_is_one_strength_one_puzzle_one_equity_with_questions(house):
    page = house.browser(Role.MANAGER).get("/circle").text
    headings = re.findall(r'<h2 id="topic-\w+">(.*?):', page)
    assert headings == ["One strength", "One puzzle", "One question of equity"]
    assert page.count("Why this one:") == 3
    assert page.count("?</li>") == 9
    said = words(page.split("<main")[1].split("</main>")[0]).casefold()
    assert not [word for word in NEVER if re.search(rf"\b{re.escape(word)}\b" if word != "!" else "!", said)]


def test_the_puzzle_leads_to_an_experiment_on_its_measure(house):
    for role, carried in ((Role.MANAGER, ""), (Role.ANALYST, f"?organization={ANYWHERE}")):
        browser = house.browser(role)
        (address,) = re.findall(r'href="(/experiments[^"]+#new)"', browser.get(f"/circle{carried}").text)
        (puzzle,) = [one for one in agenda_of(house.service.edition(), ANYWHERE) if one.topic.kind == "puzzle"]
        page = browser.get(html.unescape(address)).text
        assert puzzle.tried_on == puzzle.topic.measure
        assert f'<option value="{puzzle.tried_on}" selected>' in page
        assert 'id="new"' in page


def test_the_paper_says_what_its_pictures_show(house):
    blocks = circle_document(house.service, Group(ANYWHERE, ANYWHERE), dt.date(2026, 11, 23)).blocks
    pictures = [place for place, block in enumerate(blocks) if isinstance(block, Picture)]
    assert pictures
    assert all(isinstance(blocks[place + 1], Note) for place in pictures)


def test_the_same_edition_gives_the_same_agenda_and_the_same_paper(house):
    edition = house.service.edition()
    first, again = agenda_of(edition, ANYWHERE), agenda_of(edition, ANYWHERE)
    assert [one.topic for one in first] == [one.topic for one in again]
    group, day = Group(ANYWHERE, ANYWHERE), dt.date(2026, 11, 23)
    assert pdf_of(circle_document(house.service, group, day)) == pdf_of(circle_document(house.service, group, day))


def test_no_person_and_no_clinician_is_named(house):
    add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 18)])
    for role in (Role.LEAD, Role.MANAGER):
        said = house.browser(role).get("/circle").text
        assert not [name for name in (OWN, OTHER, "Clinician One", "Clinician Two", "P. 1") if name in said]


def test_others_see_no_circle(house):
    for role in set(Role) - set(SEES) - {Role.CLIENT}:
        for page in ("/circle", "/circle/paper", "/experiments"):
            assert house.browser(role).get(page).status_code in (303, 403), (role, page)


def test_an_analyst_chooses_first_and_others_cannot(house):
    analyst, manager = house.browser(Role.ANALYST), house.browser(Role.MANAGER)
    assert ANOTHER in analyst.get("/circle").text
    assert ANOTHER in words(analyst.get("/circle", params={"organization": ANOTHER}).text)
    assert "Whose circle" in words(analyst.get("/circle", params={"organization": "nowhere"}).text)
    for page in ("/circle/paper", "/experiments", "/experiments/any"):
        assert analyst.get(page).headers["location"] == "/circle"
    assert ANOTHER not in words(manager.get("/circle", params={"organization": ANOTHER}).text)


def test_minutes_are_kept_with_the_agenda_as_it_was_and_escaped(house):
    browser = house.browser(Role.LEAD)
    data = {"csrf": browser.csrf, "held": "2026-11-20", "minutes": f"We call on Mondays.\n{HOSTILE}"}
    assert browser.post("/circle/minutes", data=data).status_code == 303
    page = browser.get("/circle").text
    assert "We call on Mondays." in page
    assert "<script>alert" not in page
    assert browser.get("/circle/paper").content.startswith(b"%PDF-1.7")
    with house.service.register.read() as connection:
        row = connection.execute(select(s.circles)).one()
    assert row.organization_id == ANYWHERE
    assert [topic["kind"] for topic in row.agenda] == ["strength", "puzzle", "equity"]
    assert row.edition == house.service.edition().id


@pytest.mark.parametrize(("held", "minutes"), [("2026-11-20", "  "), ("yesterday", "said"), ("0001-01-01", "said")])
def test_minutes_that_say_nothing_or_no_day_are_refused(house, held, minutes):
    browser = house.browser(Role.MANAGER)
    data = {"csrf": browser.csrf, "held": held, "minutes": minutes}
    assert browser.post("/circle/minutes", data=data).status_code == 403
    with house.service.register.read() as connection:
        assert connection.execute(select(s.circles)).all() == []


def test_minutes_stay_with_their_organization(house):
    manager, analyst = house.browser(Role.MANAGER), house.browser(Role.ANALYST)
    manager.post("/circle/minutes", data={"csrf": manager.csrf, "held": "2026-11-20", "minutes": "CANARY"})
    an_experiment(manager, aim="CANARY")
    elsewhere = {"organization": ANOTHER}
    assert "CANARY" not in analyst.get("/circle", params=elsewhere).text
    assert "CANARY" not in analyst.get("/experiments", params=elsewhere).text
    assert "CANARY" in analyst.get("/circle", params={"organization": ANYWHERE}).text


def test_a_workspace_for_contract_use_has_no_circle(house):
    set_up(house, use=UsePolicy.CONTRACT)
    for role in SEES:
        assert house.browser(role).get("/circle").status_code == 403
        assert house.browser(role).get("/experiments").status_code == 403


def test_before_the_first_edition_the_page_says_what_comes(tmp_path):
    with live_house(tmp_path) as bare:
        assert "There are no figures of this organization yet." in words(bare.browser(Role.MANAGER).get("/circle").text)
        assert bare.browser(Role.MANAGER).get("/circle/paper").content.startswith(b"%PDF-1.7")
        assert "There is no edition with figures yet." in words(bare.browser(Role.ANALYST).get("/circle").text)


# --- experiments ----------------------------------------------------------------------------------------------------


def test_an_experiment_marks_the_run_chart_and_says_that_it_is_no_proof(house):
    browser = house.browser(Role.MANAGER)
    page = browser.get(an_experiment(browser).headers["location"]).text
    assert "change starts" in page  # in the chart's specification
    assert '"period": "2024-Q1"' in page
    said = words(page)
    assert "4 periods with a figure before the start, 4 periods with a figure since." in said
    assert "Before and after is no proof." in said
    assert "regression to the mean" in said
    assert "higher is better" in said


def test_an_experiment_can_be_seen_on_follow_up_itself(house):
    browser = house.browser(Role.MANAGER)
    page = words(browser.get(an_experiment(browser, measure="follow-up").headers["location"]).text)
    assert "Follow-up: how many people have a follow-up score (higher is better)" in page
    assert "Followed up: Depression" in page
    assert "before the start," in page
    where = {"organization_id": ANYWHERE, "measure": RESPONSE, "stratum": "all"}
    found = [one for one in rows(house.service.edition(), "organization_results", **where) if one["period"] != "all"]
    (counted,) = [one for one in found if one["period"] == max(row["period"] for row in found)]
    assert f"{counted['period']} {100 * counted['completion']:.0f} % {counted['n_eligible']}" in page


def test_what_is_not_in_an_edition_yet_is_said_so(house):
    browser = house.browser(Role.MANAGER)
    said = words(browser.get(an_experiment(browser, started="2025-01-10").headers["location"]).text)
    assert "The change is not in an edition yet" in said


def test_an_experiment_goes_from_planned_to_decided_with_notes(house):
    browser = house.browser(Role.LEAD)
    later = (house.today + dt.timedelta(30)).isoformat()
    address = an_experiment(browser, started=later, aim=HOSTILE).headers["location"]
    page = browser.get(address).text
    assert "<script>alert" not in page
    assert "planned" in words(page.split("<form")[0] + page)
    for state in ("running", "adapted"):
        assert browser.post(f"{address}/state", data={"csrf": browser.csrf, "state": state}).status_code == 303
    assert browser.post(f"{address}/notes", data={"csrf": browser.csrf, "text": HOSTILE}).status_code == 303
    said = browser.get(address).text
    assert "adapted: we go on differently" in words(said)
    assert "<script>alert" not in said
    assert browser.get("/circle/paper").content.startswith(b"%PDF-1.7")
    with house.service.register.read() as connection:
        row = connection.execute(select(s.experiments)).one()
    assert (row.state, row.ended, row.organization_id) == ("adapted", house.today, ANYWHERE)


@pytest.mark.parametrize(
    "changes",
    [{"aim": " "}, {"change": ""}, {"measure": "no-such-measure"}, {"started": "soon"}, {"started": "9999-12-31"}],
    ids=lambda changes: next(iter(changes)),
)
def test_an_experiment_that_says_too_little_is_refused(house, changes):
    assert an_experiment(house.browser(Role.MANAGER), **changes).status_code == 403


def test_a_place_that_only_an_edition_names_can_experiment_keep_minutes_and_answer(tmp_path):
    with live_house(tmp_path) as house:
        with_edition(house)  # nothing in the register has named its clinics
        set_up(house, pulse=True)
        browser = house.browser(Role.MANAGER)
        assert an_experiment(browser).status_code == 303
        minutes = {"csrf": browser.csrf, "held": "2026-01-31", "minutes": "We talked"}
        assert browser.post("/circle/minutes", data=minutes).status_code == 303
        assert "You have answered" in browser.post("/pulse", data={"csrf": browser.csrf, "answer": "3"}).text
        page = browser.get("/circle").text
        assert "More replies" in page
        assert "We talked" in page


def test_nobody_reaches_the_experiment_of_another_organization(house):
    analyst, manager = house.browser(Role.ANALYST), house.browser(Role.MANAGER)
    theirs = an_experiment(analyst, organization=ANOTHER).headers["location"].partition("?")[0]
    found = [
        manager.get(theirs).status_code,
        manager.post(f"{theirs}/notes", data={"csrf": manager.csrf, "text": "mine"}).status_code,
        manager.post(f"{theirs}/state", data={"csrf": manager.csrf, "state": "adopted"}).status_code,
        manager.get(theirs, params={"organization": ANOTHER}).status_code,
        manager.post(f"{theirs}/state", data={"csrf": manager.csrf, "state": "x"}).status_code,
    ]
    assert found == [403] * 5
    with house.service.register.read() as connection:
        assert connection.execute(select(s.experiments.c.state)).scalar_one() == "running"
        assert connection.execute(select(s.experiment_notes)).all() == []


# --- the pulse ------------------------------------------------------------------------------------------------------


def test_the_question_is_not_asked_unless_switched_on(house):
    clinician = house.browser(Role.CLINICIAN)
    assert "The weekly question is not asked here." in words(clinician.get("/pulse").text)
    assert clinician.post("/pulse", data={"csrf": clinician.csrf, "answer": "3"}).status_code == 403
    assert "Strength left after work" not in house.browser(Role.MANAGER).get("/circle").text


def test_an_answer_is_kept_once_and_without_its_person(house):
    set_up(house, pulse=True)
    browser = house.browser(Role.MANAGER)
    first = browser.post("/pulse", data={"csrf": browser.csrf, "answer": "2"})
    again = browser.post("/pulse", data={"csrf": browser.csrf, "answer": "5"})
    assert "Your answer is kept, without your name." in words(first.text)
    assert "You have answered already this week." in words(again.text)
    with house.service.register.read() as connection:
        kept = connection.execute(select(s.pulses)).one()
        turn = connection.execute(select(s.pulse_turns)).one()
        lines = connection.execute(select(s.audit).where(s.audit.c.route == "/pulse")).all()
    assert (kept.answer, kept.organization_id, kept.week) == (2, ANYWHERE, week_of(house.today))
    assert set(kept._mapping) == {"id", "organization_id", "week", "answer"}
    assert "manager" not in str(tuple(turn))
    assert lines == []


@pytest.mark.parametrize("answer", ["0", "6", "", "two", "2.5"])
def test_what_is_no_answer_is_not_kept(house, answer):
    set_up(house, pulse=True)
    browser = house.browser(Role.MANAGER)
    assert browser.post("/pulse", data={"csrf": browser.csrf, "answer": answer}).status_code == 403


def test_a_week_is_shown_once_it_is_over_and_with_five_answers(house):
    set_up(house, pulse=True)
    week = week_of(house.today)

    def put(connection):
        for back, values in ((14, (1, 2, 2, 4, 5)), (7, (1, 1, 1, 1)), (0, (3,) * 9)):
            for place, value in enumerate(values):
                row = {"id": f"p{back}-{place}", "organization_id": ANYWHERE, "week": week - dt.timedelta(back)}
                connection.execute(insert(s.pulses).values(**row, answer=value))

    house.service.register.write(put)
    page = house.browser(Role.MANAGER).get("/circle").text
    table = words(page.split("Strength left after work")[1].split("</table>")[0])
    assert "5 A little" in table
    assert "fewer than 5 not shown" in table
    assert "Almost nothing" not in table
    assert "About half of it" not in table  # this week is not over


def test_clinics_do_not_see_the_answers_of_others(house):
    set_up(house, pulse=True)

    def put(connection):
        for place in range(6):
            row = {"id": f"p{place}", "organization_id": ANOTHER, "week": week_of(house.today) - dt.timedelta(7)}
            connection.execute(insert(s.pulses).values(**row, answer=1))

    house.service.register.write(put)
    assert "No week yet with 5 answers or more" in words(house.browser(Role.MANAGER).get("/circle").text)
