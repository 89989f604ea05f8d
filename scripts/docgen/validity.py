"""docs/validity.md: which worked example is checked by which test, found in the tests themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from docgen.markdown import page, table
from docgen.recovery import recovery

TESTS = Path(__file__).resolve().parents[2] / "tests"

EXAMPLES = {
    "E0.1": "percentiles of type 7 and weighted: median .425, P90 .563; weighted .41, .49",
    "E1.1": "one course, four pick rules: last 8, closest 6, first 9, last observation 4",
    "E1.2": "maturity: with a window to day 240 and 30 days of grace the index is on 2024-01-04 or before",
    "M1.3": "official figures of June 2020: recovery 51.8 %, reliable improvement 69.1 %",
    "E1.4": "completion, three rates with Wilson intervals, bounds, tipping point .30",
    "E1.5": "weighting: observed 43.75 %, weighted 40.0 %, effective number 57.14",
    "E1.6": "pooling of imputations: .4280, degrees of freedom 62.09, interval .3107 to .5453",
    "E2.1": "mean change −6.00, ratio of means −39.13 %, mean of percents −42.04 %",
    "E2.2": "response 3 of 6, remission 2 of 6",
    "E2.3": "reliable change index 3.1623; PHQ-9 needs 6 points",
    "E2.4": "cut-off c: 50; with unequal SDs 9.3333",
    "E2.5": "two-measure rule: three cases",
    "E2.6": "effect size d 1.5885, Hedges' g 1.3355, interval .378 to 2.293",
    "E2.7": "severity-adjusted effect sizes 2.4741 and 1.4661",
    "E2.8": "one person's slope: least squares −1.228571, weight .7590, shrunken −1.1253",
    "E2.8b": "nobody changes, yet 6 % ever drop by 6 points over eight looks: .064 against .011 for one look",
    "E2.9": "improvement with dropout competing: incidence .5333 and .3333 where 1 − Kaplan-Meier says .7375",
    "E2.10": "event rates",
    "E2.11": "gain per day of a stay",
    "E3.2": "three sites' sums: coefficients 9.53147 and .858135, variances 1.094133 and 7.382766, REML −21.403365",
    "E3.3": "clinicians in clinics: coefficients 10.286153 and .961847, likelihood −33.368402 as from the dense matrix",
    "E3.4": "one clinic's marginal likelihood −3.032723, mean of its effect .092082, mode .094696",
    "E3.5": "sums that are one person's score are refused",
    "E3.6": "observed over expected 1.6393, z 1.4688, standardized .6885; exact and Byar limits of 18 over 12.4",
    "E3.6b": "two clinics alike in every stratum: ratios 1.0357 and 1.75, direct rates .50 for both",
    "E3.7": "predicted over expected 1.259647, risk-standardized .529052, marginal 1.557261, direct .555880",
    "E3.8": "slope within clinics .857816, random effects .858135, pooled .863592; three fixed effects",
    "E3.9": "reliability and shrinkage of five clinics: .6048, .5097, .5485, .4809, .5803",
    "E3.9b": "people needed for a reliability of .7 and .9",
    "E3.10": "expected places 1.0980, 2.3226, 2.5794; probability of the first place; refusal",
    "E3.11": "model checks: c .88, Brier .1510, calibration .262087, slope 1.944184, ICI .108253",
    "E4.2": "top of clinics that are all the same: .6703 of 10, .6912 of 100",
    "E4.2b": "raw, shrunken, constrained and model deciles: .5552, .4616, .4786, .4895",
    "E4.3": "achievable benchmark of care .520833",
    "E4.6": "strata that borrow: .4909, .3954, .4411, .4029",
    "E4.7": "jackknife over clinics .020472; leave-one-out gap −.0243",
    "E5.1": "funnel: z scores, overdispersion 2.566650, limits",
    "E5.2": "run chart: limits 35.0364 to 51.9636 and two signals",
    "E5.3": "p chart: limits by number of people, spread .2006 below chance and never narrowed",
    "E5.4": "CUSUM 1.5467 and VLAD −2.7 of six people",
    "E5.5": "light: green, grey, red, grey",
    "E5.7": "false discovery rate: 6 of 10 at .10, 3 at .05; under any dependence .02929 first",
    "E10.1": "thirteen trials pooled: Q 152.23, variance between trials .3088 by moments and .3132 by REML, all limits",
    "E10.2": "two groups of trials that look different are not shown to be: p .163",
    "E10.3": "Egger's test: −2.112, p .189",
    "E13.1": "SHA-256 of a definition's canonical JSON",
}

WORDS = """Every method has worked examples with their full input and result; they were computed by a script, and
several agree with R to the digits shown. Each is a test of this repository, at a relative tolerance of 1e-4
unless the test says otherwise. The table is written from the tests: an example that no test names is an
error."""

MORE = """## Beyond the worked examples

- **A slow twin.** Windows, picks, denominators and scoring are computed a second time by plain Python that shares
  no code with the engine, on random data (`tests/property/`).
- **Two engines.** The same expressions run on DuckDB and on Spark, and the numbers agree (`spark` tests; skipped by
  name where Java is missing).
- **Another program.** A funnel of 57 units agrees with the reference values that an independent implementation
  gave.
- **Instruments.** Each declared example (answers → score, status, band) is run, for one person and as a batch.
- **Editions.** `verify` recomputes every number from the frozen sums; tests change one byte, one declaration and
  one table version, and each is named.
- **Forgery.** Editions whose hashes were all made to fit again are still caught when two organizations are swapped, a
  row is dropped, repeated or contradicted, a column is added, or the manifest states other counts, gates or seeds.
  What no check inside can catch is an edition computed honestly from made-up sums, or a changed text (licence, limits,
  approvals) in a manifest that was sealed again: compare the manifest's hash with one kept elsewhere.
- **Truth that is known.** In simulated networks without any difference between clinics no light has a colour, and the
  intervals of pooled figures hold the truth as often as they say; [limitations](limitations.md) has the figures, also
  of those that reach less.
- **FHIR as others write it.** Questionnaires of five public guides and two public exports come in with the numbers that
  they state (`tests/integration/fhir/`). Spoilt resources and arbitrary bytes give a row or a finding, never a crash;
  of 101,136 spoilt resources none came in with a number that a second, plain reader does not find in it, and none was
  lost without a finding (`./run bench fuzz`; figures in `benchmarks/results.md`);
  whichever way bytes are cut, every row is accounted for, and a slow twin folds the same assessments
  (`tests/property/fhir/`). A made-up export is counted by hand, from lines to a MeasureReport
  (`tests/functional/pipeline/test_pipeline_fhir_example.py`).
- **Official measures.** CMS159, CMS2 and CMS177 give the expected counts in all official test cases that we could
  get, but for one of CMS177 whose expected counts contradict its rule: 22, 12 and 13, through the public command. Cases
  at every boundary are spelt out (`tests/spec/quality/`), and a twin of CMS159 counts made-up people whose times lie
  where its rules turn.
- **Bulk exports.** The client is tested against a server of our own that breaks off, is busy, lies about counts and
  lets tokens end ([which requirement is held by which test](bulk-data.md)). No vendor's server was asked.
- **Live: one form, two ways.** A form scored in plain Python and a table scored by an engine agree in value, status,
  reason and band on every declaration and random answers (`tests/property/`). A curve's range for one person agrees
  with the textbook's conditional normal, and its fit with lme4; a network whose courses are known is followed from
  intake to one person's signal.
- **Live: who sees what.** Every route is asked in every role and compared with a table (a route without a line
  fails); random requests look for marks that stand in other people's records only, and a scope that is broken on
  purpose is found.
- **Live: pages.** Every page of every role is opened in a real Chromium: no barrier that axe finds, light and dark,
  no message in the console, no request to another host.
- **Live: what is acknowledged.** The writing process is killed in the middle, and every acknowledged write is found
  again; the way to the lake and back is repeated and interrupted, on SQLite and on PostgreSQL.
- **Live: the interface for programs** is held to its own OpenAPI by random requests (no 5xx), and every command of
  [its tutorial](tutorials/live-service-for-ehr-engineers.md) is run with its answer.
- **Interruption.** Intake and build are killed midway; what was in the lake before is still there.

## What was not checked

- Constants of instruments that are marked **unchecked** on the [method pages](methods/index.md).
- Whether the live service is usable by people who did not build it: clinicians, patients and people with screen
  readers have not tried it.
- Whether these methods help anyone. That is a question for a trial, not for a test."""


def mentions() -> Iterator[tuple[str, str]]:
    """(text of a test with its name, test id) for every test function."""
    for path in sorted(TESTS.rglob("test_*.py")):
        if path.parent.name == "docs":  # these check pages, not methods
            continue
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                text = "\n".join(source.splitlines()[first - 1 : node.end_lineno])
                yield text, f"{path.relative_to(TESTS.parent).as_posix()}::{node.name}"


def found() -> dict[str, list[str]]:
    """Worked example → ids of the tests that name it, in their name, their text or a comment."""
    tests = list(mentions())
    return {example: sorted(name for text, name in tests if _names(example, text)) for example in EXAMPLES}


def _names(example: str, text: str) -> bool:
    in_text = rf"\b{re.escape(example)}(?![\w]|\.\d)"
    in_name = rf"_{example.lower().replace('.', '_?')}(?![a-z0-9]|_\d)"
    return bool(re.search(in_text, text) or re.search(in_name, text))


def validity() -> str:
    """The page."""
    rows = [
        (example, EXAMPLES[example], ", ".join(f"`{name}`" for name in tests) or "**no test**")
        for example, tests in found().items()
    ]
    examples = table(["example", "what it checks", "tests"], rows)
    return page("# What was checked against what", WORDS, examples, recovery(), MORE)
