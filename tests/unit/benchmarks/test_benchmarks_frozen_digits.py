"""Frozen sums keep 14 significant digits, however they are written out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from benchwell.benchmarks import frozen
from benchwell.tables import DERIVED


def test_every_sum_is_what_fourteen_digits_say():
    rng = np.random.default_rng(5)
    sums = [0.0, -0.0, 12.0, 10.0**14, 10.0**14 + 3, 1e15 + 0.5, 123456789012345678.0, 0.1 + 0.2, 2 / 3, -7.25, 1e-30]
    sums += (rng.standard_normal(500) * 10.0 ** rng.integers(-6, 18, 500)).tolist()
    n = len(sums)
    given = {
        "measure": ["m"] * n,
        "organization_id": [f"o{i:04d}" for i in range(n)],
        "period": ["all"] * n,
        "stratum": ["all"] * n,
        "level": ["all"] * n,
        "sum_value": sums,
        "sum_baseline": [None if i % 3 else value for i, value in enumerate(sums)],
    }
    found = frozen(DERIVED["statistics"].conform(pa.table(given)))
    assert found["sum_value"].to_pylist() == [float(f"{value:.14g}") for value in sums]
    assert found["sum_baseline"].to_pylist() == [
        None if value is None else float(f"{value:.14g}") for value in given["sum_baseline"]
    ]
