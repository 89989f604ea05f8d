"""What a payer sees: the figures of one named contract, in one frozen edition (a workspace for contract use only)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchwell.benchmarks import Edition
from benchwell.errors import AccessError, DeclarationError
from benchwell.i18n import _
from benchwell.pipeline.live.editions import edition_of
from benchwell.pipeline.live.remembered import Remembered
from benchwell.pipeline.live.use_policy import check_contract, opens_contracts
from benchwell.registry import Benchmark, Measure
from benchwell.reports.canvas import Chart
from benchwell.reports.chart_intervals import answers_chart
from benchwell.reports.names import definition_rows
from benchwell.reports.standing import standing
from benchwell.settings import UsePolicy
from benchwell.signals import LightFace, Sentence, compare, sentence
from benchwell.signals.gates import Gate
from benchwell.signals.reading import OneMeasure, casemix_of, organization_name, rows
from benchwell.signals.record_asked import benchmark_declaration

if TYPE_CHECKING:
    from benchwell.pipeline.live.service import LiveService
    from benchwell.register import Viewer

FOLDER = "contracts"
# What a figure with a consequence must reach (METHODS 0.1): stricter than what opens a colour for learning.
CONSEQUENCE_COMPLETION = 0.70
CONSEQUENCE_RELIABILITY = 0.90
_Id = Annotated[str, Field(min_length=1, max_length=128)]


class Contract(BaseModel):
    """One contract: which measures of which organizations, frozen in which edition.

    >>> Contract(id="north-2026", payer="A plan", edition="e", measures=("m",), organizations=("north",)).title
    ''
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
    title: Annotated[str, Field(max_length=200)] = ""
    payer: Annotated[str, Field(min_length=1, max_length=200)]
    edition: _Id
    measures: Annotated[tuple[_Id, ...], Field(min_length=1)]
    organizations: Annotated[tuple[_Id, ...], Field(min_length=1)]


@dataclass(frozen=True)
class ContractFigure:
    """One organization and one measure of a contract.

    Attributes:
        organization: What it is called.
        measure: Title of the measure.
        sentence: The sentence, in the third person.
        face: The light after the gates of a figure with a consequence.
        gates: Those gates.
        answers: The answers to missing follow-up; None without a figure.
        definition: What is measured.
    """

    organization: str
    measure: str
    sentence: Sentence
    face: LightFace
    gates: tuple[Gate, ...]
    answers: Chart | None
    definition: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ContractView:
    """A contract and its figures.

    Attributes:
        contract: What was declared.
        edition: Id of the frozen edition.
        as_of: Its day.
        warning: That the edition was superseded since; "" while it stands.
        figures: Organization by organization in the order of the contract.
        missing: What the contract names and the edition has nothing of: pairs of organization and measure.
    """

    contract: Contract
    edition: str
    as_of: str
    warning: str
    figures: tuple[ContractFigure, ...]
    missing: tuple[tuple[str, str], ...]


def load_contracts(folder: Path) -> dict[str, Contract]:
    """Every contract that a folder declares, by id.

    Args:
        folder: With a YAML file per contract; one that does not exist declares none.

    Raises:
        DeclarationError: If a file is no contract, or two have the same id; the file and the key are named.
    """
    found: dict[str, Contract] = {}
    for path in sorted(folder.glob("*.yaml")):
        one = _load(path)
        if one.id in found:
            raise DeclarationError(f"{FOLDER}/{path.name}: a contract {one.id!r} is declared already.")
        found[one.id] = one
    return found


def _load(path: Path) -> Contract:
    where = f"{FOLDER}/{path.name}"
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise DeclarationError(f"{where} cannot be read as YAML.", hint="each line reads `key: value`") from None
    if not isinstance(data, dict):
        raise DeclarationError(f"{where} declares nothing.", hint=f"keys: {', '.join(Contract.model_fields)}")
    try:
        return Contract.model_validate(data)
    except ValidationError as problem:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg'].lower()}" for one in problem.errors(include_input=False)
        )
        raise DeclarationError(f"{where}: {wrong}", hint=f"keys: {', '.join(Contract.model_fields)}") from None


def contract_view(service: LiveService, viewer: Viewer) -> ContractView | None:
    """What a payer sees; None in a workspace for learning, where there is nothing to see.

    Args:
        service: The running service.
        viewer: The payer.

    Raises:
        AccessError: If the payer's contract is not declared here.
        DeclarationError: If a contract cannot be read, or names what its edition does not have.
    """
    workspace = service.workspace
    if not opens_contracts(workspace):
        return None
    contract = load_contracts(workspace.path / FOLDER).get(viewer.contract or "")
    if contract is None:
        raise AccessError(_("Your contract is not declared here."), hint=_("ask whoever runs this service"))
    check_contract(workspace, viewer, contract.id)
    edition = edition_of(workspace, contract.edition)
    if edition is None:
        raise DeclarationError(f"Contract {contract.id}: there is no edition {contract.edition} here.")
    if built_for(edition) is not UsePolicy.CONTRACT:
        raise DeclarationError(
            f"Contract {contract.id}: edition {edition.id} was built for learning, so nobody who pays sees it.",
            hint="build an edition in this workspace, and name that one",
        )
    unknown = [one for one in contract.measures if one not in edition.declarations.measures]
    if unknown:
        raise DeclarationError(f"Contract {contract.id}: edition {edition.id} has no measure {', '.join(unknown)}.")
    key = (edition.path, edition.manifest["sha256"], contract)
    figures, missing = _kept.get(key, lambda: _figures(edition, contract))
    return ContractView(contract, edition.id, edition.as_of, standing(edition).warning, figures, missing)


def built_for(edition: Edition) -> UsePolicy:
    """What an edition was built for: a workspace may have been for learning before, and consent was given for that."""
    stated = edition.manifest.get("identity", {}).get("settings", {}).get("use")
    return UsePolicy.CONTRACT if stated == UsePolicy.CONTRACT.value else UsePolicy.LEARNING


_Figures = tuple[tuple[ContractFigure, ...], tuple[tuple[str, str], ...]]
_kept = Remembered[_Figures](limit=32, spoken=True)


def _figures(edition: Edition, contract: Contract) -> _Figures:
    figures, missing = [], []
    for organization in contract.organizations:
        name = organization_name(edition, organization)
        for one in contract.measures:
            measure = edition.declarations.measures[one]
            held = OneMeasure.of(edition, measure.id)
            if rows(held, "organization_results", organization_id=organization, period="all", stratum="all"):
                figures.append(_figure(held, organization, name, measure))
            else:
                missing.append((name, _(measure.title)))
    return tuple(figures), tuple(missing)


def _figure(edition: OneMeasure, organization: str, name: str, measure: Measure) -> ContractFigure:
    declared = benchmark_declaration(edition, measure, None)
    strict = None if declared is None else _for_consequences(declared)
    found = compare(edition, organization, measure, strict, name=name)
    shown = found.status == "ok" and found.figures.n_followed is not None
    return ContractFigure(
        organization=name,
        measure=_(measure.title),
        sentence=sentence(found, person=name),
        face=found.face,
        gates=found.gates,
        answers=answers_chart(found, f"answers-{measure.id}-{organization}") if shown else None,
        definition=tuple(definition_rows(measure, casemix_of(edition, measure.id))),
    )


def _for_consequences(benchmark: Benchmark) -> Benchmark:
    """The same benchmark behind the gates of a figure that has a consequence; a stricter declaration stands."""
    gates = benchmark.gates
    stricter = {
        "completion": max(gates.completion, CONSEQUENCE_COMPLETION),
        "light_reliability": max(gates.light_reliability, CONSEQUENCE_RELIABILITY),
    }
    return benchmark.model_copy(update={"gates": gates.model_copy(update=stricter)})
