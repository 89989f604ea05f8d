"""Everything is documented: commands, exit codes, tables, declarations, dependencies, the public interface."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib

import pytest

import benchwell
from benchwell.errors import BenchwellError
from benchwell.registry import Registry
from benchwell.tables import TABLES


def read(repository, name: str) -> str:
    return (repository.root / "docs" / name).read_text(encoding="utf-8")


def test_generated_pages_are_up_to_date(repository):
    done = subprocess.run(
        [sys.executable, "scripts/generate_docs.py", "--check"],
        cwd=repository.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_page_that_differs_is_named(repository, tmp_path):
    code = (
        "import sys; sys.path.insert(0, 'scripts'); import generate_docs, pathlib; "
        f"generate_docs.DOCS = pathlib.Path({str(tmp_path)!r}); page = generate_docs.DOCS / 'x.md'; "
        "page.write_text('old'); print(generate_docs.differing({page: 'new', page.with_name('y.md'): ''}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repository.root, capture_output=True, text=True, check=True)
    assert "x.md: differs" in done.stdout
    assert "y.md: is missing" in done.stdout


def test_every_command_and_option_is_documented(repository):
    import typer.main

    from benchwell.cli import app

    page = read(repository, "cli.md")
    for name, command in typer.main.get_command(app).commands.items():
        assert f"## {name}\n" in page
        section = page.split(f"## {name}\n")[1].split("\n## ")[0]
        assert command.help, name
        for parameter in command.params:
            assert parameter.help, f"{name} {parameter.name} has no help"
            for option in parameter.opts if parameter.param_type_name == "option" else []:
                assert f"`{option}`" in section, f"{name} {option}"


def family(kind=BenchwellError):
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == "benchwell.errors":  # a door may name a case of a kind for itself
            yield from family(child)


def test_every_exit_code_is_documented(repository):
    page = read(repository, "exit-codes.md")
    for kind in family():
        assert re.search(rf"^\| `{kind.exit_code}` \|.*`{kind.__name__}`", page, re.MULTILINE), kind.__name__


def test_every_table_and_column_is_documented(repository):
    page = read(repository, "tables.md")
    for table in TABLES.values():
        section = page.split(f"### {table.name}\n")[1].split("\n### ")[0]
        assert [column for column in table.columns if f"| `{column}` |" not in section] == []


@pytest.mark.parametrize(
    "kind", ["instruments", "measures", "quality", "casemix", "episode_rules", "benchmarks", "references"]
)
def test_every_declaration_has_a_method_page(repository, kind):
    declared = getattr(Registry.load(), kind)
    assert declared
    pages = {page.stem: page for page in (repository.root / "docs" / "methods" / kind).glob("*.md")}
    assert set(pages) == set(declared)
    index = read(repository, "methods/index.md")
    assert [name for name in declared if f"({kind}/{name}.md)" not in index] == []


def test_an_unchecked_constant_is_visible_as_such(repository):
    for name, instrument in Registry.load().instruments.items():
        page = read(repository, f"methods/instruments/{name}.md")
        doubtful = [path for path, fact in instrument.facts.items() if fact.status == "unchecked"]
        for path in doubtful:
            assert re.search(rf"^\| `{re.escape(path)}` \|.*\*\*unchecked\*\*", page, re.MULTILINE), (name, path)


def test_every_public_name_is_documented_with_an_example(repository):
    page = read(repository, "python.md")
    for name in set(benchwell.__all__) - {"__version__"}:
        public = getattr(benchwell, name)
        assert inspect.getdoc(public), name
        assert re.search(rf"^## .*`{name}`", page, re.MULTILINE), f"{name} has no section in docs/python.md"
        section = re.split(rf"^## .*`{name}`.*$", page, flags=re.MULTILINE)[1].split("\n## ")[0]
        assert "```python run" in section, f"{name} has no runnable example in docs/python.md"


def test_every_dependency_has_its_reason(repository):
    project = tomllib.loads((repository.root / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [
        *project["project"]["dependencies"],
        *(line for extra in project["project"]["optional-dependencies"].values() for line in extra),
        *(line for group in project["dependency-groups"].values() for line in group),
    ]
    names = {re.split(r"[^\w.-]", line)[0].lower() for line in needed}
    documented = set(re.findall(r"^\| ([a-z0-9.-]+) \|", read(repository, "dependencies.md"), re.MULTILINE)) - {
        "package"
    }
    assert documented == names


def test_every_worked_example_is_a_test(repository):
    assert "**no test**" not in read(repository, "validity.md")


def test_the_changelog_and_the_package_agree_on_the_version(repository):
    changelog = (repository.root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {benchwell.__version__} " in changelog


def test_bundled_data_are_what_their_provenance_says(repository):
    import hashlib

    for folder, name in [
        ("nhs-iapt", "iapt_key_measures_2019-02_to_2019-08.csv"),
        ("hamd-trial-sites", "hamd_sites.csv"),
        ("solo-practice", "scores.csv"),
        ("fair-network", "synthetic_scores.csv"),
        ("fair-network", "truth.csv"),
    ]:
        place = repository.root / "examples" / folder
        digest = hashlib.sha256((place / name).read_bytes()).hexdigest()
        assert digest in (place / "PROVENANCE.md").read_text(encoding="utf-8"), name


def test_python_files_stay_readable(repository):
    long = [
        f"{path.relative_to(repository.root)}: {len(text.splitlines())} lines"
        for path, text in repository.texts("src", "tests", "scripts")
        if path.suffix == ".py" and len(text.splitlines()) > 500
    ]
    assert long == []


def test_names_of_test_files_are_unique(repository):
    names = [path.name for path in (repository.root / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize("name", ["report.png", "fair.png", "live.png", "live-service.png"])
def test_the_pictures_are_small_enough(repository, name):
    picture = repository.root / "docs" / "images" / name
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 400_000
