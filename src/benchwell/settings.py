"""Workspace settings: one YAML file that a person can read and change."""

from __future__ import annotations

import os
import uuid
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchwell.errors import WorkspaceError

FILE_NAME = "benchwell.yaml"


class UsePolicy(StrEnum):
    """What a workspace's benchmarks are for. The two never mix in one workspace."""

    LEARNING = "learning"
    CONTRACT = "contract"


class ConsentRule(StrEnum):
    """What silence means, for learning within the own organization. For any other purpose silence is no."""

    OPT_OUT = "opt_out"
    """People who were never asked count as usable, until they decline."""

    OPT_IN = "opt_in"
    """Only people who said yes are usable."""


class EngineSettings(BaseModel):
    """How much of the machine Benchwell may use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory_limit: Annotated[str, Field(pattern=r"^[1-9][0-9]*(\.[0-9]+)? ?(MB|GB|MiB|GiB)$")] = "2GB"
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Null is one for each core."""


class Settings(BaseModel):
    """All settings of a workspace.

    >>> Settings(id="north-clinic").consent_rule.value
    'opt_out'
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
    name: str | None = None
    use: UsePolicy = UsePolicy.LEARNING
    consent_rule: ConsentRule = ConsentRule.OPT_OUT
    episode_rule: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")] | None = "contacts-120-days"
    """Which declared rule makes courses of care from contacts that belong to none; null makes none."""

    pulse: bool = False
    """Whether staff are asked one anonymous question a week about how the work weighs on them."""

    engine: EngineSettings = EngineSettings()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read settings from a YAML file.

        Raises:
            WorkspaceError: If the file is missing or not YAML, or naming each key that is wrong.
        """
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError:
            raise WorkspaceError(f"There are no settings at {path}.", hint="`benchwell init` writes them") from None
        except (yaml.YAMLError, UnicodeDecodeError):
            raise WorkspaceError(f"{path} is not YAML.", hint="each line reads `key: value`") from None
        if not isinstance(data, dict):
            raise WorkspaceError(f"{path} holds no settings.", hint="each line reads `key: value`")
        try:
            return cls.model_validate(data)
        except ValidationError as problem:
            raise WorkspaceError(f"{path}: {_explain(problem)}", hint=_known_keys()) from None

    def save(self, path: Path) -> None:
        """Write settings as YAML, whole or not at all."""
        data: dict[str, Any] = self.model_dump(mode="json")
        draft = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
        try:
            with draft.open("w", encoding="utf-8") as file:
                yaml.safe_dump(data, file, sort_keys=False, allow_unicode=True)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as problem:
            draft.unlink(missing_ok=True)
            raise WorkspaceError(
                f"{path} cannot be written: {problem.strerror}.", hint="check the folder and who owns it"
            ) from None


def _explain(problem: ValidationError) -> str:
    """One clause per wrong key; never the value, which may be anything that was pasted there."""
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}" for e in problem.errors(include_input=False))


def _known_keys() -> str:
    engine = [f"engine.{key}" for key in EngineSettings.model_fields]
    return f"known keys: {', '.join([*(key for key in Settings.model_fields if key != 'engine'), *engine])}"
