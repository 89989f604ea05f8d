"""Load declarations and answer "what is PHQ-9?".

The package's own declarations come first; a workspace may add its own folder, which overrides by id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache, partial
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from benchwell.errors import DeclarationError, UnknownDeclarationError
from benchwell.registry.benchmark import Benchmark
from benchwell.registry.casemix import CaseMix
from benchwell.registry.declaration import Declaration
from benchwell.registry.episode_rule import EpisodeRule
from benchwell.registry.extending import extended
from benchwell.registry.instrument import Instrument, normalize_name
from benchwell.registry.measure import Measure
from benchwell.registry.quality_measure import QualityMeasure
from benchwell.registry.reference import Reference
from benchwell.registry.response_curve import CurveDeclaration

_Kind = TypeVar("_Kind", bound=Declaration)

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

FOLDERS: dict[str, type[Declaration]] = {
    "instruments": Instrument,
    "measures": Measure,
    "benchmarks": Benchmark,
    "references": Reference,
    "casemix": CaseMix,
    "quality": QualityMeasure,
    "episode_rules": EpisodeRule,
    "response_curves": CurveDeclaration,
}


class Registry:
    """All declarations in force, by kind and id."""

    def __init__(self, declarations: Iterable[Declaration]) -> None:
        self._by_kind: dict[type[Declaration], dict[str, Declaration]] = {kind: {} for kind in FOLDERS.values()}
        for declaration in declarations:
            self._by_kind[type(declaration)][declaration.id] = declaration

    @classmethod
    def load(cls, *folders: Path) -> Registry:
        """The package's declarations, then those of each folder (later ones override by id).

        Args:
            folders: Folders that hold `instruments/`, `measures/`, `benchmarks/`, `references/`, `casemix/`,
                `episode_rules/`, `response_curves/`.

        Raises:
            DeclarationError: If a file does not validate; the message names file and field.
        """
        found = list(_bundled())
        for folder in folders:
            found.extend(_read_folder(folder))
        return cls(found)

    def __iter__(self) -> Iterator[Declaration]:
        """Every declaration, whatever its kind."""
        return (one for known in self._by_kind.values() for one in known.values())

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Instruments by id."""
        return self._of(Instrument)

    @property
    def measures(self) -> Mapping[str, Measure]:
        """Measures by id."""
        return self._of(Measure)

    @property
    def benchmarks(self) -> Mapping[str, Benchmark]:
        """Benchmarks by id."""
        return self._of(Benchmark)

    @property
    def references(self) -> Mapping[str, Reference]:
        """External references by id."""
        return self._of(Reference)

    @property
    def casemix(self) -> Mapping[str, CaseMix]:
        """Case-mix declarations by id."""
        return self._of(CaseMix)

    @property
    def episode_rules(self) -> Mapping[str, EpisodeRule]:
        """Episode rules by id."""
        return self._of(EpisodeRule)

    @property
    def response_curves(self) -> Mapping[str, CurveDeclaration]:
        """Expected courses by id."""
        return self._of(CurveDeclaration)

    @property
    def quality(self) -> Mapping[str, QualityMeasure]:
        """Official quality measures by id."""
        return self._of(QualityMeasure)

    def instrument(self, instrument_id: str) -> Instrument:
        """One instrument.

        Raises:
            UnknownDeclarationError: If there is none of that id.
        """
        return self._one("instrument", self.instruments, instrument_id)

    def find_instrument(self, name: str) -> Instrument | None:
        """The instrument that a source means by `name`: an id, an alias, or a LOINC total or panel code.

        Case, spaces, hyphens and underscores do not matter. A name that two instruments share finds none.

        >>> Registry.load().find_instrument("PHQ 9").id
        'phq-9'
        """
        wanted = normalize_name(name)
        found = self._instrument_names.get(wanted, ()) if wanted else ()
        return self.instruments[found[0]] if len(found) == 1 else None

    @cached_property
    def _instrument_names(self) -> dict[str, tuple[str, ...]]:
        names: dict[str, tuple[str, ...]] = {}
        for instrument in self.instruments.values():
            for spelling in instrument.names:
                names[spelling] = (*names.get(spelling, ()), instrument.id)
        # An id always means itself, whatever another declaration takes as an alias.
        return names | {normalize_name(instrument_id): (instrument_id,) for instrument_id in self.instruments}

    def measure(self, measure_id: str) -> Measure:
        """One measure.

        Raises:
            UnknownDeclarationError: If there is none of that id.
        """
        return self._one("measure", self.measures, measure_id)

    def benchmark(self, benchmark_id: str) -> Benchmark:
        """One benchmark.

        Raises:
            UnknownDeclarationError: If there is none of that id.
        """
        return self._one("benchmark", self.benchmarks, benchmark_id)

    def reference(self, reference_id: str) -> Reference:
        """One external reference.

        Raises:
            UnknownDeclarationError: If there is none of that id.
        """
        return self._one("reference", self.references, reference_id)

    def case_mix(self, casemix_id: str) -> CaseMix:
        """One case-mix declaration.

        Raises:
            UnknownDeclarationError: If there is none of that id.
        """
        return self._one("case mix", self.casemix, casemix_id)

    def episode_rule(self, rule_id: str) -> EpisodeRule:
        """One episode rule.

        Raises:
            UnknownDeclarationError: If there is none of that id.
        """
        return self._one("episode rule", self.episode_rules, rule_id)

    def response_curve(self, curve_id: str) -> CurveDeclaration:
        """One expected course.

        Raises:
            UnknownDeclarationError: If there is none of that id.
        """
        return self._one("response curve", self.response_curves, curve_id)

    def quality_measure(self, measure_id: str) -> QualityMeasure:
        """One official quality measure.

        Raises:
            UnknownDeclarationError: If there is none of that id.
        """
        return self._one("quality measure", self.quality, measure_id)

    def _of(self, kind: type[_Kind]) -> Mapping[str, _Kind]:
        return self._by_kind[kind]  # type: ignore[return-value]  # filed by exact type in __init__

    @staticmethod
    def _one(word: str, known: Mapping[str, _Kind], wanted: str) -> _Kind:
        if wanted not in known:
            raise UnknownDeclarationError.from_id(word, wanted, list(known))
        return known[wanted]


def parse(text: str, kind: type[_Kind], where: str, *, others: Callable[[str], dict[str, Any]] | None = None) -> _Kind:
    """One declaration from YAML text.

    Args:
        text: The file's content.
        kind: What it declares.
        where: The file, for messages.
        others: Gives the content of another file of its kind, for a declaration that extends one.

    Raises:
        DeclarationError: If it is not YAML or does not validate; names `where` and each field.
    """
    data = _content(text, where)
    if others is not None:
        data = extended(data, others, where)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'the whole'}: {item['msg']}" for item in error.errors()
        )
        raise DeclarationError(f"{where} does not validate: {problems}.") from None


def _content(text: str, where: str) -> Any:
    try:
        return yaml.load(text, Loader=_LOADER)  # noqa: S506  # it is the safe loader, in C where there is one
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        at = "" if line is None else f" at line {line + 1}"
        raise DeclarationError(f"{where} is not valid YAML{at}.") from None


@lru_cache(maxsize=1)
def _bundled() -> tuple[Declaration, ...]:
    return tuple(_read_folder(_root()))


def _root() -> Path:
    return Path(str(resources.files("benchwell") / "declarations"))


def _read_folder(folder: Path) -> Iterable[Declaration]:
    for name, kind in FOLDERS.items():
        for path in sorted((folder / name).glob("*.yaml")):
            others = partial(_other, folder, name)
            declaration = parse(path.read_text(encoding="utf-8"), kind, f"{name}/{path.name}", others=others)
            if declaration.id != path.stem:
                raise DeclarationError(f"{name}/{path.name} declares id {declaration.id!r}; the two must be the same.")
            yield declaration


def _other(folder: Path, name: str, wanted: str) -> dict[str, Any]:
    """Another declaration of the same kind as it stands in its file: of the same folder first, then of the package."""
    for place in (folder, _root()):
        path = place / name / f"{wanted}.yaml"
        if path.is_file():
            content = _content(path.read_text(encoding="utf-8"), f"{name}/{path.name}")
            return content if isinstance(content, dict) else {}
    raise DeclarationError(f"A declaration extends {name}/{wanted}.yaml, which is not there.")
