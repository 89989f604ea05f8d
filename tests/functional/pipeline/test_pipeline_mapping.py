"""A layout of somebody else: guessed, shown, saved, and used only when approved."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from benchwell.errors import MappingError
from functional.product_cases import AS_OF, EXAMPLES, SECRET, write_rows

FOREIGN = [
    {
        "Client": f"c{n:02d}",
        "Visit Date": f"2025-0{1 + n % 6}-1{n % 9}",
        "PHQ9 Total": 10 + n,
        "Remark": f"{SECRET} {n}",
    }
    for n in range(12)
]
MAPPING = """
tables:
  assessments:
    patient_id: Client
    date: Visit Date
    instrument: {constant: phq-9}
    total: PHQ9 Total
  patients: {patient_id: Client}
  episodes: {patient_id: Client}
unused: [Remark]
"""


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "export.csv", FOREIGN)


def saved(workspace) -> Path:
    return workspace.path / "mappings" / "export.yaml"


def test_a_doubtful_guess_waits_for_approval(cli, own_practice, foreign):
    before = own_practice.lake.snapshot()
    ran = cli("intake", foreign, "-w", own_practice.path)
    assert ran.code == 13
    assert str(saved(own_practice)) in ran.err
    assert "Nothing was taken in" in ran.err
    assert own_practice.lake.snapshot() == before
    guess = saved(own_practice).read_text(encoding="utf-8")
    assert SECRET not in guess + ran.err + ran.out
    assert {item["column"] for item in yaml.safe_load(guess)["guess"]} >= {"Client", "PHQ9 Total"}


def test_an_approved_guess_is_used_as_it_stands(cli, own_practice, foreign):
    cli("intake", foreign, "-w", own_practice.path)
    text = saved(own_practice).read_text(encoding="utf-8") + "# looked at by M.\n"
    saved(own_practice).write_text(text, encoding="utf-8")
    ran = cli("intake", foreign, "-w", own_practice.path, "--mapping", saved(own_practice), "--json")
    assert ran.code == 0
    (report,) = ran.json()
    assert (report["accepted"], report["guessed"], report["mapping"]) == (12, False, str(saved(own_practice)))
    assert saved(own_practice).read_text(encoding="utf-8") == text


def test_a_guess_can_be_accepted_unseen_and_is_named_as_one(cli, own_practice, foreign):
    ran = cli("intake", foreign, "-w", own_practice.path, "--accept-guess", "--json")
    assert ran.code == 0
    (report,) = ran.json()
    assert report["guessed"]
    assert Path(report["mapping"]).is_file()
    assert "have a look" in cli("intake", foreign, "-w", own_practice.path, "--accept-guess").err


def test_nobodys_work_on_a_mapping_is_written_over(cli, own_practice, foreign):
    cli("intake", foreign, "-w", own_practice.path)
    saved(own_practice).write_text("# my own work\n" + MAPPING.replace("phq-9", "phq-8"), encoding="utf-8")
    ran = cli("intake", foreign, "-w", own_practice.path)
    assert ran.code == 13
    assert saved(own_practice).read_text(encoding="utf-8").startswith("# my own work")
    assert len(list(saved(own_practice).parent.glob("export-*.yaml"))) == 1
    cli("intake", foreign, "-w", own_practice.path)
    assert len(list(saved(own_practice).parent.glob("export*.yaml"))) == 2


def test_a_mapping_from_elsewhere_is_kept_in_the_workspace(cli, own_practice, foreign, tmp_path):
    mapping = tmp_path / "how.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    assert cli("intake", foreign, "-w", own_practice.path, "-m", mapping).code == 0
    assert own_practice.intake(foreign, saved(own_practice)).already


def test_another_mapping_of_the_same_file_leaves_no_trace_of_the_first(own_practice, foreign, tmp_path):
    wrong, right = tmp_path / "wrong.yaml", tmp_path / "right.yaml"
    wrong.write_text(MAPPING.replace("constant: phq-9", "constant: core-10"), encoding="utf-8")
    right.write_text(MAPPING, encoding="utf-8")
    own_practice.intake(foreign, wrong)
    with_wrong = own_practice.lake.snapshot().rows["assessments"]
    own_practice.intake(foreign, right)
    assert own_practice.lake.snapshot().rows["assessments"] == with_wrong == 35 + 12
    edition = own_practice.build(as_of=AS_OF, benchmarks=["phq9-change-12w-plain"])
    assert len(edition.table("outcomes")) == 20 + 12


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MAPPING.replace("PHQ9 Total", "No Such Column"), "No Such Column"),
        ("tables: [", "not valid YAML"),
        ("just words", "holds no mapping"),
        (MAPPING.replace("assessments", "asessments"), "asessments"),
        (MAPPING + "surprise: 1\n", "surprise"),
    ],
)
def test_a_wrong_mapping_is_refused_and_says_what_is_wrong(cli, own_practice, foreign, tmp_path, text, said):
    mapping = tmp_path / "wrong.yaml"
    mapping.write_text(text, encoding="utf-8")
    ran = cli("intake", foreign, "-w", own_practice.path, "-m", mapping)
    assert ran.code == 13
    assert said in ran.err
    assert SECRET not in ran.err


def test_a_mapping_of_another_source_is_refused(own_practice, foreign):
    with pytest.raises(MappingError, match="has no column"):
        own_practice.intake(foreign, EXAMPLES / "hamd-trial-sites" / "mapping.yaml")


def test_a_report_says_what_was_guessed(cli, foreign, tmp_path):
    page = tmp_path / "own.html"
    ran = cli("report", foreign, "-o", page, "--as-of", AS_OF, "--json")
    assert ran.code == 0
    assert any("guessed" in note for note in ran.json()["notes"])
    assert "guessed" in page.read_text(encoding="utf-8")
    assert SECRET not in page.read_text(encoding="utf-8") + ran.out + ran.err
