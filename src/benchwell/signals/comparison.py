"""What a comparison is: figures, benchmark record, light, gates; frozen, so that no view can change one (M5.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchwell.models.multiplicity import EDITION_Q
from benchwell.registry.measure import Measure
from benchwell.signals.answers import Answer
from benchwell.signals.gates import Gate
from benchwell.signals.imputed_answers import ImputedLight
from benchwell.signals.lights import LightFace, face
from benchwell.signals.plain import plain
from benchwell.signals.reading import Row
from benchwell.terms import Adjustment, BenchmarkKind, Better, Denominator, Light


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Figures:
    """Everything that travels with a clinic's figure (METHODS C2, C3).

    Attributes:
        n_eligible: Mature eligible people; None when the source does not say.
        n_followed: Of these, followed up.
        n_met: Of these, met; None for measures that are not yes/no.
        completion: Followed over eligible.
        observed: The figure among the followed.
        all_eligible: The figure with the missing as not met.
        estimated: The figure with the missing estimated.
        bound_worst: If nobody of the missing met.
        bound_best: If all of them met.
        primary: The denominator declared before data were seen.
        estimate: The figure on that denominator, before shrinkage.
        shrunken: The same, shrunken toward the clinics' common figure.
        reliability: Signal over signal and noise.
    """

    n_eligible: int | None
    n_followed: int | None
    n_met: int | None
    completion: float | None
    observed: Estimate
    all_eligible: Estimate
    estimated: Estimate
    bound_worst: float | None
    bound_best: float | None
    primary: Denominator
    estimate: Estimate
    shrunken: float | None
    reliability: float | None
    adjustment: str

    @classmethod
    def of(cls, row: Row) -> Figures:
        """Take the figures of one row of organization_results."""

        def estimate(name: str) -> Estimate:
            if name == "estimate":
                return Estimate(row["estimate"], row["lower"], row["upper"])
            return Estimate(row[name], row[f"{name}_lower"], row[f"{name}_upper"])

        return cls(
            n_eligible=row["n_eligible"],
            n_followed=row["n_followed"],
            n_met=row["n_met"],
            completion=row["completion"],
            observed=estimate("observed"),
            all_eligible=estimate("all_eligible"),
            estimated=estimate("estimated"),
            bound_worst=row["bound_worst"],
            bound_best=row["bound_best"],
            primary=Denominator(row["primary_denominator"] or Denominator.OBSERVED),
            estimate=estimate("estimate"),
            shrunken=row["shrunken"],
            reliability=row["reliability"],
            adjustment=row["adjustment"] or "unadjusted",
        )


@dataclass(frozen=True)
class BenchmarkUsed:
    """The benchmark record of METHODS M4.1 that a clinic was compared with, without the clinic itself (M4.7)."""

    benchmark: str
    kind: BenchmarkKind
    method: str
    tier: str
    tier_id: str
    without: str
    denominator: Denominator
    adjustment: str
    weighting: str
    population: str
    status: str
    reason: str | None
    n_organizations: int | None
    n_patients: int | None
    completeness: float | None
    estimate: Estimate
    standard_error: float | None
    provisional: bool
    source: str | None

    @classmethod
    def of(cls, row: Row) -> BenchmarkUsed:
        """Take the record from one row of benchmarks."""
        return cls(
            benchmark=row["benchmark"],
            kind=BenchmarkKind(row["kind"]),
            method=row["method"],
            tier=row["tier"],
            tier_id=row["tier_id"],
            without=row["without"],
            denominator=Denominator(row["denominator"]),
            adjustment=row["adjustment"] or "unadjusted",
            weighting=row["weighting"] or "unweighted",
            population=row["population"] or "",
            status=row["status"],
            reason=row["reason"],
            n_organizations=row["n_organizations"],
            n_patients=row["n_patients"],
            completeness=row["completeness"],
            estimate=Estimate(row["estimate"], row["lower"], row["upper"]),
            standard_error=row["standard_error"],
            provisional=bool(row["provisional"]),
            source=row["source"],
        )

    @property
    def ok(self) -> bool:
        """Whether it holds a figure that may be compared with."""
        return self.status == "ok" and self.estimate.value is not None


@dataclass(frozen=True)
class Comparison:
    """An organization's figure beside a benchmark, and what may be said about the two.

    Attributes:
        measure: The measure as declared.
        organization_id: Whose figure it is.
        name: What the organization is called in the text.
        period: "all" or a quarter.
        edition: Id of the edition that both figures come from.
        figures: The organization's figures.
        benchmark: The benchmark record used; None if the edition has none.
        top: A more ambitious benchmark of the same population, where the edition may state one.
        light: The state after all gates.
        verdict: The state that probability alone would give.
        probability: Probability of the most probable state.
        p_above: Probability of "more favorable by more than the margin".
        p_near: Probability of "within the margin".
        p_below: Probability of "less favorable by more than the margin".
        margin: The smallest difference that matters, in the unit of the figure.
        gates: Every gate, in the order in which they decide.
        deciding: Name of the gate that decided, "" if the light has a colour.
        answers: The light under each answer to missing follow-up.
        people_needed: Further people after whom the light could leave grey; None if no number would do.
        tipping_point: Success rate among the missing at which the two figures would be equal.
        imputed: The state under every shift of imputed follow-up scores; None where nothing was imputed.
        q_value: Share of false alarms if this comparison, and every one of the edition at least as far from everybody
            together, were flagged as unusual (M5.7); None for other benchmarks than the mean.
        expected: What the case-mix model expects of an average clinic with these people; None unadjusted.
    """

    measure: Measure
    organization_id: str
    name: str
    period: str
    edition: str
    figures: Figures
    benchmark: BenchmarkUsed | None
    top: BenchmarkUsed | None
    light: Light
    verdict: Light
    probability: float | None
    p_above: float | None
    p_near: float | None
    p_below: float | None
    margin: float
    gates: tuple[Gate, ...]
    deciding: str
    answers: tuple[Answer, ...]
    people_needed: int | None
    tipping_point: float | None
    status: str
    reason: str | None
    imputed: ImputedLight | None = None
    q_value: float | None = None
    expected: float | None = None

    @property
    def adjustment(self) -> Adjustment:
        """The view that both figures belong to."""
        return Adjustment(self.figures.adjustment)

    @property
    def stands_out(self) -> bool | None:
        """Whether it is unusual after counting every comparison of the edition (q at most .10); None if not counted."""
        return None if self.q_value is None else self.q_value <= EDITION_Q * (1 + 1e-12)

    @property
    def tipping_kappa(self) -> float | None:
        """The smallest shift of imputed scores, points, that changes the state; None if none does."""
        return None if self.imputed is None else self.imputed.tipping

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`: every field, and what follows from them."""
        found: dict[str, Any] = plain(self)
        return found | {
            "adjustment": self.adjustment.value,
            "stands_out": self.stands_out,
            "tipping_kappa": self.tipping_kappa,
            "direction": self.better.value,
        }

    @property
    def better(self) -> Better:
        """Direction of the measure."""
        return self.measure.better

    @property
    def face(self) -> LightFace:
        """Symbol, word and colour class of the light."""
        return face(self.light, self.better)

    @property
    def deciding_gate(self) -> Gate | None:
        """The gate that decided, if the light is grey."""
        return next((gate for gate in self.gates if gate.name == self.deciding), None)
