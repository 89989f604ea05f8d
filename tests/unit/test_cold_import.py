"""`import benchwell` is light: heavy libraries wait until something needs them. Each case is a fresh process."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "altair",
    "deltalake",
    "duckdb",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "pydantic",
    "pyspark",
    "scipy",
    "typer",
}


def loaded_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*(name for name in sys.modules if '.' not in name))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split()) & HEAVY


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_after("import benchwell") == set()


def test_looking_at_what_there_is_loads_nothing_heavy():
    assert loaded_after("import benchwell; dir(benchwell); benchwell.__version__") == set()


def test_scoring_one_questionnaire_needs_no_engine_and_no_charts():
    assert loaded_after("import benchwell; benchwell.score") & {"altair", "deltalake", "duckdb", "pyspark"} == set()


@pytest.mark.parametrize("name", ["no_such_name", "Workspaces"])
def test_an_unknown_name_is_an_attribute_error(name):
    import benchwell

    with pytest.raises(AttributeError, match=f"module 'benchwell' has no attribute '{name}'"):
        getattr(benchwell, name)


def test_a_public_function_is_not_hidden_by_a_room_of_the_same_name():
    code = (
        "import benchwell, importlib\n"
        "for name in ['reports', 'scoring', 'pipeline', 'benchmarks']: importlib.import_module(f'benchwell.{name}')\n"
        "from types import ModuleType\n"
        "print([name for name in benchwell.__all__ if isinstance(getattr(benchwell, name), ModuleType)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
