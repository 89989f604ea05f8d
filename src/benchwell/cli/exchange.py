"""Commands that exchange data with other systems: fetch a bulk export, export scores."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchwell.cli.app import Day, InWorkspace, Json, app
from benchwell.terms import Purpose

if TYPE_CHECKING:
    from benchwell.pipeline.exporting_fhir import ObservationExport
    from benchwell.pipeline.exporting_omop import OmopExport


class Format(StrEnum):
    """What others read."""

    FHIR = "fhir"
    OMOP = "omop"


@app.command()
def export(
    form: Annotated[Format, typer.Argument(metavar="fhir|omop", help="Observations, or tables of the OMOP CDM 5.4.")],
    target: Annotated[Path, typer.Argument(help="fhir: the file to write (.ndjson or .ndjson.gz); omop: a folder.")],
    workspace: InWorkspace = Path(),
    purpose: Annotated[
        Purpose | None, typer.Option(help="fhir: what the receiver wants the scores for; else the workspace's own use.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="omop: write CSV instead of Parquet.")] = False,
    as_of: Day = None,
    json: Json = False,
) -> None:
    """Hand scores on: of people whose consent covers it, and of nobody else."""
    from benchwell.pipeline import Workspace
    from benchwell.terminal import Drawing, print_json

    if form is Format.FHIR and csv:
        raise typer.BadParameter("--csv is for omop")
    if form is Format.OMOP and purpose is not None:
        raise typer.BadParameter("--purpose is for fhir; omop tables are written for the workspace's own use")
    with Drawing() as drawing:
        opened = Workspace.open(workspace, listener=drawing)
        if form is Format.FHIR:
            observations = opened.export_observations(target, as_of=as_of, purpose=purpose)
        else:
            tables = opened.export_omop(target, as_of=as_of, file_format="csv" if csv else "parquet")
    if json:
        print_json((observations if form is Format.FHIR else tables).to_dict())
    elif form is Format.FHIR:
        _say_observations(observations)
    else:
        _say_tables(tables)


def _say_observations(made: ObservationExport) -> None:
    from benchwell.signals.words import count
    from benchwell.terminal import say

    say(f"Wrote {count(made.observations, 'score')} of {count(made.people, 'person', 'people')} to {made.path}.")
    if made.withheld:
        say(f"Nothing left of {count(made.withheld, 'person', 'people')} whose consent does not cover {made.purpose}.")
    if made.without_value:
        say(f"{count(made.without_value, 'line')} say why there is no score.")
    if made.without_code:
        say(f"{count(made.without_code, 'line')} have no public code; others may not know what they are.")


def _say_tables(made: OmopExport) -> None:
    from benchwell.signals.words import count
    from benchwell.terminal import say

    rows = ", ".join(f"{n:,} {table}" for table, n in made.rows.items() if n)
    say(f"Wrote {len(made.files)} tables to {made.folder}: {rows}.")
    if made.without_birth_year:
        left = count(made.without_birth_year, "person", "people")
        say(f"Left out: {left} without a year of birth, which the standard requires.")
    say("It is data about people: keep it as safe as the workspace.")


@app.command()
def fetch(
    url: Annotated[str, typer.Argument(help="Base address of the FHIR server, such as https://ehr.example.org/fhir.")],
    folder: Annotated[Path, typer.Argument(help="Where the export is kept; a killed run goes on there.")],
    group: Annotated[str | None, typer.Option(help="Only the patients of this group.")] = None,
    system: Annotated[bool, typer.Option("--system", help="All that the server has, not only of patients.")] = False,
    types: Annotated[list[str] | None, typer.Option("--type", help="Only this resource type; may be repeated.")] = None,
    type_filter: Annotated[
        list[str] | None, typer.Option(help="A search such as Observation?category=survey; may be repeated.")
    ] = None,
    element: Annotated[
        list[str] | None, typer.Option(help="Only this element, such as Patient.birthDate; may be repeated.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only what changed after this instant; `last`: since the export in the folder.")
    ] = None,
    client_id: Annotated[str | None, typer.Option(help="Your client id at the server.")] = None,
    key: Annotated[Path | None, typer.Option(help="Your private key: a JSON Web Key file.")] = None,
    key_id: Annotated[str | None, typer.Option(help="Which key of that file.")] = None,
    token_url: Annotated[str | None, typer.Option(help="Where tokens are given; else the server is asked.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="A scope to ask for; may be repeated.")] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="Another origin that may see the token; may be repeated.")
    ] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Certificates of your own authority.")] = None,
    deadline: Annotated[float | None, typer.Option(help="Seconds to wait for the export to be ready.")] = None,
    parallel: Annotated[int, typer.Option(min=1, max=16, help="Files fetched at once.")] = 3,
    max_gb: Annotated[
        float, typer.Option(min=0, help="Most gigabytes (10^9 bytes) that the export may take on this disk.")
    ] = 100,
    accept_differing_counts: Annotated[
        bool, typer.Option("--accept-differing-counts", help="Take files that hold fewer lines than the server says.")
    ] = False,
    keep_when_stopped: Annotated[
        bool, typer.Option("--keep-when-stopped", help="After Ctrl-C, leave the export on the server for a later run.")
    ] = False,
    json: Json = False,
) -> None:
    """Fetch a bulk export from a FHIR server into a folder that `intake` reads.

    With --client-id and --key it logs in as SMART backend services do. A killed run goes on where it was.
    """
    from benchwell.cli.fetching import Fetching, show_fetched
    from benchwell.intake.bulk import BackendCredentials, BulkRequest, BulkSettings, export_bulk
    from benchwell.terminal import print_json

    if group is not None and system:
        raise typer.BadParameter("--group and --system ask for two different exports; give one")
    if (client_id is None) != (key is None):
        raise typer.BadParameter("--client-id and --key belong together")
    request = BulkRequest(
        url,
        level="system" if system else "group" if group is not None else "patient",
        group=group,
        types=tuple(types or ()),
        since=since,
        type_filters=tuple(type_filter or ()),
        elements=tuple(element or ()),
    )
    credentials = None
    if client_id is not None and key is not None:
        credentials = BackendCredentials(client_id, key, key_id, token_url, scopes=tuple(scope or ()))
    settings = BulkSettings(
        deadline_seconds=deadline,
        parallel=parallel,
        allowed_origins=tuple(allow_origin or ()),
        ca_file=ca_file,
        max_bytes=int(max_gb * 10**9),
        accept_differing_counts=accept_differing_counts,
        keep_when_stopped=keep_when_stopped,
    )
    with Fetching() as fetching:
        fetched = export_bulk(request, folder, credentials, settings=settings, listener=fetching)
    if json:
        print_json(dataclasses.asdict(fetched))
    else:
        show_fetched(fetched, str(folder))
