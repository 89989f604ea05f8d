"""Fill in what a mapping leaves unsaid: the person behind a score, one episode per person, one clinic."""

from __future__ import annotations

from benchwell.errors import MappingError
from benchwell.intake.mapping import Block, Cell, Mapping

DEFAULT_ORGANIZATION_ID = "my-practice"
DEFAULT_ORGANIZATION = "My practice"

Tables = dict[str, tuple[Block, ...]]


def completed(mapping: Mapping, empty: frozenset[str] = frozenset()) -> Mapping:
    """The mapping with the blocks that follow from others, without the cells of empty columns.

    A source of scores brings persons; if it names no episode, one episode per person is derived; if it names no
    clinic, everything belongs to one default organization.

    Args:
        mapping: As given or guessed.
        empty: Source columns without any value, which say nothing (an unused clinic column of the template).

    >>> from benchwell.intake.mapping_file import parse_mapping
    >>> short = parse_mapping("tables: {assessments: {patient_id: ID, instrument: {constant: phq-9}, total: S}}", "m")
    >>> sorted(completed(short).tables)
    ['assessments', 'episodes', 'organizations', 'patients']
    """
    tables = {name: tuple(_without(block, empty) for block in blocks) for name, blocks in mapping.tables.items()}
    if mapping.layout == "entities":
        tables = dict(mapping.tables)
    elif _has_key(mapping.tables.get("organizations", ())) and not _has_key(tables["organizations"]):
        del tables["organizations"]  # an unused clinic column
    scores = tables.get("assessments", ())
    first = next((block for block in scores if "patient_id" in block.fields), None)
    if first is not None and "patients" not in tables:
        tables["patients"] = (Block(fields={"patient_id": first.fields["patient_id"]}),)
    if first is not None and mapping.derive_episodes:
        tables["episodes"] = _episodes(tables.get("episodes", ()), first, tables)
    if "organizations" not in tables:
        tables |= _organizations((*tables.get("episodes", ()), *tables.get("published_rates", ())), mapping)
    if "practitioners" not in tables:
        tables |= _practitioners(tables.get("episodes", ()))
    _check_needs(tables)
    return mapping.model_copy(update={"tables": tables})


_NEEDS: dict[str, tuple[str, ...]] = {
    "organizations": ("organization_id",),
    "practitioners": ("practitioner_id",),
    "patients": ("patient_id",),
    "characteristics": ("patient_id", "name", "date"),
    "encounters": ("episode_id", "date"),
    "ratings": ("encounter_id", "rater_id", "value"),
    "events": ("patient_id", "date", "kind"),
    "consents": ("patient_id", "purpose", "date", "decision"),
    "assessments": ("patient_id",),  # date, instrument and score have messages of their own
    "published_rates": ("source", "organization_id", "group_type", "measure", "period_start", "rate"),
}


# An empty column is a finding here, cell by cell; elsewhere it says nothing.
_ALWAYS = frozenset({"instrument", "total", *(field for fields in _NEEDS.values() for field in fields)}) - {
    "organization_id",
    "practitioner_id",
}


def _check_needs(tables: Tables) -> None:
    for name, blocks in tables.items():
        for block in blocks:
            missing = [field for field in _NEEDS.get(name, ()) if field not in block.fields]
            if name == "episodes" and not {"episode_id", "patient_id"} & set(block.fields):
                missing = ["episode_id"]
            if name == "assessments" and "total" not in block.fields and block.items is None and not missing:
                missing = ["total (or items)"]
            if missing:
                raise MappingError(
                    f"The mapping of {name} does not say where {', '.join(missing)} comes from.",
                    hint="name a column of the source, or give a constant; docs/mapping.md shows both",
                )


def _without(block: Block, empty: frozenset[str]) -> Block:
    fields = {name: cell for name, cell in block.fields.items() if name in _ALWAYS or cell.column not in empty}
    items = block.items
    if items is not None:
        filled = [position for position, column in enumerate(items.columns) if column not in empty]
        items = items.model_copy(update={"columns": items.columns[: max(filled) + 1]}) if filled else None
    return block.model_copy(update={"fields": fields, "items": items})


def _has_key(blocks: tuple[Block, ...]) -> bool:
    return any("organization_id" in block.fields for block in blocks)


def _episodes(given: tuple[Block, ...], score: Block, tables: Tables) -> tuple[Block, ...]:
    blocks = given or (Block(fields={}),)
    filled = []
    for block in blocks:
        fields = {"patient_id": score.fields["patient_id"]} | dict(block.fields)
        if "episode_id" not in fields and "episode_id" in score.fields:
            fields["episode_id"] = score.fields["episode_id"]
        if "organization_id" not in fields:
            fields["organization_id"] = _only_organization(tables)
        filled.append(block.model_copy(update={"fields": fields}))
    return tuple(filled)


def _only_organization(tables: Tables) -> Cell:
    declared = tables.get("organizations", ())
    if len(declared) == 1 and "organization_id" in declared[0].fields:
        return declared[0].fields["organization_id"]
    return Cell(constant=DEFAULT_ORGANIZATION_ID)


def _organizations(members: tuple[Block, ...], mapping: Mapping) -> dict[str, tuple[Block, ...]]:
    cells = [block.fields["organization_id"] for block in members if "organization_id" in block.fields]
    if not cells:
        return {}
    name = Cell(constant=mapping.default_organization or DEFAULT_ORGANIZATION)
    fields = {"organization_id": cells[0]}
    if cells[0].constant is not None:
        fields |= {"name": name, "kind": Cell(constant="practice")}
    return {"organizations": (Block(fields=fields),)}


def _practitioners(episodes: tuple[Block, ...]) -> dict[str, tuple[Block, ...]]:
    for block in episodes:
        if "practitioner_id" in block.fields:
            fields = {"practitioner_id": block.fields["practitioner_id"]}
            if "organization_id" in block.fields:
                fields["organization_id"] = block.fields["organization_id"]
            return {"practitioners": (Block(fields=fields),)}
    return {}
