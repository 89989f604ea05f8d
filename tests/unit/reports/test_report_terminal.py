"""What a screen shows says the same as the pages."""

from __future__ import annotations

from benchwell.reports import comparison_lines, network_sentences
from benchwell.reports.benchmark_lines import benchmark_lines, decile_lines, refusal_lines
from benchwell.reports.site_lines import SITE_COLUMNS, site_lines
from benchwell.signals import compare
from signals_edition import CLINICS, MEASURE, a_measure, edition


def test_lines_end_with_something_to_do():
    lines = comparison_lines(compare(edition(), "lake", MEASURE["id"]))
    assert lines[0].startswith("Response at 12 weeks: 42 %")
    assert lines[3].startswith("○ We cannot tell yet")
    assert lines[-1].startswith("Worth doing now:")


def test_a_network_is_said_in_one_sentence_per_measure():
    (said,) = network_sentences(edition())
    assert said.startswith("Response at 12 weeks, higher is better: Half of the clinics lie between")
    assert "clinic" in said.split(". ")[1]


def test_every_figure_stands_beside_the_one_it_must_not_be_read_without():
    records = [row for row in edition().table("benchmarks").to_pylist() if row["without"] == ""]
    lines = {line.label: line for line in benchmark_lines(records, a_measure())}
    assert list(lines) == ["lower quartile", "middle clinic", "upper quartile", "top tenth", "mean of clinics"]
    assert lines["top tenth"].beside.startswith("raw ")
    (tenth,) = decile_lines(records, a_measure())
    assert (tenth.figure, tenth.beside) == (lines["top tenth"].figure, lines["top tenth"].beside)
    patients = [row | {"method": "p50.patients"} for row in records if row["method"] == "p50"]
    middle = next(line for line in benchmark_lines([*records, *patients], a_measure()) if line.label == "middle clinic")
    assert middle.beside == f"by people {middle.figure}"


def test_published_and_provisional_figures_say_so():
    row = next(row for row in edition().table("benchmarks").to_pylist() if row["method"] == "p50")
    outside = row | {"method": "some-reference", "tier": "external", "lower": None, "upper": None}
    (line,) = benchmark_lines([outside], a_measure())
    assert (line.label, line.beside) == ("published elsewhere", "some-reference")
    (line,) = benchmark_lines([row | {"provisional": True}], a_measure())
    assert line.figure.endswith("provisional")


def test_what_is_refused_is_said_once_per_reason_in_words():
    row = {"tier": "all", "status": "insufficient", "reason": "x: 6 organizations have a figure; 10 are needed"}
    rows = [row | {"method": name} for name in ("p25", "p25.patients", "top_decile.raw", "top_decile.eb")]
    assert refusal_lines(rows) == ("lower quartile, top tenth: 6 clinics have a figure; 10 are needed.",)
    assert refusal_lines([row | {"method": "abc", "status": "ok"}]) == ()


def test_sites_stand_by_id_and_small_ones_say_only_what_is_missing():
    results = [row for row in edition().table("organization_results").to_pylist() if row["period"] == "all"]
    lines = site_lines(list(reversed(results)), a_measure())
    assert [line.organization_id for line in lines] == sorted(CLINICS)
    by_name = {line.organization_id: line for line in lines}
    assert by_name["tiny"].figures == ()
    assert by_name["tiny"].people == ("6", "5")
    assert by_name["tiny"].refusal == "4 more people needed"
    north = by_name["north"]
    assert north.refusal == ""
    assert len((north.organization_id, *north.people, *north.figures)) == len(SITE_COLUMNS)
    assert north.figures[:4] == ("62 %", "52 %", "62 %", "52–68 %")


def test_bounds_run_from_low_to_high_where_lower_is_better():
    measure = a_measure(better="lower")
    results = edition(measure=measure).table("organization_results").to_pylist()
    north = next(line for line in site_lines(results, measure) if line.organization_id == "north")
    assert north.figures[3] == "52–68 %"
