"""A small network with follow-up that depends on what was known, through the real outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from benchwell.casemix.history import follow_up_history
from benchwell.engine import Frame
from benchwell.outcomes import build_outcomes, episode_features
from benchwell.registry import Measure
from benchwell.registry.benchmark import Stratum
from unit.outcomes.outcome_cases import INSTRUMENTS, contact, episode, inputs_of, score, tables_of

THERAPY = Stratum(by="therapy")


def network_rows(n: int = 240, clinics: int = 4, seed: int = 5) -> dict[str, list[dict[str, Any]]]:
    """Episodes, scores and contacts: people who attend more and gain early are followed more often."""
    rng = np.random.default_rng(seed)
    episodes, scores, contacts = [], [], []
    for place in range(n):
        name, clinic = f"e{place:04d}", int(rng.integers(0, clinics))
        before = int(rng.integers(10, 27))
        early, attended = int(np.clip(before - rng.integers(-3, 9), 0, 27)), int(rng.integers(1, 9))
        after = int(np.clip(round(0.6 * early + clinic - 0.4 * attended + rng.normal(2, 3)), 0, 27))
        episodes.append(episode(name, organization_id=f"org-{clinic}", therapy="group" if place % 3 else "single"))
        scores += [score(name, 0, before), score(name, 60, early)]
        if rng.random() < 1 / (1 + np.exp(-0.4 * (attended - 4) - 0.1 * (before - early))):
            scores.append(score(name, 180, after))
        contacts += [contact(name, 7 * visit) for visit in range(attended)]
    return {"episodes": episodes, "scores": scores, "encounters": contacts}


def frames(
    engine: Any, measures: Sequence[Measure], rows: dict[str, Any], strata: Sequence[Stratum] = ()
) -> tuple[Frame, Frame, Frame | None]:
    """Outcomes, history and features of these rows."""
    inputs = inputs_of(tables_of(**rows), engine)
    built = build_outcomes(inputs, measures, INSTRUMENTS, snapshot_day=5000, keep=engine.keep)
    outcomes = engine.keep(built.outcomes)
    history = follow_up_history(built.scores, inputs.encounters, outcomes, measures, INSTRUMENTS, keep=engine.keep)
    features = episode_features(inputs, outcomes, strata, INSTRUMENTS, measures) if strata else None
    return outcomes, engine.keep(history), features


def by_key(table: pa.Table) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Rows by measure, organization, level and kappa."""
    return {
        (row["measure"], row["organization_id"], row["level"], round(row["kappa"], 6)): row for row in table.to_pylist()
    }
