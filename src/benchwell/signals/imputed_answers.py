"""What imputed follow-up scores say of a light, and which shift of them would change it (METHODS M1.6, M5.5).

Imputed figures are unadjusted. For an adjusted view the difference that imputation makes is carried over as it stands:
adjusted figure plus (imputed minus unadjusted figure), so that no adjusted rate is mixed with raw counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchwell.i18n import _, local_digits
from benchwell.models.arrays import FloatArray
from benchwell.models.kappa_sweep import KappaSweep, LightRule, kappa_sweep
from benchwell.models.shrinkage import shrink
from benchwell.signals.answers import Answer, Yardstick, common_figure
from benchwell.signals.reading import Row
from benchwell.signals.words import count
from benchwell.terms import Denominator, Light

_ID = "organization_id"


@dataclass(frozen=True)
class ImputedLight:
    """The state under every shift of the imputed scores.

    Attributes:
        kappas: Shifts in points of the score; above zero the missing did worse than people like them.
        estimates: The clinic's figure under each.
        alone: State under each if only this clinic's missing are shifted.
        everybody: State under each if those of all clinics are; empty where the benchmark does not move with them.
        benchmarks: The benchmark under each if those of all clinics are.
        tipping: The smallest shift, disregarding the sign, that changes the state; None if none does.
        m: Imputations.
    """

    kappas: tuple[float, ...]
    estimates: tuple[float, ...]
    alone: tuple[Light, ...]
    everybody: tuple[Light, ...]
    benchmarks: tuple[float, ...]
    tipping: float | None
    m: int


def imputed_answers(
    own: Row,
    peers: Sequence[Row],
    raw: Mapping[str, Row],
    imputations: Sequence[Row],
    yardstick: Yardstick,
    verdict: Light,
) -> tuple[ImputedLight | None, tuple[Answer, ...]]:
    """The light under every shift of imputed scores, and the answers to be laid beside the three denominators.

    Args:
        own: The clinic's row in the view that is compared.
        peers: Rows of the other clinics in the same view.
        raw: Unadjusted rows by organization; the same rows in the unadjusted view.
        imputations: Rows of `tables.DERIVED["imputations"]`, same measure and period, all strata together.
        yardstick: Benchmark and rule, on the primary denominator.
        verdict: The state to be confirmed.

    Returns:
        The sweep, None where nothing was imputed for this clinic or its peers; and per sweep the answer without a
        shift, and in each direction the smallest shift that changes the state, else the largest of all.
    """
    field = _field(own, peers, raw, imputations, yardstick)
    if field is None:
        return None, ()
    sweeps = {"alone": _sweep(field, yardstick, verdict, everybody=False)}
    if yardstick.moves:
        sweeps["everybody"] = _sweep(field, yardstick, verdict, everybody=True)
    alone, everyone = sweeps["alone"], sweeps.get("everybody")
    flips = [kappa for one in sweeps.values() for kappa in _flips(one, verdict)]
    light = ImputedLight(
        kappas=alone.kappas,
        estimates=alone.estimates,
        alone=alone.states,
        everybody=everyone.states if everyone else (),
        benchmarks=everyone.benchmarks if everyone else (),
        tipping=min(flips, key=lambda kappa: (abs(kappa), -kappa), default=None),
        m=field.m,
    )
    zero = alone.kappas.index(0.0)
    answers = [_answer("imputed", alone, zero)]
    for name, sweep in sweeps.items():
        for sign in (1.0, -1.0):
            place = _telling(sweep, sign, verdict)
            if place is not None:
                answers.append(_answer(name, sweep, place))
    return light, tuple(answers)


@dataclass(frozen=True)
class _Field:
    """Figures of all clinics under each shift, each of shape (s, k)."""

    kappas: FloatArray
    estimates: FloatArray
    variances: FloatArray
    place: int
    benchmark: float
    m: int


def _field(
    own: Row, peers: Sequence[Row], raw: Mapping[str, Row], imputations: Sequence[Row], yardstick: Yardstick
) -> _Field | None:
    by_clinic: dict[str, dict[float, Row]] = {}
    for row in imputations:
        if row["status"] == "ok" and row["estimate"] is not None and row["variance"]:
            by_clinic.setdefault(row[_ID], {})[float(row["kappa"])] = row
    mine = by_clinic.get(own[_ID], {})
    kappas = sorted(mine)
    if len(kappas) < 2 or 0.0 not in kappas or own[_ID] not in raw:
        return None
    # In the edition's order, since the spread of few clinics is replayed by seed.
    views = sorted([*peers, own], key=lambda row: str(row[_ID]))
    shown = [row for row in views if row[_ID] in raw and set(kappas) <= set(by_clinic.get(row[_ID], {}))]
    moved = [_moved(row, raw[row[_ID]], [by_clinic[row[_ID]][one] for one in kappas], yardstick) for row in shown]
    kept = [(row, one) for row, one in zip(shown, moved, strict=True) if one is not None]
    place = next((at for at, (row, _) in enumerate(kept) if row is own), None)
    if place is None or len(kept) < 2:
        return None
    estimates = np.column_stack([one[0] for _, one in kept])
    variances = np.column_stack([one[1] for _, one in kept])
    zero = kappas.index(0.0)
    others = np.arange(len(kept)) != place
    # The same peers before and after, so that only the answer to missing follow-up moves the benchmark.
    common = common_figure([row for row, _ in kept if row is not own], yardstick.primary)
    if common is None:
        return None
    from_peers = shrink(estimates[zero, others], variances[zero, others]).mean
    return _Field(
        np.array(kappas), estimates, variances, place, yardstick.estimate + from_peers - common, int(mine[0.0]["m"])
    )


def _moved(view: Row, raw: Row, imputed: Sequence[Row], yardstick: Yardstick) -> tuple[FloatArray, FloatArray] | None:
    """One clinic's figures and variances under each shift, in the view that is compared."""
    estimates = np.array([one["estimate"] for one in imputed], dtype=np.float64)
    variances = np.array([one["variance"] for one in imputed], dtype=np.float64)
    if view is raw or view["adjustment"] in (None, "unadjusted"):
        return estimates, variances
    known = [one for one in (Denominator.ESTIMATED, Denominator.OBSERVED) if None not in (view[one], raw[one])]
    if not known or not raw["variance"]:
        return None
    base = known[0]
    estimates = float(view[base]) + estimates - float(raw[base])
    if yardstick.is_share:
        estimates = np.clip(estimates, 0.0, 1.0)
    return estimates, variances * float(view["variance"]) / float(raw["variance"])


def _sweep(field: _Field, yardstick: Yardstick, verdict: Light, *, everybody: bool) -> KappaSweep:
    rule = LightRule(
        benchmark=field.benchmark,
        standard_error=yardstick.standard_error,
        margin=yardstick.margin,
        probability=yardstick.probability,
        better=yardstick.better,
        seed=yardstick.seed,
    )
    return kappa_sweep(
        field.kappas, field.estimates, field.variances, field.place, rule, everybody=everybody, reference=verdict
    )


def _changes(state: Light, verdict: Light) -> bool:
    """Whether a state says something else; "near" claims no difference, and being unsure is none."""
    return state is not verdict and not (verdict is Light.CLOSE and state is Light.UNKNOWN)


def _flips(sweep: KappaSweep, verdict: Light) -> list[float]:
    return [kappa for kappa, state in zip(sweep.kappas, sweep.states, strict=True) if _changes(state, verdict)]


def _telling(sweep: KappaSweep, sign: float, verdict: Light) -> int | None:
    """In one direction: the smallest shift that changes the state, else the largest; None if there is none."""
    places = [place for place, kappa in enumerate(sweep.kappas) if kappa * sign > 0]
    if not places:
        return None
    places.sort(key=lambda place: abs(sweep.kappas[place]))
    return next((place for place in places if _changes(sweep.states[place], verdict)), places[-1])


def _answer(name: str, sweep: KappaSweep, place: int) -> Answer:
    kappa = sweep.kappas[place]
    text = _("everyone eligible, with missing scores imputed from people like them")
    code = "imputed"
    if kappa:
        side = "worse" if kappa > 0 else "better"
        where = _("in this clinic alone") if name == "alone" else _("in every clinic")
        said = (
            _("everyone eligible, with missing scores imputed {points} worse than those of people like them, {where}")
            if kappa > 0
            else _(
                "everyone eligible, with missing scores imputed {points} better than those of people like them, {where}"
            )
        )
        text = said.format(points=points(kappa), where=where)
        code = f"imputed_{side}" if name == "alone" else f"imputed_everywhere_{side}"
    return Answer(code, text, sweep.estimates[place], sweep.benchmarks[place], sweep.states[place], kappa)


def points(kappa: float) -> str:
    """A shift in words, without its sign.

    >>> points(-1.0), points(2.5)
    ('1 point', '2.5 points')
    """
    size = abs(kappa)
    if size == int(size):
        return count(int(size), "point")
    return _("{n} points").format(n=local_digits(f"{size:g}"))
