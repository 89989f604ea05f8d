"""Commands that show declarations: what is counted, compared with what, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from benchwell.cli.app import Json, app


@app.command()
def instruments(
    instrument: Annotated[str | None, typer.Argument(help="One instrument's id; none lists all.")] = None,
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="Include this workspace's own.")] = None,
    json: Json = False,
) -> None:
    """List the instruments, or show one with its sources."""
    _declarations("instruments", instrument, workspace, as_json=json)


@app.command()
def measures(
    measure: Annotated[str | None, typer.Argument(help="One measure's id; none lists all.")] = None,
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="Include this workspace's own.")] = None,
    json: Json = False,
) -> None:
    """List the measures, ours and official ones, or show one: who is counted, when, and what counts as the outcome.

    `benchwell quality` computes those that say yes under quality.
    """
    from benchwell.pipeline.describing import describe_measure, list_declarations

    if measure is not None:
        _show_one(describe_measure(measure, workspace), as_json=json)
    else:
        listed = [one for kind in ("measures", "quality") for one in list_declarations(kind, workspace)]
        _show_list("measures", sorted(listed, key=lambda one: str(one["id"])), as_json=json)


@app.command()
def casemix(
    casemix: Annotated[str | None, typer.Argument(help="One case mix's id; none lists all.")] = None,
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="Include this workspace's own.")] = None,
    json: Json = False,
) -> None:
    """List the case mixes, or show one: what is adjusted for, what never, and why."""
    _declarations("casemix", casemix, workspace, as_json=json)


@app.command()
def benchmarks(
    benchmark: Annotated[str | None, typer.Argument(help="One benchmark's id; none lists all.")] = None,
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="Include this workspace's own.")] = None,
    json: Json = False,
) -> None:
    """List the benchmarks, or show one with its gates."""
    _declarations("benchmarks", benchmark, workspace, as_json=json)


def _declarations(kind: str, wanted: str | None, workspace: Path | None, *, as_json: bool) -> None:
    from benchwell.pipeline import describe_declaration, list_declarations

    if wanted is None:
        _show_list(kind, list_declarations(kind, workspace), as_json=as_json)
    else:
        _show_one(describe_declaration(kind, wanted, workspace), as_json=as_json)


def _show_list(kind: str, listed: list[dict[str, Any]], *, as_json: bool) -> None:
    from benchwell.terminal import print_json, show_declarations

    if as_json:
        print_json(listed)
    else:
        show_declarations(kind, listed)


def _show_one(described: tuple[dict[str, Any], str], *, as_json: bool) -> None:
    from benchwell.terminal import print_json, show_declaration

    declaration, page = described
    if as_json:
        print_json(declaration)
    else:
        show_declaration(page)
