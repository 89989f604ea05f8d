"""Forms that people fill in themselves: a link works once and for its own questions, a kiosk keeps nothing."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from benchwell.pipeline.live import links, waiting
from benchwell.register import Role
from benchwell.register import schema as s
from live_house import OTHER, OWN, House, live_house

COUNT = {"phq-9": 9, "gad-7": 7}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The clinic."""
    with live_house(tmp_path) as made:
        yield made


@pytest.fixture
def everywhere(tmp_path: Path, register_url: str) -> Iterator[House]:
    """The clinic, on each kind of database."""
    with live_house(tmp_path, url=register_url) as made:
        yield made


def stranger(house: House) -> TestClient:
    return TestClient(house.app, follow_redirects=False)


def make(house: House, *instruments: str, how: str = "link", **fields: str) -> str:
    """A link's address or a kiosk's code."""
    browser = house.browser(Role.CLINICIAN)
    data: dict[str, Any] = {"csrf": browser.csrf, "instrument": list(instruments), "how": how, **fields}  # type: ignore[attr-defined]
    answer = browser.post(f"/people/{OWN}/link", data=data)
    assert answer.status_code == 200, answer.text
    found = re.search(r"/f/[\w-]+" if how == "link" else r"<code>([A-Z2-9]{3} [A-Z2-9]{3})</code>", answer.text)
    assert found is not None
    return found[0] if how == "link" else found[1]


def open_device(house: House) -> TestClient:
    """A device that is a kiosk of the clinician's place."""
    browser = house.browser(Role.CLINICIAN)
    page = browser.post("/kiosk/open", data={"csrf": browser.csrf}).text  # type: ignore[attr-defined]
    found = re.search(r"/kiosk/[\w-]{43}", page)
    assert found is not None
    device = stranger(house)
    assert device.get(found[0]).headers["location"] == "/kiosk"
    return device


def answers(instrument: str, *values: int) -> dict[str, str]:
    """Answers to the first questions; the others were left out on purpose."""
    said = [*map(str, values), *["none"] * (COUNT[instrument] - len(values))]
    return {f"{instrument}:item-{item}": value for item, value in enumerate(said, start=1)}


def kept(house: House) -> list[Any]:
    with house.service.register.read() as connection:
        return list(connection.execute(select(s.assessments).order_by(s.assessments.c.instrument)).all())


def words(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_a_form_is_sent_once(everywhere: House) -> None:
    address, person = make(everywhere, "phq-9", "gad-7"), stranger(everywhere)
    assert person.get(address).status_code == person.get(address).status_code == 200, "looking does not use it up"
    sent = answers("phq-9", *[1] * 8, 0) | answers("gad-7", *[2] * 7)
    assert "Thank you" in words(person.post(address, data=sent))
    assert [(row.instrument, row.source, row.informant, row.person_id, row.course_id) for row in kept(everywhere)] == [
        ("gad-7", "link", "self", OWN, "course-1"),
        ("phq-9", "link", "self", OWN, "course-1"),
    ]
    assert person.post(address, data=answers("phq-9", *[3] * 9)).status_code == 403
    assert person.get(address).status_code == 404
    assert len(kept(everywhere)) == 2


def test_a_form_takes_only_what_was_asked(house: House) -> None:
    person = stranger(house)
    address = make(house, "phq-9")
    person.post(address, data=answers("phq-9", *[1] * 9) | answers("gad-7", *[3] * 7) | {"person_id": OTHER})
    assert [(row.instrument, row.person_id) for row in kept(house)] == [("phq-9", OWN)]


def test_a_form_without_any_answer_leaves_the_link_as_it_is(house: House) -> None:
    address, person = make(house, "phq-9"), stranger(house)
    assert "No question has an answer yet" in words(person.post(address, data={}))
    assert person.post(address, data=answers("phq-9", 1)).status_code == 200


def test_a_wrong_answer_is_asked_again_and_the_others_stay(house: House) -> None:
    address, person = make(house, "phq-9"), stranger(house)
    answer = person.post(address, data=answers("phq-9", 1, 9))
    assert answer.status_code == 400
    assert re.search(r'name="phq-9:item-1" value="1" checked', answer.text)
    assert kept(house) == []


def test_nothing_is_chosen_beforehand_and_a_forgotten_question_is_asked_again(house: House) -> None:
    address, person = make(house, "phq-9"), stranger(house)
    assert " checked" not in person.get(address).text
    sent = answers("phq-9", *[1] * 9) | {"phq-9:item-7": ""}
    again = person.post(address, data=sent)
    assert again.status_code == 400
    assert "Question 7 has no answer yet. Choose one, or “I would rather not say”." in words(again)
    assert again.text.count(" checked") == 8
    assert 'href="#q-phq-9-7"' in again.text
    assert kept(house) == []
    assert person.post(address, data=sent | {"phq-9:item-7": "none"}).status_code == 200


def test_of_several_forms_a_forgotten_question_is_counted_and_marked(house: House) -> None:
    address, person = make(house, "phq-9", "gad-7"), stranger(house)
    again = person.post(address, data=answers("phq-9", *[1] * 9) | answers("gad-7", *[1] * 7) | {"gad-7:item-2": ""})
    assert "1 question has no answer yet." in words(again)
    assert 'href="#q-gad-7-2"' in again.text


def test_a_register_that_does_not_answer_leaves_the_answers_and_the_link(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, person, may_go_on, real = make(house, "phq-9"), stranger(house), threading.Event(), links.receive

    def behind(*arguments: Any, **more: Any) -> Any:
        house.service.register.submit(lambda _connection: may_go_on.wait(20))
        return real(*arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(links, "receive", behind)
        patched.setattr(waiting.in_time, "__defaults__", (0.05,))
        answer = person.post(address, data=answers("phq-9", *[1] * 9))
        may_go_on.set()
    assert answer.status_code == 503
    assert answer.text.count(" checked") == 9
    assert "Your answers are still on this page" in words(answer)
    assert "Thank you" in words(person.post(address, data=answers("phq-9", *[1] * 9)))
    assert len(kept(house)) == 1


@pytest.mark.parametrize("instruments", [(), ("core-10",), ("phq-9", "bdi-ii"), ("no-such-form",)])
def test_a_link_is_made_only_for_wording_that_may_be_shown(house: House, instruments: tuple[str, ...]) -> None:
    browser = house.browser(Role.CLINICIAN)
    data = {"csrf": browser.csrf, "instrument": list(instruments)}  # type: ignore[attr-defined]
    assert browser.post(f"/people/{OWN}/link", data=data).status_code == 400


def test_every_question_may_be_left_out_and_the_score_is_shown_only_if_allowed(house: House) -> None:
    silent, shown = make(house, "phq-9"), make(house, "phq-9", show_score="yes")
    person = stranger(house)
    assert "I would rather not say" in words(person.get(silent))
    assert "Your score" not in words(person.post(silent, data=answers("phq-9", *[1] * 8, 0)))
    said = words(person.post(shown, data=answers("phq-9", *[1] * 9)))
    assert "Your score is 9 on a scale from 0 to 27." in said
    assert "Lower is better." in said


def test_too_few_answers_say_so(house: House) -> None:
    address = make(house, "phq-9", show_score="yes")
    assert "Too many questions were left out" in words(stranger(house).post(address, data=answers("phq-9", 1, 1)))


def test_a_safety_answer_is_met_at_once_and_says_that_nobody_watches(house: House) -> None:
    settings = house.service.workspace.settings
    local = {"safety_text": "Talk to us.", "emergency_contacts": ("Night line of North: synthetic number",)}
    house.service.workspace.settings = settings.model_copy(update=local)
    answer = stranger(house).post(make(house, "phq-9"), data=answers("phq-9", *[0] * 8, 1))
    assert 'role="alert"' in answer.text
    for said in ("Talk to us.", "Night line of North: synthetic number", "Nobody watches this page."):
        assert said in words(answer)


def test_the_neutral_safety_text_invents_no_number(house: House) -> None:
    answer = stranger(house).post(make(house, "phq-9"), data=answers("phq-9", *[0] * 8, 2))
    alert = answer.text[answer.text.index('role="alert"') :].split("</section>")[0]
    assert "your local emergency number" in alert
    assert not re.search(r"\d{3}", re.sub(r"<[^>]+>", " ", alert))


def test_other_answers_show_no_safety_text(house: House) -> None:
    answer = stranger(house).post(make(house, "phq-9"), data=answers("phq-9", *[3] * 8, 0))
    assert 'role="alert"' not in answer.text


def test_a_form_in_another_language_says_that_its_wording_is_english(house: House) -> None:
    page = stranger(house).get(make(house, "phq-9", "gad-7"), headers={"accept-language": "de"}).text
    assert '<span lang="en">Not being able to stop or control worrying</span>' in page
    assert page.count('class="note"') == 2


def test_a_form_whose_german_words_are_declared_is_german(house: House) -> None:
    page = stranger(house).get(make(house, "phq-9"), headers={"accept-language": "de"}).text
    assert '<span lang="de">Wenig Interesse oder Freude an Ihren Tätigkeiten</span>' in page
    assert '<span lang="de">Beinahe jeden Tag</span>' in page
    assert 'lang="en"' not in page.partition("<main")[2].partition("</main>")[0]
    assert page.count('class="note"') == 1


def test_a_form_that_has_expired_is_gone(house: House) -> None:
    address = make(house, "phq-9")
    house.service.register.write(lambda connection: connection.execute(update(s.links).values(expires_at=1.0)))
    assert stranger(house).get(address).status_code == 404
    assert stranger(house).post(address, data=answers("phq-9", *[1] * 9)).status_code == 403
    assert kept(house) == []


def test_the_form_says_nothing_of_the_person(house: House) -> None:
    page = stranger(house).get(make(house, "phq-9"))
    assert page.headers["cache-control"] == "no-store"
    for secret in ("P. 1", OWN, "course-1", "Clinician One"):
        assert secret not in page.text


def test_links_are_kept_as_hashes_only(house: House) -> None:
    address = make(house, "phq-9")
    with house.service.register.read() as connection:
        stored = [str(row) for row in connection.execute(select(s.links)).all()]
    assert not any(address.removeprefix("/f/") in row for row in stored)


def test_a_kiosk_takes_a_code_once(everywhere: House) -> None:
    device, code = open_device(everywhere), make(everywhere, "phq-9", how="code")
    form = device.post("/kiosk", data={"code": code.lower()})
    assert form.text.count("<fieldset") == 9
    done = device.post("/kiosk/send", data={"code": code, **answers("phq-9", *[1] * 9)})
    assert "Nothing of it stays on this device" in words(done)
    assert done.headers["refresh"].endswith("url=/kiosk")
    assert done.headers["cache-control"] == "no-store"
    assert [(row.source, row.person_id) for row in kept(everywhere)] == [("kiosk", OWN)]
    assert "This code does not work" in words(device.post("/kiosk", data={"code": code}))
    assert device.post("/kiosk/send", data={"code": code, **answers("phq-9", *[3] * 9)}).status_code == 403
    assert len(kept(everywhere)) == 1


def test_a_code_works_only_on_a_kiosk_of_its_place(house: House) -> None:
    code = make(house, "phq-9", how="code")
    assert stranger(house).post("/kiosk", data={"code": code}).status_code == 403
    device = open_device(house)
    house.service.register.write(
        lambda connection: connection.execute(
            update(s.links).where(s.links.c.kind == "kiosk").values(organization_id="synthetic-south")
        )
    )
    assert device.post("/kiosk", data={"code": code}).status_code == 400


def test_a_code_is_no_link(house: House) -> None:
    code = make(house, "phq-9", how="code").replace(" ", "")
    for guess in (code, f"kiosk:synthetic-north:{code}"):
        assert stranger(house).get(f"/f/{guess}").status_code == 404
        assert stranger(house).post(f"/f/{guess}", data=answers("phq-9", *[1] * 9)).status_code == 403
    assert kept(house) == []


def test_a_code_lasts_an_hour(house: House) -> None:
    make(house, "phq-9", how="code")
    with house.service.register.read() as connection:
        row = connection.execute(select(s.links)).one()
    assert row.expires_at - row.created_at == pytest.approx(3600)


def test_whoever_tries_many_codes_is_slowed_down(house: House) -> None:
    device = open_device(house)
    tried = [device.post("/kiosk", data={"code": f"AAAA{number:02}"}).status_code for number in range(25)]
    assert tried[:20] == [400] * 20
    assert tried[-1] == 429


def test_a_device_that_nobody_opened_is_no_kiosk(house: House) -> None:
    assert "not set up as a kiosk" in words(stranger(house).get("/kiosk"))
    assert stranger(house).get("/kiosk/" + "a" * 43).status_code == 404


def test_a_safety_answer_at_a_kiosk_says_whom_to_tell(house: House) -> None:
    device, code = open_device(house), make(house, "phq-9", how="code")
    done = device.post("/kiosk/send", data={"code": code, **answers("phq-9", *[0] * 8, 3)})
    assert "tell somebody of the staff now" in words(done)
    assert done.headers["refresh"].startswith("90")


def test_a_kiosk_asks_again_and_what_was_answered_stays(house: House) -> None:
    device, code = open_device(house), make(house, "phq-9", how="code")
    again = device.post("/kiosk/send", data={"code": code, **answers("phq-9", 1, 8)})
    assert again.status_code == 400
    assert re.search(r'name="phq-9:item-1" value="1" checked', again.text)
    assert device.post("/kiosk/send", data={"code": code, **answers("phq-9", *[1] * 9)}).status_code == 200
