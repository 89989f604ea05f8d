"""Severity bands of reported values."""

from __future__ import annotations

import narwhals as nw

from benchwell.registry import Instrument
from benchwell.registry.instrument import Scale


def band(instrument: Instrument, scale: Scale, value: nw.Expr) -> nw.Expr:
    """The name of the band a value lies in; null without a value or without bands.

    A band reaches up to the start of the next one, so a prorated 10.5 between "6 to 10" and "11 to 15" is in
    the lower: it has not reached the higher.
    """
    bands = instrument.bands_of(scale)
    if not bands:
        return nw.lit(None, dtype=nw.String())
    return nw.coalesce(*(nw.when(value >= one.min).then(nw.lit(one.label)) for one in reversed(bands)))
