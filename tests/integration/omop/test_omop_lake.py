"""The lake takes a CDM in, once."""

import datetime as dt
from pathlib import Path

from benchwell.intake.omop import read_omop
from benchwell.lake import Lake
from benchwell.registry import Registry

FIXTURE = Path(__file__).parents[2] / "fixtures" / "omop-synthea"


def test_a_cdm_goes_into_the_lake_and_a_second_time_changes_nothing(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    result = read_omop(FIXTURE, Registry.load(), as_of=dt.date(2026, 1, 1))
    commits = [
        lake.merge(
            result.tables,
            source_hash=result.source_hash,
            file=result.file,
            rejections=result.rejections,
            counts=result.counts.as_dict(),
        )
        for _ in range(2)
    ]
    assert [commit.already for commit in commits] == [False, True]
    assert commits[0].counts["rejected"] == result.rejections.num_rows > 0
