"""Anywhere Clinic: the pages of a service on a made-up edition, for those who do not have enough people yet.

The edition is bundled (`sample_edition/`, made by `scripts/make_sample_edition.py` from `examples/fair-network`) and
holds no rows: nothing has to be computed before the first look, and it can never mix with a workspace's own editions.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from benchwell.benchmarks import Edition
from benchwell.errors import EditionError
from benchwell.pipeline.live.measure_view import MeasureView, measure_view
from benchwell.pipeline.live.service_view import ServiceView, organization_view

ANYWHERE = "Anywhere Clinic (synthetic)"
_FOLDER = Path(__file__).parent / "sample_edition"


@lru_cache(maxsize=1)
def sample_edition() -> Edition:
    """The bundled edition.

    Raises:
        EditionError: If the installation lacks it.

    >>> sample_edition().has_rows
    False
    """
    found = sorted(path.parent for path in _FOLDER.glob("*/manifest.json"))
    if not found:
        raise EditionError("The sample is missing from this installation.", hint="install benchwell again")
    return Edition.load(found[-1])


def sample_service() -> ServiceView:
    """The sample's page of a service.

    >>> sample_service().name
    'Anywhere Clinic (synthetic)'
    """
    return organization_view(sample_edition(), ANYWHERE)


def sample_measure(measure: str) -> MeasureView | None:
    """One measure of the sample, opened; None if it has no such measure."""
    return measure_view(sample_edition(), ANYWHERE, measure)
