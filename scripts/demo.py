"""The main job on the bundled data: intake, edition, verification, reports. Called by `./run demo`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from fair_demo import fair_demo
from fhir_demo import fhir_demo

from benchwell import BenchwellError, Workspace, report, verify
from benchwell.pipeline import edition_summary
from benchwell.terminal import Drawing, say, show_edition, show_intake, show_report, show_verification

EXAMPLES = Path(__file__).parents[1] / "examples"
SOURCES = {
    EXAMPLES / "nhs-iapt" / "iapt_key_measures_2019-02_to_2019-08.csv": EXAMPLES / "nhs-iapt" / "mapping.yaml",
    EXAMPLES / "hamd-trial-sites" / "hamd_sites.csv": EXAMPLES / "hamd-trial-sites" / "mapping.yaml",
}
# After the last published month, so that every follow-up of the trial is due: the same edition on every day.
AS_OF = "2019-12-31"
BENCHMARKS = [
    "nhs-providers-recovery",
    "nhs-providers-reliable-recovery",
    "hamd-sites-response",
    "hamd-sites-remission",
]
ONE_PROVIDER = "RHA"


def main() -> None:
    """Run a demo into a folder (default: demo-output)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", nargs="?", type=Path, default=Path("demo-output"))
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--fair", action="store_true", help="a synthetic network whose truth is known, view by view")
    which.add_argument("--fhir", action="store_true", help="a synthetic bulk export, and an official measure of it")
    chosen = parser.parse_args()
    begin = time.perf_counter()
    chosen_demo = fair_demo if chosen.fair else fhir_demo if chosen.fhir else real_demo
    first = chosen_demo(chosen.output)
    say(f"Done in {time.perf_counter() - begin:.1f} s. Open {first} first.")


def real_demo(output: Path) -> Path:
    """Real data of providers and of a trial's sites; returns the page to open first."""
    with Drawing() as drawing:
        workspace = Workspace(output / "workspace", listener=drawing)
        taken = [workspace.intake(source, mapping) for source, mapping in SOURCES.items()]
        edition = workspace.build(as_of=AS_OF, benchmarks=BENCHMARKS)
        checked = verify(edition.path, workspace=workspace.path, listener=drawing)
        network = report(edition.path, output / "report.html", sites=True)
        provider = report(edition.path, output / f"provider-{ONE_PROVIDER}.html", organization=ONE_PROVIDER)
    show_intake(taken, workspace.path)
    show_edition(edition_summary(edition))
    show_verification(checked, everything=False)
    for page in (network, provider):
        show_report(page)
    return network.path


if __name__ == "__main__":
    try:
        main()
    except BenchwellError as error:
        print(f"Error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
