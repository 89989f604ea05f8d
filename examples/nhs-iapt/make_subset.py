"""Cut the full NHS file down to the rows bundled here: `python make_subset.py FULL.csv OUT.csv`.

Kept whole: group types England, Provider and CCG. Of the group type CCG/Provider (84 % of the rows) only the
CCGs whose code starts with "00" are kept, so that a clone stays small while the trap stays visible: the same
activity appears under all four group types, and adding them up counts people several times.
No value is changed; lines are copied byte for byte in their order.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path


def keep(row: list[str]) -> bool:
    """Whether a data row stays: columns are ccg_code, ccg_name, provider_code, provider_name, group_type and so on."""
    return row[4] != "CCG/Provider" or row[0].startswith("00")


def subset(text: str) -> str:
    """The header and the rows to keep, each line as it was."""
    header, *lines = text.splitlines(keepends=True)
    return header + "".join(line for line in lines if keep(next(csv.reader([line]))))


if __name__ == "__main__":
    full, out = (Path(argument) for argument in sys.argv[1:3])
    out.write_bytes(subset(full.read_bytes().decode("utf-8")).encode("utf-8"))
