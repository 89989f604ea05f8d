"""The network with a score at every session: as many people, clinics and scores as it says, and the same every time."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

from benchwell.synthetic import WeeklyNetwork, write_weekly


def read(file):
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_people_clinics_and_scores(tmp_path):
    scores, contacts = (read(file) for file in write_weekly(tmp_path))
    per_person = Counter(row["patient_id"] for row in scores)
    assert len(per_person) == 720
    assert {row["clinic"] for row in scores} == {f"weekly-clinic-{n}" for n in range(1, 9)}
    assert min(per_person.values()) == 4
    assert max(per_person.values()) == 12
    assert len(contacts) == len(scores)
    assert {row["episode_id"] for row in contacts} == {row["episode_id"] for row in scores}
    assert all(row["start_date"] <= row["date"] <= row["end_date"] for row in scores)
    assert all(0 <= int(row[f"item_{n}"]) <= 3 for row in scores[:200] for n in range(1, 10))


def test_the_same_settings_give_the_same_files(tmp_path):
    one, two = (write_weekly(tmp_path / name, WeeklyNetwork(people=40)) for name in ("one", "two"))
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]
    other = write_weekly(tmp_path / "other", WeeklyNetwork(people=40, seed=2))
    assert other[0].read_bytes() != one[0].read_bytes()


@pytest.mark.parametrize(
    "settings",
    [{"people": 3, "clinics": 5}, {"fewest": 1}, {"most": 20}, {"clinicians": 0}, {"clinic_sd": -1.0}, {"seed": -1}],
)
def test_what_cannot_be_drawn_is_refused(settings):
    with pytest.raises(ValueError, match="WeeklyNetwork"):
        WeeklyNetwork(**settings)
