"""Compare one organization with a benchmark of an edition: the light, and the gate that decided (METHODS M5.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, isfinite

from benchwell.errors import ComparisonBlockedError
from benchwell.i18n import _
from benchwell.models.light import LightVerdict, light, people_needed
from benchwell.models.shrinkage import shrink
from benchwell.registry.benchmark import SEED, Benchmark, Gates
from benchwell.registry.measure import Measure
from benchwell.signals import gates as gate
from benchwell.signals.adjustment_words import refusal_words
from benchwell.signals.answers import Answer, Yardstick, denominator_answers, shifted_answers
from benchwell.signals.comparison import BenchmarkUsed, Comparison, Figures
from benchwell.signals.imputed_answers import ImputedLight, imputed_answers, points
from benchwell.signals.peers import nobody_followed
from benchwell.signals.reading import (
    ALL,
    EditionSource,
    OneMeasure,
    Row,
    measure_of,
    organization_name,
    organization_row,
    organization_rows,
    preferred_adjustment,
    rows,
)
from benchwell.signals.record_asked import Wanted, benchmark_declaration, current_window, find_record, group_of
from benchwell.signals.usual_spread import beyond_usual_spread, people_counted
from benchwell.signals.words import Figure, figure_of
from benchwell.terms import Adjustment, BenchmarkKind, Better, Denominator, Light

# So many further people are asked for at most: a number that nobody will ever see helps nobody.
LEAST_ASKED, MOST_TIMES = 1_000, 10


def compare(
    edition: EditionSource,
    organization_id: str,
    measure: str | Measure,
    benchmark: str | Benchmark | None = None,
    kind: BenchmarkKind | str = BenchmarkKind.MEAN,
    *,
    method: str | None = None,
    tier: str = ALL,
    period: str = ALL,
    adjustment: Adjustment | str | None = None,
    name: str | None = None,
) -> Comparison:
    """Compare an organization with a benchmark of the same edition.

    Args:
        edition: The edition; nothing else is read.
        organization_id: Whose figure.
        measure: A measure, or its id.
        benchmark: A benchmark declaration, its id, or None for the first of the edition for this measure.
        kind: Which kind of benchmark value.
        method: Which method of that kind; None takes the first that holds a figure.
        tier: Which tier.
        period: "all", a quarter or a rolling window, for the organization's own figure. Own history is compared with
            the current window unless another period is named: "all" holds the earlier window too.
        adjustment: Which view of the figures: "unadjusted", "clinical", "clinical+social" …; None takes the clinical
            one where the edition has it for this kind of benchmark. Own history and external standards are compared
            unadjusted, since neither was adjusted alike.
        name: What to call the organization; None uses its name in the edition, or its id.

    Returns:
        The comparison. Below minimum data it is grey with the gate that decided, never an error.

    Raises:
        UnknownDeclarationError: If the measure or benchmark is not in the edition.
        EditionError: If the edition holds no result of the organization.
        ComparisonBlockedError: If the benchmark counts another denominator than the measure.

    Source:
        METHODS M5.5, M4.7, M1.4.
    """
    declared = measure_of(edition, measure)
    edition = OneMeasure.of(edition, declared.id)
    if BenchmarkKind(kind) is BenchmarkKind.OWN_HISTORY and period == ALL:
        period = current_window(edition, declared)
    view = _adjustment(edition, declared, BenchmarkKind(kind), period, adjustment)
    row = organization_row(edition, organization_id, declared.id, period=period, adjustment=view)
    used_by = benchmark_declaration(edition, declared, benchmark)
    group = group_of(edition, organization_id, tier)
    wanted = Wanted(declared, used_by, BenchmarkKind(kind), method, tier, group, organization_id, view)
    peers = [
        other
        for other in organization_rows(edition, declared.id, period=period, adjustment=view)
        if other["organization_id"] != organization_id
    ]
    record = find_record(edition, wanted)
    figures = Figures.of(row)
    if record is not None and record.status == "blocked":
        raise ComparisonBlockedError(f"Benchmark {record.benchmark} ({record.method}) is blocked: {record.reason}.")
    if record is not None and record.ok and record.denominator is not figures.primary:
        raise ComparisonBlockedError(
            f"Benchmark {record.benchmark} ({record.kind}, {record.method}) counts {record.denominator}; "
            f"measure {declared.id} counts {figures.primary}. The two may not be compared.",
            hint="choose a benchmark with the same denominator (METHODS M4.1).",
        )
    best = "top_decile.constrained_eb"
    top = find_record(edition, Wanted(declared, used_by, BenchmarkKind.TOP_DECILE, best, tier, group, "", view))
    gates = used_by.gates if used_by else Gates()
    called = name or organization_name(edition, organization_id)
    unadjusted: Sequence[Row] = [row, *peers]
    if view is not Adjustment.UNADJUSTED:
        unadjusted = organization_rows(edition, declared.id, period=period)
    beside = _Beside(
        {one["organization_id"]: one for one in unadjusted},
        rows(edition, "imputations", period=period, stratum=ALL),
        _false_alarms(edition, organization_id, view, period),
    )
    return _decide(
        _Case(edition.id, declared, gates, row, peers, record, top, _seed(edition, declared), beside), called
    )


def _adjustment(
    edition: EditionSource, measure: Measure, kind: BenchmarkKind, period: str, wanted: Adjustment | str | None
) -> Adjustment:
    if wanted is not None:
        return Adjustment(wanted)
    if period != ALL or kind in (BenchmarkKind.OWN_HISTORY, BenchmarkKind.FIXED_EXTERNAL):
        return Adjustment.UNADJUSTED
    return preferred_adjustment(edition, measure.id)


def _seed(edition: EditionSource, measure: Measure) -> int:
    """The seed of the measure's benchmarks, which is one (`benchmarks.compute`)."""
    declared = [one for _, one in sorted(edition.declarations.benchmarks.items()) if one.measure == measure.id]
    return declared[0].seed if declared else SEED


@dataclass(frozen=True)
class _Beside:
    """What a comparison takes beside the rows of its view.

    Attributes:
        raw: Unadjusted rows by organization.
        imputations: Imputed figures of all organizations.
        q_value: Share of false alarms (M5.7) if this comparison with everybody were flagged; None where not counted.
    """

    raw: Mapping[str, Row]
    imputations: Sequence[Row]
    q_value: float | None


@dataclass(frozen=True)
class _Case:
    edition: str
    measure: Measure
    gates: Gates
    row: Row
    peers: Sequence[Row]
    record: BenchmarkUsed | None
    top: BenchmarkUsed | None
    seed: int
    beside: _Beside

    @property
    def usable_peers(self) -> list[Row]:
        return [row for row in self.peers if row["status"] == "ok" and row["estimate"] is not None and row["variance"]]

    @property
    def is_adjusted(self) -> bool:
        return self.row["adjustment"] not in (None, Adjustment.UNADJUSTED)

    @property
    def margin(self) -> float:
        return self.measure.light_margin

    @property
    def target(self) -> float:
        """The benchmark's figure; NaN without one, which no kernel takes."""
        value = self.record.estimate.value if self.record is not None else None
        return float("nan") if value is None else value

    @property
    def target_se(self) -> float:
        return (self.record.standard_error if self.record is not None else None) or 0.0

    @property
    def has_figure(self) -> bool:
        return self.row["status"] == "ok" and self.row["estimate"] is not None and self.row["shrunken"] is not None


def _false_alarms(edition: EditionSource, organization_id: str, view: Adjustment, period: str) -> float | None:
    where = {"organization_id": organization_id, "adjustment": view.value, "period": period, "stratum": ALL}
    found = rows(edition, "adjusted_results", **where)
    return found[0]["q_value"] if found else None


def _decide(case: _Case, name: str) -> Comparison:
    record = case.record
    ready = case.has_figure and record is not None and record.ok
    verdict = _verdict(case) if ready else None
    state = Light.UNKNOWN if verdict is None else verdict.state
    imputed, answers = _answers(case, state) if ready else (None, ())
    tip = _tipping(case) if ready else None
    needed = _people_needed(case) if ready else None
    found = _gates(case, verdict, answers, _Tipping(tip, imputed), needed)
    failed = next((one for one in found if not one.passed), None)
    return Comparison(
        measure=case.measure,
        organization_id=case.row["organization_id"],
        name=name,
        period=case.row["period"],
        edition=case.edition,
        figures=Figures.of(case.row),
        benchmark=record,
        top=case.top if case.top is not None and case.top.ok else None,
        light=Light.UNKNOWN if failed else state,
        verdict=state,
        probability=verdict.decided_by if verdict else None,
        p_above=verdict.p_above if verdict else None,
        p_near=verdict.p_near if verdict else None,
        p_below=verdict.p_below if verdict else None,
        margin=case.margin,
        gates=found,
        deciding=failed.name if failed else "",
        answers=answers,
        people_needed=_still_needed(case, found, needed),
        tipping_point=tip,
        imputed=imputed,
        q_value=case.beside.q_value if record is not None and record.kind is BenchmarkKind.MEAN else None,
        expected=case.row.get("expected"),
        status=case.row["status"],
        reason=case.row["reason"],
    )


def _verdict(case: _Case) -> LightVerdict:
    return light(
        case.row["shrunken"],
        case.row["shrunken_sd"] or 0.0,
        case.target,
        case.target_se,
        case.margin,
        case.gates.light_probability,
        case.measure.better,
    )


def _gates(
    case: _Case, verdict: LightVerdict | None, answers: tuple[Answer, ...], tipping: _Tipping, needed: int | None
) -> tuple[gate.Gate, ...]:
    row, gates, record = case.row, case.gates, case.record
    ready = record is not None and record.ok
    people = row["n_eligible"] if row["n_eligible"] is not None else _people(row)
    unseen = nobody_followed(row)
    found = [gate.minimum_n(people, gates, 0 if unseen else row["n_needed"])]
    if unseen:
        found.append(gate.nobody_followed(people))
    elif not case.has_figure and case.is_adjusted:
        found.append(gate.no_figure(refusal_words(row["reason"])))
    found += [
        gate.benchmark_ready(ready, record.n_organizations if record else 0, record.reason if record else None, gates),
        gate.completion(row["n_eligible"], row["n_followed"], gates),
    ]
    if verdict is None or record is None:
        return tuple(found)
    fixed = record.kind is BenchmarkKind.FIXED_EXTERNAL and record.completeness is None
    if not fixed:
        # A standard that somebody else published has no follow-up of its own; its denominator is checked instead.
        found.append(gate.completion_gap(row["completion"], record.completeness, gates))
    found.append(gate.reliability(row["reliability"], gates, needed, verdict.state))
    if case.measure.summary == "rate" and row["estimate"] == 0:
        found.append(gate.events_recorded(verdict.state))
    decided = verdict.state is not Light.UNKNOWN
    found.append(gate.probability(verdict.decided_by, gates, needed, decided=decided))
    if decided:
        figure = figure_of(case.measure)
        found.append(gate.missing_data(answers, verdict.state, figure, tipping.text(row, figure), tipping.shift))
        if record.kind is not BenchmarkKind.OWN_HISTORY:  # how clinics differ says nothing about one over time
            found.append(gate.overdispersion(_beyond_usual_spread(case, verdict.state), gates, verdict.state))
    return tuple(found)


@dataclass(frozen=True)
class _Tipping:
    """What would have to be true of the missing for the verdict to change."""

    rate: float | None
    imputed: ImputedLight | None

    def text(self, row: Row, figure: Figure) -> str:
        """The success rate among the missing at which the two figures would be equal (M1.4)."""
        if self.rate is None or not 0 <= self.rate <= 1:
            return ""
        missing = row["n_eligible"] - row["n_followed"]
        return _("If {share} of the {n} without a score had met it, you would be exactly at the benchmark.").format(
            share=figure.text(self.rate), n=missing
        )

    @property
    def shift(self) -> str:
        """The smallest shift of imputed scores that changes the verdict (M1.6)."""
        kappa = self.imputed.tipping if self.imputed is not None else None
        if kappa is None:
            return ""
        if kappa == 0:
            return _("imputed scores say something else even without a shift")
        said = (
            _("the smallest shift of missing scores that changes it is {points} worse")
            if kappa > 0
            else _("the smallest shift of missing scores that changes it is {points} better")
        )
        return said.format(points=points(kappa))


def _answers(case: _Case, verdict: Light) -> tuple[ImputedLight | None, tuple[Answer, ...]]:
    kind = case.record.kind if case.record is not None else BenchmarkKind.MEAN
    yardstick = Yardstick(
        estimate=case.target,
        standard_error=case.target_se,
        margin=case.margin,
        probability=case.gates.light_probability,
        better=case.measure.better,
        primary=Denominator(case.row["primary_denominator"]),
        kappa=case.gates.kappa,
        seed=case.seed,
        moves=kind not in (BenchmarkKind.FIXED_EXTERNAL, BenchmarkKind.OWN_HISTORY),
        is_share=case.measure.summary == "proportion",
    )
    row, peers, raw = case.row, case.usable_peers, case.beside.raw
    stated = denominator_answers(row, peers, yardstick)
    if not stated:
        return None, ()
    imputed, shifted = imputed_answers(row, peers, raw, case.beside.imputations, yardstick, verdict)
    if imputed is None and row["organization_id"] in raw:
        shifted = shifted_answers(row, raw[row["organization_id"]], peers, yardstick)
    return imputed, (*stated, *shifted)


def _tipping(case: _Case) -> float | None:
    """The success rate among the missing at which the figure equals the benchmark (M1.4), in any view.

    With the missing counted as not met, each point of their success rate adds their share to the figure.
    """
    row = case.row
    if row["n_met"] is None or row["n_followed"] is None or not row["n_eligible"] or case.measure.is_published:
        return None
    missing = row["n_eligible"] - row["n_followed"]
    if not missing or row["all_eligible"] is None:
        return None
    rate = (case.target - float(row["all_eligible"])) * float(row["n_eligible"]) / missing
    return rate if isfinite(rate) else None


def _beyond_usual_spread(case: _Case, state: Light) -> float | None:
    return beyond_usual_spread(
        case.row,
        case.usable_peers,
        case.target,
        case.target_se,
        share=case.measure.summary == "proportion",
        upward=(state is Light.ABOVE) == (case.measure.better is Better.HIGHER),
    )


def _people(row: Row) -> int:
    """Whole people behind the primary figure, as far as the source says."""
    return int(row["n_followed"] or row["n_eligible"] or row["effective_n"] or 0)


def _people_needed(case: _Case) -> int | None:
    row = case.row
    everyone = [*case.usable_peers, row]
    fit = shrink([one["estimate"] for one in everyone], [one["variance"] for one in everyone])
    people = max(1, round(people_counted(row)))
    return people_needed(
        row["estimate"],
        people,
        fit.mean,
        fit.tau2,
        case.target,
        case.target_se,
        case.margin,
        case.gates.light_probability,
        case.measure.better,
        unit_variance=row["variance"] * people,
        min_reliability=case.gates.light_reliability,
        added_variance=_doubt(case, fit.tau2),
        at_most=max(LEAST_ASKED, MOST_TIMES * people),
    )


def _doubt(case: _Case, tau2: float) -> float:
    """Posterior variance from not knowing mean and tau2, which the edition's spread holds when clinics are few."""
    known = tau2 * (1 - (case.row["reliability"] or 0.0))
    return max(0.0, float(case.row["shrunken_sd"] or 0.0) ** 2 - known)


def _still_needed(case: _Case, found: Sequence[gate.Gate], needed: int | None) -> int | None:
    """People after whom the deciding gate could pass; 0 when the light has a colour."""
    failed = next((one for one in found if not one.passed), None)
    if failed is None:
        return 0
    if failed.name == "minimum_n":
        return max(int(case.row["n_needed"] or 0), int((failed.needed or 0) - (failed.found or 0)))
    if failed.name == "follow_up" and failed.found is not None:
        return int(ceil((failed.needed or 0) * case.row["n_eligible"] - 1e-9) - int(case.row["n_followed"]))
    return needed if failed.name in ("reliability", "probability") else None
