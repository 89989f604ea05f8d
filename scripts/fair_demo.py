"""A fair comparison where the right answer is known: clinics that never existed. Called by `./run demo --fair`."""

from __future__ import annotations

import csv
from pathlib import Path

from benchwell import Edition, Workspace, report
from benchwell.signals import four_views
from benchwell.signals.adjustment_words import TITLES
from benchwell.signals.lights import face
from benchwell.signals.reading import EditionSource, ReadOnce
from benchwell.terminal import Drawing, say, show_intake, show_report, show_table
from benchwell.terms import Adjustment, Better, Light

NETWORK = Path(__file__).parents[1] / "examples" / "fair-network"
# After the last follow-up is due: the same edition on every day.
AS_OF = "2025-06-30"
BENCHMARKS = ["network-phq9-change-12w", "network-phq9-remission-12w", "network-phq9-response-12w"]
MEASURE = "phq9-change-12w"  # the truth is in points of improvement
VIEWS = (Adjustment.UNADJUSTED, Adjustment.CLINICAL, Adjustment.SOCIAL)
# It achieves much with people of whom little is expected elsewhere; as counted nobody can see that.
ONE_CLINIC = "synthetic-clinic-23"


def fair_demo(output: Path) -> Path:
    """Take the network in, build an edition, say what changes between the views; returns the page to open first."""
    with Drawing() as drawing:
        workspace = Workspace(output / "fair-workspace", listener=drawing)
        taken = workspace.intake(NETWORK / "synthetic_scores.csv", NETWORK / "mapping.yaml")
        edition = workspace.build(as_of=AS_OF, benchmarks=BENCHMARKS)
        network = report(edition.path, output / "fair-report.html", sites=True)
        clinic = report(edition.path, output / f"fair-{ONE_CLINIC}.html", organization=ONE_CLINIC)
    show_intake([taken], workspace.path)
    show_changes(edition)
    for page in (network, clinic):
        show_report(page)
    say("Nobody in this network exists; examples/fair-network/PROVENANCE.md says how it was made.")
    return network.path


def show_changes(edition: Edition) -> None:
    """Every clinic that has a colour in some view, its light in each, and what is true of it."""
    once = ReadOnce.of(edition)
    print("\n".join(four_views(once, MEASURE).lines))
    print()
    shown = {clinic: lights(once, clinic) for clinic in truth()}
    rows = [
        [clinic, *map(_words, found), f"{effect:+.1f}"]
        for (clinic, found), effect in zip(shown.items(), truth().values(), strict=True)
        if len(set(found)) > 1
    ]
    headers = ["clinic", *(TITLES[view] for view in VIEWS), "truth"]
    print("A state is what probability alone says; a light is the state after the gates, some of which keep it grey.")
    title = f"Whose light changes: {len(rows)} of {len(shown)} clinics (change at 12 weeks; higher is better)"
    show_table(title, headers, rows, numbers=1)
    print("Truth: the points of improvement by which a clinic itself differs from the average one.")


def lights(edition: EditionSource, clinic: str) -> list[Light | None]:
    """The light of a clinic after all gates, in each view; None where a view has no figure of it."""
    views = four_views(edition, MEASURE, clinic)
    own = [None if (view := views.view(one)) is None else view.own for one in VIEWS]
    return [None if one is None else one.light for one in own]


def _words(light: Light | None) -> str:
    if light is None:
        return "no figure"
    shown = face(light, Better.HIGHER)
    return f"{shown.symbol} {shown.word}"


def truth() -> dict[str, float]:
    """Each clinic's own effect, which nobody knows of a real one: points of improvement, higher is better."""
    with (NETWORK / "truth.csv").open(encoding="utf-8") as file:
        return {row["clinic"]: float(row["effect"]) for row in csv.DictReader(file)}
