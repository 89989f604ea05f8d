"""Expected courses of a build: which declared curves apply, and the frozen tables they leave behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from benchwell.casemix.response_curves import fit_response_curves
from benchwell.engine import Engine, Frame
from benchwell.outcomes import OutcomeInputs
from benchwell.registry import CurveDeclaration, Instrument, Registry
from benchwell.settings import Settings


@dataclass(frozen=True)
class FrozenCurves:
    """Curves of an edition; nothing where the workspace did not switch expected courses on.

    Attributes:
        declarations: The declared curves that were looked at, by id.
        tables: The tables of `tables.curves`, by name.
    """

    declarations: Mapping[str, CurveDeclaration] = field(default_factory=dict)
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


def freeze_curves(
    engine: Engine,
    inputs: OutcomeInputs,
    scores: Frame,
    registry: Registry,
    instruments: Mapping[str, Instrument],
    settings: Settings,
    last_day: int,
) -> FrozenCurves:
    """Fit and check the curves of the edition's instruments, if the workspace wants them (METHODS M6 gate).

    Args:
        engine: DuckDB or Spark.
        inputs: The frames that outcomes were built from.
        scores: `OutcomeTables.scores`.
        registry: Declarations in force.
        instruments: Those of the edition's measures, by id.
        settings: `expected_course` switches curves on; without it an edition is what it was before there were any.
        last_day: Day of the snapshot.
    """
    if not settings.expected_course:
        return FrozenCurves()
    wanted = {
        name: one
        for name, one in registry.response_curves.items()
        if one.instrument in instruments and one.status != "retired"
    }
    return FrozenCurves(wanted, fit_response_curves(engine, inputs, scores, wanted, instruments, last_day=last_day))
