"""A person's own pages: entered once, about nobody else, understood, decided on, taken along, asked to be deleted."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import json
import re
import zipfile
from dataclasses import asdict

import jsonschema
import pytest
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from benchwell.pipeline.live.my_download import download_document
from benchwell.pipeline.live.my_words import _DEEDS
from benchwell.register import Role, Viewer
from benchwell.register import schema as s
from benchwell.register.audit import log
from benchwell.register.links import make_link
from benchwell.web.access import Reach
from benchwell.web.navigation import routes_of
from live_edition import with_edition
from live_house import NORTH, OTHER, OWN, add_scores, live_house

PAGES = ("/my", "/my/data")
FILES = ("/my/download.json", "/my/download.zip")
# What somebody could write into a record: markup, a formula, and Typst that reads a file or stops the compiler.
HOSTILE = '<script>alert(1)</script> =HYPERLINK("x") #read("sheet.typ") #panic("stop") $x$ *b* @a </div>'


@pytest.fixture
def house(tmp_path):
    with live_house(tmp_path) as made:
        add_scores(made, OWN, "course-1", "phq-9", [("2026-06-01", 18), ("2026-06-15", 14), ("2026-07-01", 9)])
        yield made


def words(page: str) -> str:
    """What a person reads, with spaces as one."""
    bare = re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", bare)))


def a_link(house, person: str = OWN) -> str:
    token = house.service.register.write(
        lambda c: make_link(c, dt.datetime.now().timestamp(), "my_data", person_id=person)
    )
    return f"/my/enter/{token}"


def version(browser, purpose: str) -> str:
    return re.search(rf'value="({purpose}-\d+:[0-9a-f]+)"', browser.get("/my/data").text)[1]


def decide(browser, purpose: str, decision: str):
    data = {"csrf": browser.csrf, "version": version(browser, purpose), "decision": decision}
    return browser.post(f"/my/purposes/{purpose}", data=data)


# --- the link -------------------------------------------------------------------------------------------------------


def test_a_link_is_looked_at_by_programs_and_used_by_a_person_once(house):
    address, browser = a_link(house), TestClient(house.app, follow_redirects=False)
    assert [browser.get(address).status_code for _ in range(3)] == [200, 200, 200]
    assert browser.get("/my").status_code == 303  # nobody is signed in by looking
    assert browser.post(address).headers["location"] == "/my"
    assert "18" in browser.get("/my").text
    again = TestClient(house.app, follow_redirects=False)
    assert (again.post(address).status_code, again.get(address).status_code) == (404, 404)


def test_who_comes_by_a_link_reaches_the_own_pages_only(house):
    browser = TestClient(house.app, follow_redirects=False)
    browser.post(a_link(house))
    refused = [browser.get(page).status_code for page in ("/today", f"/people/{OWN}", "/circle", "/service", "/admin")]
    assert refused == [403, 403, 403, 403, 403]


def test_a_link_ends_the_session_that_the_browser_had(house):
    browser = house.browser(Role.CLINICIAN)
    browser.post(a_link(house), headers={"x-csrf-token": browser.csrf})
    assert (browser.get("/my").status_code, browser.get("/today").status_code) == (200, 403)
    with house.service.register.read() as connection:
        left = connection.execute(select(s.sessions.c.user_id)).scalars().all()
    assert left == [None]


def test_a_link_of_another_kind_or_a_made_up_one_opens_nothing(house):
    token = house.service.register.write(
        lambda c: make_link(c, dt.datetime.now().timestamp(), "form", person_id=OWN, course_id="course-1")
    )
    browser = TestClient(house.app, follow_redirects=False)
    found = [browser.post(f"/my/enter/{one}").status_code for one in (token, "made-up", "a" * 500)]
    assert found == [404, 404, 404]


def test_a_clinician_makes_a_link_for_own_people_only(house):
    browser = house.browser(Role.CLINICIAN)
    page = browser.post(f"/people/{OWN}/my-link", data={"csrf": browser.csrf}).text
    address = re.search(r"/my/enter/[\w-]+", page)[0]
    assert "data:image/svg+xml" in page
    person = TestClient(house.app, follow_redirects=False)
    assert person.post(address).headers["location"] == "/my"
    assert browser.post(f"/people/{OTHER}/my-link", data={"csrf": browser.csrf}).status_code == 404


# --- what is seen ---------------------------------------------------------------------------------------------------


def test_the_own_course_says_direction_change_and_what_chance_brings(house):
    said = words(house.browser(Role.PATIENT).get("/my").text)
    assert "Your last score was 9, on 1 Jul 2026. This range is called “mild”." in said
    finding = "Your score is 9 lower than on 1 Jun 2026, which is better. That is more than chance alone usually brings"
    assert said.count(f"{finding} (6 or more).") == 1
    assert "Score: lower is better" in said
    assert "The number can be between 0 and 27. A lower number is better: it means fewer problems." in said
    assert "Your scores, Patient Health Questionnaire-9" in said
    assert "People who began with a similar score" not in said  # off until the workspace switches it on


def test_a_small_change_is_said_to_be_no_change_for_sure(tmp_path):
    with live_house(tmp_path) as house:
        add_scores(house, OWN, "course-1", "phq-9", [("2026-06-01", 12), ("2026-06-15", 15)])
        said = words(house.browser(Role.PATIENT).get("/my").text)
    assert "A change of less than 6 can come by chance, so this may be no real change." in said


def test_without_scores_the_page_says_what_comes(tmp_path):
    with live_house(tmp_path) as house:
        said = words(house.browser(Role.PATIENT).get("/my").text)
        assert "There are no scores yet." in said
        assert house.browser(Role.PATIENT).get("/my/download.pdf").status_code == 200


def test_nothing_of_anybody_else_is_on_any_page_or_in_any_file(house):
    add_scores(house, OTHER, "course-3", "gad-7", [("2026-03-03", 17)])

    def put(connection):
        connection.execute(update(s.people).where(s.people.c.id == OTHER).values(label="CANARY-LABEL"))
        note = {"id": "m1", "person_id": OTHER, "course_id": "course-3", "origin": "live"}
        connection.execute(
            insert(s.marks).values(**note, date=dt.date(2026, 3, 3), kind="CANARY-KIND", note="CANARY-NOTE")
        )
        decision = {"id": "CANARY-RECEIPT", "person_id": OTHER, "purpose": "research", "decision": "granted"}
        when = {"date": dt.date(2026, 3, 3), "decided_at": 1.0, "text_version": "CANARY-TEXT", "decided_by": "person"}
        connection.execute(insert(s.consents).values(**decision, **when))
        asked = {"id": "CANARY-DELETION", "person_id": OTHER, "asked_at": 1.0, "state": "asked"}
        connection.execute(insert(s.deletion_requests).values(**asked))

    house.service.register.write(put)
    browser = house.browser(Role.PATIENT)
    for address in (*PAGES, *FILES):
        content = everything_in(browser.get(address))
        for canary in ("CANARY", OTHER, "Clinician Two", "South", "Generalised", "gad-7"):
            assert canary not in content, address
    paper = json.dumps(asdict(download_document(house.service, OWN, dt.datetime.now().timestamp())))
    assert not [canary for canary in ("CANARY", OTHER, "Clinician Two", "South", "gad-7") if canary in paper]
    others = ("/my/receipts/CANARY-RECEIPT", "/my/deletions/CANARY-DELETION")
    assert [browser.get(f"{one}{end}").status_code for one in others for end in ("", "/paper")] == [404] * 4


def everything_in(answer) -> str:
    """The text of a page or file, whatever it is packed in."""
    assert answer.status_code == 200
    if answer.headers["content-type"] == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as folder:
            return "\n".join(folder.read(name).decode() for name in folder.namelist())
    return answer.text


def test_what_somebody_wrote_acts_nowhere(house):
    def put(connection):
        connection.execute(update(s.people).where(s.people.c.id == OWN).values(label=HOSTILE))
        connection.execute(
            update(s.courses).where(s.courses.c.id == "course-1").values(therapy=HOSTILE, condition="=1+1")
        )
        mark = {"id": "m1", "person_id": OWN, "course_id": "course-1", "origin": "live", "date": dt.date(2026, 6, 2)}
        connection.execute(insert(s.marks).values(**mark, kind="life_event", note=f"=cmd|' /C calc'!A0 {HOSTILE}"))

    house.service.register.write(put)
    browser = house.browser(Role.PATIENT)
    for page in PAGES:
        assert "<script>alert" not in browser.get(page).text
    assert browser.get("/my/download.pdf").content.startswith(b"%PDF-1.7")
    link = house.browser(Role.CLINICIAN).get(f"/people/{OWN}/my-link").text
    assert "<script>alert" not in link
    assert "&lt;script&gt;alert" in link
    with zipfile.ZipFile(io.BytesIO(browser.get("/my/download.zip").content)) as folder:
        for name in folder.namelist():
            if name.endswith(".csv"):
                for row in csv.reader(io.StringIO(folder.read(name).decode())):
                    assert not [cell for cell in row if cell[:1] in "=+-@\t\r" and cell and not number(cell)], name


def number(cell: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", cell) is not None


# --- deciding -------------------------------------------------------------------------------------------------------


def test_a_decision_is_kept_with_its_text_and_answered_by_a_receipt(house):
    browser = house.browser(Role.PATIENT)
    shown = version(browser, "learning")
    address = decide(browser, "learning", "refused").headers["location"]
    said = words(browser.get(address).text)
    assert "You said no to: Helping the clinic learn." in said
    assert "Figures about groups that were published before stay as they are" in said
    assert shown in said
    assert "Your treatment stays the same" in said
    paper = browser.get(f"{address}/paper")
    assert paper.headers["content-type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF-1.7")
    with house.service.register.read() as connection:
        row = connection.execute(select(s.consents)).one()
    assert (row.person_id, row.purpose, row.decision, row.text_version) == (OWN, "learning", "declined", shown)
    assert address.endswith(row.id)
    assert "You said no on" in words(browser.get("/my/data").text)


def test_taking_a_yes_back_is_a_withdrawal(house):
    browser = house.browser(Role.PATIENT)
    for decision in ("granted", "refused", "granted"):
        assert decide(browser, "research", decision).status_code == 303
    with house.service.register.read() as connection:
        kept = connection.execute(select(s.consents.c.decision).order_by(s.consents.c.sequence)).scalars().all()
    assert kept == ["granted", "withdrawn", "granted"]
    assert "You said yes on" in words(browser.get("/my/data").text)  # the last word of a day holds


@pytest.mark.parametrize(
    ("purpose", "decision", "text"),
    [
        ("care", "refused", None),
        ("learning", "perhaps", None),
        ("surveillance", "granted", None),
        ("learning", "granted", "learning-1:000000000000"),
        ("learning", "granted", ""),
    ],
)
def test_a_decision_that_cannot_be_made_is_not_kept(house, purpose, decision, text):
    browser = house.browser(Role.PATIENT)
    known = purpose if purpose in ("care", "learning") else "learning"
    shown = version(browser, known) if text is None and known != "care" else text or ""
    data = {"csrf": browser.csrf, "version": shown, "decision": decision}
    assert browser.post(f"/my/purposes/{purpose}", data=data).status_code == 403
    with house.service.register.read() as connection:
        assert connection.execute(select(s.consents)).all() == []


def test_a_new_text_asks_again_and_takes_nothing_for_granted(house):
    browser = house.browser(Role.PATIENT)
    decide(browser, "research", "granted")
    before = version(browser, "research")
    folder = house.service.workspace.path / "declarations" / "consent_texts"
    folder.mkdir(parents=True)
    (folder / "research-2.yaml").write_text(
        "purpose: research\nnumber: 2\nauthor: a test\nwords:\n  en:\n    title: Research\n    question: May we\n"
        "    text: New words\n    refusal: Not then\n",
        encoding="utf-8",
    )
    page = browser.get("/my/data").text
    assert "That was about an earlier text." in words(page)
    assert version(browser, "research").startswith("research-2:")
    section = page.split('id="purpose-research"')[1].split("</section>")[0]
    assert 'aria-pressed="true"' not in section  # neither answer is taken for the new text
    data = {"csrf": browser.csrf, "version": before, "decision": "granted"}
    assert browser.post("/my/purposes/research", data=data).status_code == 403  # a page that was open with the old text


def test_whatever_a_person_decides_the_page_of_who_treats_stays_the_same(house):
    clinician, person = house.browser(Role.CLINICIAN), house.browser(Role.PATIENT)
    pages = (f"/people/{OWN}", f"/people/{OWN}/show", "/people", "/today")
    before = [clinician.get(page).text for page in pages]
    for purpose in ("learning", "contract", "public", "research", "model_training"):
        assert decide(person, purpose, "refused").status_code == 303
    assert [clinician.get(page).text for page in pages] == before


def test_what_is_expected_is_shown_where_it_is_on_and_a_person_may_switch_it_off(house):
    house.service.workspace.settings = house.service.workspace.settings.model_copy(update={"expected_course": True})
    browser = house.browser(Role.PATIENT)
    assert "It is switched on for you." in words(browser.get("/my").text)
    browser.post("/my/expected", data={"csrf": browser.csrf, "wanted": "no"})
    assert "It is switched off for you" in words(browser.get("/my").text)
    assert browser.get("/my/download.json").json()["provided_and_recorded"]["choices"] == {"expected": False}
    browser.post("/my/expected", data={"csrf": browser.csrf, "wanted": "yes"})
    assert "It is switched on for you." in words(browser.get("/my").text)


def test_what_was_shared_follows_from_editions_and_decisions(house):
    edition = with_edition(house)
    add_scores(house, OWN, "course-1", "phq-9", [("2025-01-01", 20)])
    browser = house.browser(Role.PATIENT)
    assert re.search(r"Helping the clinic learn may be counted", words(browser.get("/my/data").text))

    def refuse_early(connection):
        row = {"id": "r1", "person_id": OWN, "purpose": "learning", "decision": "declined", "date": dt.date(2025, 2, 1)}
        connection.execute(
            insert(s.consents).values(**row, decided_at=1.0, text_version="paper", decided_by="clinician")
        )

    house.service.register.write(refuse_early)
    assert re.search(r"Helping the clinic learn left out", words(browser.get("/my/data").text))
    assert edition not in browser.get("/my/data").text  # its name is for programs: the files hold it
    assert browser.get("/my/download.json").json()["written_or_computed_by_others"]["editions"][0]["edition"] == edition
    assert "You decided on a text that is not kept in this program" in words(browser.get("/my/receipts/r1").text)


def test_who_has_looked_says_who_and_what_for_and_names_only_who_treats(house):
    house.browser(Role.CLINICIAN).get(f"/people/{OWN}")
    house.browser(Role.CLINICIAN).get(f"/people/{OWN}")
    house.browser(Role.CLINICIAN).get(f"/people/{OWN}/handout")
    program = Viewer(Role.CLIENT, client_id="none")

    def put(connection):
        log(connection, 1.0, program, "write", "/fhir/Observation", person_id=OWN)
        log(connection, 1.0, Viewer(Role.ADMIN, user_id="admin"), "read", "/somewhere/new", person_id=OWN)

    house.service.register.write(put)
    said = words(house.browser(Role.PATIENT).get("/my/data").text)
    assert said.count("Somebody who treats you: Clinician One Looked at your course") == 1  # once a day
    assert "Somebody who treats you: Clinician One Printed your course" in said
    assert "A program of the clinic Sent answers or scores of yours" in said
    assert "Somebody who looks after this program Looked at your record" in said
    assert "A clinician" not in said  # the account's name
    assert "An admin" not in said.replace("An administrator", "")


def test_every_way_to_read_or_change_a_record_is_told_in_words(house):
    """A new page of a person must say what it is for, or its visits are told by the bare action."""
    told = {route for _action, route in _DEEDS}
    changes = {"attended", "begin", "contacts", "end"}  # "wrote down something about your treatment"
    for method, path, access in routes_of(house.app):
        if access.reach is Reach.PERSON and path.rsplit("/", 1)[-1] not in changes:
            assert path in told, (method, path)


# --- taking along ---------------------------------------------------------------------------------------------------


def test_the_json_holds_everything_and_fits_its_schema(house):
    browser = house.browser(Role.PATIENT)
    decide(browser, "public", "granted")
    browser.post("/my/deletion", data={"csrf": browser.csrf})
    house.browser(Role.CLINICIAN).get(f"/people/{OWN}")

    def put(connection):
        connection.execute(
            insert(s.contacts).values(
                id="c1", person_id=OWN, course_id="course-1", date=dt.date(2026, 6, 3), attended=True, origin="live"
            )
        )
        mark = {"id": "m1", "person_id": OWN, "date": dt.date(2026, 6, 4), "kind": "life_event", "origin": "live"}
        connection.execute(insert(s.marks).values(**mark))
        found = connection.execute(select(s.assessments.c.id).limit(1)).scalar_one()
        connection.execute(update(s.assessments).where(s.assessments.c.id == found).values(items=[1, 2, None]))
        prompt = {"id": "p1", "assessment_id": found, "person_id": OWN, "item": 9, "state": "raised", "raised_at": 5.0}
        connection.execute(insert(s.safety_prompts).values(**prompt))

    house.service.register.write(put)
    schema = json.loads(browser.get("/my/schema.json").text)
    found = browser.get("/my/download.json").json()
    jsonschema.Draft202012Validator(schema).validate(found)
    own, others = found["provided_and_recorded"], found["written_or_computed_by_others"]
    assert [len(own[name]) for name in ("questionnaires", "decisions", "deletion_requests")] == [3, 1, 1]
    assert [len(others[name]) for name in ("courses", "contacts", "marks", "safety_prompts", "statements")] == [1] * 5
    assert others["read_by"]
    answers = {row["item"]: row["value"] for one in own["questionnaires"] for row in one["answers"]}
    assert answers == {1: 1, 2: 2, 3: None}


def test_every_part_of_the_schema_is_described(house):
    schema = json.loads(house.browser(Role.PATIENT).get("/my/schema.json").text)

    def undescribed(part, path=""):
        for name, one in part.get("properties", {}).items():
            if not one.get("description") and "const" not in one:
                yield f"{path}/{name}"
            yield from undescribed(one, f"{path}/{name}")
            yield from undescribed(one.get("items", {}), f"{path}/{name}")

    assert list(undescribed(schema)) == []


def test_the_tables_hold_what_the_json_holds(house):
    browser = house.browser(Role.PATIENT)
    with zipfile.ZipFile(io.BytesIO(browser.get("/my/download.zip").content)) as folder:
        tables = {name: list(csv.DictReader(io.StringIO(folder.read(name).decode()))) for name in folder.namelist()}
    assert [row["value"] for row in tables["scores.csv"]] == ["18.0", "14.0", "9.0"]
    assert {row["instrument"] for row in tables["questionnaires.csv"]} == {"phq-9"}
    assert "README.txt" in tables


def test_the_tables_begin_as_a_spreadsheet_expects_and_each_file_is_explained(house):
    with zipfile.ZipFile(io.BytesIO(house.browser(Role.PATIENT).get("/my/download.zip").content)) as folder:
        files = {name: folder.read(name).decode() for name in folder.namelist()}
    assert all(text.startswith("\ufeff") for text in files.values())
    explained = re.findall(r"^(\w+\.csv): \w", files["README.txt"], re.MULTILINE)
    assert sorted(explained) == sorted(set(files) - {"README.txt"})
    assert "P. 1" in files["person.csv"]


def test_the_paper_says_names_and_not_codes(house):
    def put(connection):
        mark = {"id": "m1", "person_id": OWN, "date": dt.date(2026, 6, 4), "origin": "live"}
        connection.execute(insert(s.marks).values(**mark, kind="medication_started"))

    house.service.register.write(put)
    said = json.dumps(asdict(download_document(house.service, OWN, 0.0)), ensure_ascii=False)
    assert "Medication started" in said
    assert "Patient Health Questionnaire-9" in said
    assert not [code for code in ("medication_started", "phq-9", "total:") if code in said]
    assert said.count("Your score is 9 lower than on 1 Jun 2026") == 1


def test_the_pdf_is_tagged_and_names_its_language(house):
    browser = house.browser(Role.PATIENT)
    english = browser.get("/my/download.pdf").content
    german = browser.get("/my/download.pdf", headers={"accept-language": "de"}).content
    assert b"/MarkInfo" in english
    assert re.search(rb"/Marked ?true", english)
    assert re.search(rb"/Lang ?\(en\)", english)
    assert re.search(rb"/Lang ?\(de\)", german)


def test_letters_that_cannot_be_printed_are_said_and_are_in_the_other_files(house):
    browser = house.browser(Role.PATIENT)
    mark = {"id": "m1", "person_id": OWN, "date": dt.date(2026, 6, 4), "kind": "life_event", "origin": "live"}
    house.service.register.write(lambda c: c.execute(insert(s.marks).values(**mark, note="ひとり 🙂")) and None)
    assert browser.get("/my/download.pdf").status_code == 200
    paper = download_document(house.service, OWN, dt.datetime.now().timestamp())
    assert "stands for a letter that cannot be printed here" in json.dumps(asdict(paper))
    assert "ひとり 🙂" in everything_in(browser.get("/my/download.json"))
    assert "ひとり 🙂" in everything_in(browser.get("/my/download.zip"))


def test_the_page_says_which_text_was_decided_on_and_keeps_its_hash_for_the_receipt(house):
    browser = house.browser(Role.PATIENT)
    page = words(browser.get("/my/data").text)
    assert "Text 1, of 23 Nov 2026." in page
    assert page.count("nobody has checked them for the law yet") == 1
    assert not re.search(r"learning-1:[0-9a-f]{12}", page)
    receipt = browser.get(decide(browser, "learning", "refused").headers["location"]).text
    assert re.search(r"learning-1:[0-9a-f]{12}", words(receipt))


def test_what_a_person_does_with_the_own_record_is_logged_without_values(house):
    browser = house.browser(Role.PATIENT)
    browser.get("/my/download.json")
    decide(browser, "public", "granted")
    with house.service.register.read() as connection:
        lines = connection.execute(select(s.audit).where(s.audit.c.person_id == OWN)).all()
    assert {line.action for line in lines} >= {"read", "write", "export"}
    assert not [line for line in lines if OWN in line.route]


def test_the_organization_is_named_and_nobody_else(house):
    found = house.browser(Role.PATIENT).get("/my/download.json").json()
    course = found["written_or_computed_by_others"]["courses"][0]
    assert (course["organization"], course["practitioner"]) == ("North", "Clinician One")
    assert NORTH not in json.dumps(found)
