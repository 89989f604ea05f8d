"""The bundled data come out of the scripts beside them, byte for byte."""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"
NHS = "iapt_key_measures_2019-02_to_2019-08.csv"

shared = pytest.mark.skipif(not SHARED.exists(), reason="the shared data set is not there")


def test_the_synthetic_practice_is_what_its_script_makes():
    folder = EXAMPLES / "solo-practice"
    made = subprocess.run([sys.executable, str(folder / "make_scores.py")], capture_output=True, check=True)
    assert made.stdout == (folder / "scores.csv").read_bytes()


def test_the_synthetic_network_is_what_its_script_makes(tmp_path):
    folder = EXAMPLES / "fair-network"
    subprocess.run([sys.executable, str(folder / "make_network.py"), str(tmp_path)], check=True)
    for name in ("synthetic_scores.csv", "truth.csv", "mapping.yaml"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_every_clinic_of_the_synthetic_network_says_so():
    for name in ("synthetic_scores.csv", "truth.csv"):
        with (EXAMPLES / "fair-network" / name).open(encoding="utf-8") as file:
            clinics = {row["clinic"] for row in csv.DictReader(file)}
        assert len(clinics) == 26, name
        assert all(clinic.startswith("synthetic-") for clinic in clinics), name


@pytest.mark.shared
@shared
def test_the_nhs_rows_are_the_stated_part_of_the_source(tmp_path):
    full = SHARED / "nhs-iapt-provider-monthly" / NHS
    subprocess.run([sys.executable, str(EXAMPLES / "nhs-iapt" / "make_subset.py"), full, tmp_path / NHS], check=True)
    assert (tmp_path / NHS).read_bytes() == (EXAMPLES / "nhs-iapt" / NHS).read_bytes()
    assert hashlib.sha256(full.read_bytes()).hexdigest() in (EXAMPLES / "nhs-iapt" / "PROVENANCE.md").read_text("utf-8")


@pytest.mark.shared
@shared
def test_the_trial_is_unchanged():
    original = SHARED / "hamd-trial-sites" / "hamd_sites.csv"
    assert original.read_bytes() == (EXAMPLES / "hamd-trial-sites" / "hamd_sites.csv").read_bytes()
