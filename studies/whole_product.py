"""The same questions through the whole product: from a CSV to an edition to every clinic's light."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchwell.synthetic import FollowUp, Gaming, Truth, World, write_csv
from benchwell.terms import Light
from studies.questions import Measured, Question, Target, ratio_of

if TYPE_CHECKING:
    from benchwell.signals.comparison import Comparison

CLINICS, PEOPLE = 30, 90
MEASURES = ("phq9-remission-12w", "phq9-change-12w")
BENCHMARKS = ("network-phq9-remission-12w", "network-phq9-change-12w")


def comparisons(world: World) -> tuple[list[Comparison], Truth]:
    """Every clinic of a world compared with the network's mean on every measure, as a report would show it."""
    from benchwell import Workspace  # heavy, and only these questions need it
    from benchwell.signals.compare import compare

    with tempfile.TemporaryDirectory(prefix="benchwell-study-") as name:
        folder = Path(name)
        truth = write_csv(folder / "scores.csv", world, social=False)
        workspace = Workspace(folder / "workspace")
        workspace.intake(folder / "scores.csv")
        edition = workspace.build(as_of="2025-12-31", benchmarks=BENCHMARKS)
        clinics = truth.clinics["clinic"].to_pylist()
        return [compare(edition, clinic, measure) for measure in MEASURES for clinic in clinics], truth


def _network(seed: int, clinic_sd: float, missing: float, gaming: Gaming) -> World:
    return World(
        clinics=CLINICS,
        episodes=CLINICS * PEOPLE,
        size_spread=0.4,
        clinic_sd=clinic_sd,
        follow_up=FollowUp("mcar", missing=missing),
        gaming=gaming,
        seed=seed,
    )


def alike(seed: int) -> Measured:
    """Lights of clinics that are all the same: any colour is false."""
    found, _ = comparisons(_network(seed, 0.0, 0.2, Gaming()))
    return {"lights": len(found), "red": _count(found, Light.BELOW), "green": _count(found, Light.ABOVE)}


def not_asked(seed: int) -> Measured:
    """Lights of clinics that do not ask those who did badly, with all gates and without any."""
    found, truth = comparisons(_network(seed, 0.8, 0.1, Gaming(clinics=0.1, skips=0.8)))
    games = set(truth.clinics.filter(truth.clinics["games"])["clinic"].to_pylist())
    theirs = [one for one in found if one.organization_id in games]
    others = [one for one in found if one.organization_id not in games]
    return {
        "theirs": len(theirs),
        "bare": sum(one.verdict is Light.ABOVE for one in theirs),
        "green": _count(theirs, Light.ABOVE),
        "grey": _count(theirs, Light.UNKNOWN),
        "others": len(others),
        "other_colours": len(others) - _count(others, Light.UNKNOWN),
    }


def _count(found: list[Comparison], light: Light) -> int:
    return sum(one.light is light for one in found)


QUESTIONS = (
    Question(
        "no-difference-whole-product",
        "M5.5",
        f"{CLINICS} clinics of about {PEOPLE} people that are all the same: CSV, intake, edition, light; two measures",
        alike,
        (
            Target("clinics marked below", ratio_of("red", "lights"), high=0.05, unit="%"),
            Target("clinics marked above", ratio_of("green", "lights"), high=0.05, unit="%"),
        ),
        replicates=20,
    ),
    Question(
        "not-asked-whole-product",
        "M1.4, M5.5, M11.5",
        f"{CLINICS} clinics of about {PEOPLE} people; 3 do not ask 80 % of those not reliably improved; two measures",
        not_asked,
        (
            Target("such clinics marked above, were there no gate", ratio_of("bare", "theirs"), unit="%"),
            Target("such clinics marked above", ratio_of("green", "theirs"), high=0.05, unit="%"),
            Target("such clinics shown grey", ratio_of("grey", "theirs"), low=0.95, unit="%"),
            Target("other clinics with a colour", ratio_of("other_colours", "others"), unit="%"),
        ),
        replicates=20,
    ),
)
