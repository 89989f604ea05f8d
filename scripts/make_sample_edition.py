"""Make the edition behind the sample pages, "Anywhere Clinic", from the made-up network of `examples/fair-network`.

The edition is bundled without its rows, so that the first look at the sample needs no computing and holds nobody's
record, not even a made-up one. Run again after the format of editions changed: `python scripts/make_sample_edition.py`.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from pathlib import Path

from benchwell import Workspace, verify

ROOT = Path(__file__).parents[1]
NETWORK = ROOT / "examples" / "fair-network"
BUNDLED = ROOT / "src" / "benchwell" / "pipeline" / "live" / "sample_edition"
# Thirteen of its clinics: enough peers for dots in a funnel, few enough to stay small.
CLINICS = ("02", "05", "08", "09", "10", "11", "13", "15", "18", "20", "23", "25", "26")
SAMPLE, NAMED = "synthetic-clinic-18", "Anywhere Clinic (synthetic)"
AS_OF = "2025-06-30"
BENCHMARKS = ["network-phq9-change-12w", "network-phq9-remission-12w", "network-phq9-response-12w"]


def main() -> None:
    """Write the edition anew."""
    with tempfile.TemporaryDirectory() as folder:
        scores = Path(folder) / "synthetic_sample.csv"
        _write(scores)
        workspace = Workspace(Path(folder) / "anywhere")
        workspace.intake(scores, NETWORK / "mapping.yaml")
        edition = workspace.build(as_of=AS_OF, benchmarks=BENCHMARKS)
        assert verify(edition.path, workspace=workspace.path).passed
        for old in BUNDLED.glob("*/manifest.json"):
            shutil.rmtree(old.parent)
        bundled = BUNDLED / edition.id
        shutil.copytree(edition.path, bundled, ignore=shutil.ignore_patterns("rows", "build.json"))
    print(bundled.relative_to(ROOT))


def _write(path: Path) -> None:
    kept = {f"synthetic-clinic-{one}" for one in CLINICS}
    with (NETWORK / "synthetic_scores.csv").open(encoding="utf-8", newline="") as source:
        reader = csv.DictReader(source)
        with path.open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, list(reader.fieldnames or ()))
            writer.writeheader()
            for row in reader:
                if row["clinic"] in kept:
                    writer.writerow(row | {"clinic": NAMED if row["clinic"] == SAMPLE else row["clinic"]})


if __name__ == "__main__":
    main()
