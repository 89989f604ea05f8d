"""Fetch what the web pages load from others, check it against what is pinned here, and keep it in the repository.

    python scripts/vendor_web.py            write the files anew (needs npm and its registry)
    python scripts/vendor_web.py --check    fetch, compare with the committed files, and write nothing

The service itself loads nothing from elsewhere: pages get these files from the service. A new version is a new line in
`PACKAGES` with the integrity that `npm view NAME@VERSION dist.integrity` states.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
WEB = Path("src/benchwell/web/static/vendor")
TESTS = Path("tests/vendor/axe")


@dataclass(frozen=True)
class Package:
    """A package, and which of its files are kept under which name."""

    name: str
    version: str
    licence: str
    integrity: str
    why: str
    files: dict[str, Path]


_MAP = "//# sourceMappingURL="
_FONT = "atkinson-hyperlegible-next"
PACKAGES = (
    Package(
        "htmx.org",
        "4.0.1",
        "BSD-0-Clause",
        "sha512-oF7JgXhDW9UXCy/k1ZYFUQgzu/rm19ORWPSPNL91vPluB2PB9+MV55tyQdH/w7o2EAbTYUG5SDW1R60mdkdqGg==",
        "Parts of a page that load by themselves, and its extension for server-sent events.",
        {
            "dist/htmx.min.js": WEB / "htmx.min.js",
            "dist/ext/hx-sse.min.js": WEB / "htmx-sse.min.js",
            "LICENSE": WEB / "htmx.LICENSE",
        },
    ),
    Package(
        "vega",
        "6.4.0",
        "BSD-3-Clause",
        "sha512-rHXCq2LpEWCLMjXBEj7hocY9G0/i5TGYRayGGSj06VTF4+l2IG2Z7oeZKCjWbUh/7hTE/mVhbaOPB72wCElh6g==",
        "Draws charts.",
        {"build/vega.min.js": WEB / "vega.min.js", "LICENSE": WEB / "vega.LICENSE"},
    ),
    Package(
        "vega-lite",
        "6.4.3",
        "BSD-3-Clause",
        "sha512-d/7hPjfz560UERaQuTmGgIVfXAe3g2hJWeC+igDeaGohUdEoNrHLXgR/yTOBT8vV/lIuuKnw+0/xWWblkDwkMQ==",
        "The grammar in which charts are written.",
        {"build/vega-lite.min.js": WEB / "vega-lite.min.js", "LICENSE": WEB / "vega-lite.LICENSE"},
    ),
    Package(
        "vega-interpreter",
        "2.3.2",
        "BSD-3-Clause",
        "sha512-JDAoi3taFcCDLujZG84TNNUXdkAZ5WsSHssx8lWVYaxb9Slsjk7v7PtRIYXpSlUwLaKGRBqoJ9KDs36Z0eMEIw==",
        "Reads the formulas of a chart without `eval`, so that the content security policy needs no exception.",
        {
            "build/vega-interpreter.js": WEB / "vega-interpreter.js",
            "LICENSE": WEB / "vega-interpreter.LICENSE",
        },
    ),
    Package(
        f"@fontsource-variable/{_FONT}",
        "5.3.0",
        "OFL-1.1",
        "sha512-UnLzNUy1RWoLDfydAatP4NaRm99X/WbQEph7q/PymJnCFIOOwKOx3pBmp5ys8trO0dM+CKGuJgeZP9fAR4mQpA==",
        "The typeface, made for readers with low vision: letters that look alike are told apart.",
        {
            f"files/{_FONT}-latin-wght-normal.woff2": WEB / f"{_FONT}-latin.woff2",
            f"files/{_FONT}-latin-ext-wght-normal.woff2": WEB / f"{_FONT}-latin-ext.woff2",
            f"files/{_FONT}-latin-wght-italic.woff2": WEB / f"{_FONT}-latin-italic.woff2",
            "LICENSE": WEB / f"{_FONT}.OFL.txt",
        },
    ),
    Package(
        "axe-core",
        "4.14.1",
        "MPL-2.0",
        "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        "Finds barriers on pages, in tests only; it is no part of the package that is installed.",
        {"axe.min.js": TESTS / "axe.min.js", "LICENSE": TESTS / "LICENSE"},
    ),
)


def fetched(package: Package, folder: Path) -> dict[Path, bytes]:
    """The package's kept files by their place in the repository, after its integrity was checked."""
    wanted = f"{package.name}@{package.version}"
    subprocess.run(["npm", "pack", wanted, "--silent", "--pack-destination", folder], check=True, capture_output=True)
    packed = next(folder.glob("*.tgz")).read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode()
    if found != package.integrity:
        sys.exit(f"{wanted}: integrity is {found}, and {package.integrity} is pinned. Nothing was written.")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {to: adapted(to, read(archive, f"package/{name}")) for name, to in package.files.items()}


def read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    if member is None:
        sys.exit(f"{name} is not in the package.")
    return member.read()


def adapted(to: Path, content: bytes) -> bytes:
    """Without the pointer to a map that is not kept; the interpreter as a plain script that uses Vega's helpers."""
    if to.suffix != ".js":
        return content
    lines = [line for line in content.decode().rstrip("\n").split("\n") if not line.startswith(_MAP)]
    if to.name == "vega-interpreter.js":
        before, after = "import { ascending, isString, DisallowedObjectProperties } from 'vega-util';", "export {"
        if lines[0] != before or not lines[-1].startswith(after):
            sys.exit("vega-interpreter has a new shape: look at how it imports and exports.")
        lines[0] = "(function () {\nconst { ascending, isString, DisallowedObjectProperties } = window.vega;"
        lines[-1] = "window.vegaExpressionInterpreter = expression;\n})();"
    return ("\n".join(lines) + "\n").encode()


def provenance(folder: Path, kept: dict[Path, bytes]) -> bytes:
    """What lies in a folder: package, version, licence, integrity, and the sha256 of each file."""
    lines = ["# Where these files come from", ""]
    lines += ["Written by `scripts/vendor_web.py`, which fetches them from npm and checks them; don't edit.", ""]
    for package in PACKAGES:
        here = [to for to in package.files.values() if to.parent == folder]
        if not here:
            continue
        lines += [f"## {package.name} {package.version}", "", package.why, ""]
        lines += [f"- Licence: {package.licence}", f"- npm integrity: `{package.integrity}`", ""]
        lines += ["| File | sha256 |", "| --- | --- |"]
        lines += [f"| {to.name} | `{hashlib.sha256(kept[to]).hexdigest()}` |" for to in here]
        lines.append("")
    if folder == WEB:
        lines += [
            "Two changes are made to scripts: the pointer to a source map is taken out, and `vega-interpreter.js`, "
            "a module, is wrapped as a plain script that takes its three helpers from Vega.",
            "",
        ]
    return "\n".join(lines).encode()


def everything() -> Iterator[tuple[Path, bytes]]:
    kept: dict[Path, bytes] = {}
    for package in PACKAGES:
        folder = Path(tempfile.mkdtemp())
        kept |= fetched(package, folder)
        shutil.rmtree(folder)
    yield from kept.items()
    for folder in (WEB, TESTS):
        yield folder / "PROVENANCE.md", provenance(folder, kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only")
    is_check = parser.parse_args().check
    different = []
    for to, content in everything():
        path = ROOT / to
        if is_check and (not path.is_file() or path.read_bytes() != content):
            different.append(str(to))
        elif not is_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    if different:
        sys.exit("Different from what npm has: " + ", ".join(different))
    print("Every file is what npm has." if is_check else "Written.")


if __name__ == "__main__":
    main()
