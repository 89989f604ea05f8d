"""Workspace settings: one YAML file that a person can read and change."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError

from benchwell.durable import whole_file
from benchwell.errors import WorkspaceError
from benchwell.terms import Purpose

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


class OidcSettings(BaseModel):
    """The organization's own sign-in (OpenID Connect). The secret stands in the environment, never in this file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$", max_length=500)]
    """Where `/.well-known/openid-configuration` is found; exactly as the provider writes it."""

    client_id: Annotated[str, Field(min_length=1, max_length=200)]
    secret_env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] = "BENCHWELL_OIDC_SECRET"  # noqa: S105  a name
    """Which environment variable holds the client's secret."""

    name: Annotated[str, Field(max_length=60)] | None = None
    """What the button calls it, such as the organization's name."""


class ServiceSettings(BaseModel):
    """The live service: under which address, behind which proxy, and how long one stays signed in.

    >>> ServiceSettings(base_url="https://scores.example").is_encrypted
    True
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: Annotated[str, Field(pattern=r"^https?://[^/\s?#]+$", max_length=300)] | None = None
    """The address that people type, without a path; null takes it from each request."""

    trusted_proxy: tuple[IPvAnyNetwork, ...] = ()
    """Proxies whose word on who asked (X-Forwarded-For) counts, as addresses or networks."""

    session_hours: Annotated[float, Field(gt=0, le=24)] = 12
    """After this long one signs in again, however busy one was."""

    idle_minutes: Annotated[float, Field(gt=0, le=1440)] = 120
    """After this long without a page one signs in again."""

    oidc: OidcSettings | None = None
    """Null: people sign in with a name and a password of their own here."""

    @property
    def is_encrypted(self) -> bool:
        """Whether people reach it by HTTPS."""
        return bool(self.base_url and self.base_url.startswith("https:"))


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

    benchmarks: tuple[Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")], ...] = ()
    """Ids of the benchmarks that a build computes when it is asked for none by name; empty: every declared one that has
    data."""

    register_url: str | None = None
    """Address of the live service's register; null is `register.db` in the workspace, if that file is there."""

    expected_course: bool = False
    """Whether a person's scores are set beside what is expected of people with a similar start (METHODS M6.1): off
    until it was checked with the people treated here. A person may switch it off for the own course."""

    pulse: bool = False
    """Whether staff are asked one anonymous question a week about how the work weighs on them."""

    weeks_without_score: Annotated[int, Field(ge=1, le=104)] = 4
    """After how many weeks without a score a clinician's first page names a person in care."""

    safety_text: Annotated[str, Field(max_length=1000)] | None = None
    """What a person reads at once after an answer about self-harm; null is a neutral text without any number."""

    emergency_contacts: tuple[Annotated[str, Field(max_length=200)], ...] = ()
    """Whom a person can turn to here, one line each, such as a local crisis line and its number."""

    engine: EngineSettings = EngineSettings()
    service: ServiceSettings = ServiceSettings()

    def silence(self, purpose: Purpose) -> ConsentRule:
        """What it means for a purpose if somebody has not decided: silence is a yes for learning at most.

        >>> Settings(id="north-clinic").silence(Purpose.RESEARCH).value
        'opt_in'
        """
        return self.consent_rule if purpose is Purpose.LEARNING else ConsentRule.OPT_IN

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
        try:
            with whole_file(path) as file:
                yaml.safe_dump(data, file, encoding="utf-8", sort_keys=False, allow_unicode=True)
        except OSError as problem:
            raise WorkspaceError(
                f"{path} cannot be written: {problem.strerror}.", hint="check the folder and who owns it"
            ) from None


def _explain(problem: ValidationError) -> str:
    """One clause per wrong key; never the value, which may be anything that was pasted there."""
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}" for e in problem.errors(include_input=False))


def _known_keys() -> str:
    groups: dict[str, type[BaseModel]] = {"engine": EngineSettings, "service": ServiceSettings}
    inner = [f"{group}.{key}" for group, model in groups.items() for key in model.model_fields]
    return f"known keys: {', '.join([*(key for key in Settings.model_fields if key not in groups), *inner])}"
