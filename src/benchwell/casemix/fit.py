"""A fitted model: immutable, told in plain words, and checked when it is read back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from statistics import NormalDist
from typing import Any, Literal, TypeAlias

import numpy as np

from benchwell.casemix.coding import Coding, sha256_of
from benchwell.casemix.fit_text import as_html, as_text
from benchwell.casemix.frozen import frozen
from benchwell.casemix.groups import Groups, same_kind
from benchwell.casemix.prediction import Kind, NewLevels, predicted
from benchwell.casemix.profile_intervals import profile_of_fit
from benchwell.casemix.sufficient import SufficientStatistics
from benchwell.engine.opening import FrameKind
from benchwell.errors import DamagedFitError, ModelError
from benchwell.models.arrays import FloatArray
from benchwell.models.logistic_mixed import LATENT_VARIANCE

Family: TypeAlias = Literal["linear", "logistic"]
Interval: TypeAlias = tuple[float, float]
FORMAT = "benchwell-fit-1"


@dataclass(frozen=True)
class Found:
    """How the estimates were found.

    Attributes:
        optimizer: Its name.
        iterations: Its steps.
        converged: Whether it ended at an optimum.
        gradient: Derivatives of the deviance by the search's own parameters at the end.
        tolerances: When it stops, by name.
    """

    optimizer: str
    iterations: int
    converged: bool
    gradient: tuple[float, ...]
    tolerances: Mapping[str, float]

    def __post_init__(self) -> None:
        """Keep a copy that nobody else can change."""
        object.__setattr__(self, "tolerances", frozen(self.tolerances))


@dataclass(frozen=True, eq=False)
class Fit:
    """A hierarchical case-mix model, as `fit_linear`, `fit_logistic` and `fit_linear_statistics` give it.

    Attributes:
        family: `linear` or `logistic`.
        method: `REML`, `ML`, `Laplace`, `penalized least squares` or `adaptive Gauss-Hermite, k points`.
        coding: Columns, reference levels and constants of the design, with `coding.hash`.
        coefficients: By column, per unit of the frame's own column; log odds if logistic.
        covariance: Of the coefficients, in their order (`list(fit.coefficients)` names rows and columns), shape (p, p).
        group_sd: SD of the intercepts by grouping column, from the outside in.
        group_covariance: Of intercepts and slopes, shape (2, 2); None without a random slope.
        residual_sd: SD of the residuals; None if logistic.
        loglik: REML or ML log likelihood; without binomial coefficients if logistic.
        n: Rows that were used.
        n_groups: Groups by grouping column.
        singular: Whether a variance is estimated as zero, or a correlation as 1 or -1.
        separated: Whether some columns predict the outcome without error, so that their coefficients have no maximum.
        separated_columns: Which columns take part in that.
        dropped: Columns that depend on earlier ones, and were left out.
        left_out: Rows left out, by reason.
        found: How the estimates were found.
        groups: What was predicted for each group; `effects` gives it as a frame.
        kind: The kind of frame that `effects` gives.
        statistics: The sums of a linear fit, for profile intervals; not saved.
    """

    family: Family
    method: str
    coding: Coding
    coefficients: Mapping[str, float]
    covariance: FloatArray
    group_sd: Mapping[str, float]
    group_covariance: FloatArray | None
    residual_sd: float | None
    loglik: float
    n: int
    n_groups: Mapping[str, int]
    singular: bool
    separated: bool
    separated_columns: tuple[str, ...]
    dropped: tuple[str, ...]
    left_out: Mapping[str, int]
    found: Found
    groups: tuple[Groups, ...]
    kind: FrameKind = "pyarrow"
    statistics: SufficientStatistics | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Make dicts and arrays read-only: the check value stands for what they say."""
        for name in ("coefficients", "group_sd", "n_groups", "left_out"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        for matrix in (self.covariance, self.group_covariance):
            if matrix is not None:
                matrix.flags.writeable = False

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard errors by column; NaN where a search that failed left none."""
        variances = np.diag(self.covariance)
        sds = np.sqrt(np.where(variances >= 0.0, variances, np.nan))
        return dict(zip(self.coefficients, map(float, sds), strict=True))

    @property
    def group_correlation(self) -> float | None:
        """Correlation of intercepts and slopes; None without a random slope, NaN where a variance is zero."""
        if self.group_covariance is None:
            return None
        size = math.sqrt(self.group_covariance[0, 0] * self.group_covariance[1, 1])
        return float(self.group_covariance[0, 1]) / size if size > 0 else math.nan

    @property
    def slope_sd(self) -> float | None:
        """SD of the groups' slopes, per unit of the slope's column; None without a random slope."""
        return None if self.group_covariance is None else math.sqrt(max(float(self.group_covariance[1, 1]), 0.0))

    @property
    def icc(self) -> dict[str, float]:
        """Share of the variance (given the covariates) that lies between the groups of each column.

        Logistic: on the scale of log odds, where the residual variance is π²/3. With a random slope: where the
        slope's column is zero.
        """
        residual = LATENT_VARIANCE if self.residual_sd is None else self.residual_sd**2
        total = residual + sum(sd**2 for sd in self.group_sd.values())
        return {name: sd**2 / total for name, sd in self.group_sd.items()}

    @property
    def parameters(self) -> int:
        """Coefficients, variances and covariances that were estimated."""
        variances = 3 if self.group_covariance is not None else len(self.group_sd)
        return len(self.coefficients) + variances + (self.family == "linear")

    @property
    def aic(self) -> float:
        """-2 loglik + 2 parameters. Of REML fits only those with the same covariates may be compared."""
        return -2.0 * self.loglik + 2.0 * self.parameters

    @property
    def bic(self) -> float:
        """-2 loglik + ln(n) parameters."""
        return -2.0 * self.loglik + math.log(self.n) * self.parameters

    def effects(self, group: str) -> Any:
        """What was predicted for every group of a grouping column.

        Args:
            group: The grouping column.

        Returns:
            A frame of the kind that was fitted (pandas, Polars, else PyArrow), one row per group in the order of the
            keys: the grouping column and its outer ones, `level` (an inner group reads `inner:outer`), `effect`
            (units of the outcome, log odds if logistic), `sd` given the estimates, with a slope `slope` and
            `slope_sd`, `n` and `reliability`.

        Raises:
            ModelError: If there is no such grouping column.
        """
        for groups in self.groups:
            if groups.name == group:
                return same_kind(groups.table(), self.kind)
        raise ModelError(f"No grouping column {group!r} in the fit.", hint=f"it has {', '.join(self.coding.groups)}")

    def predict(
        self, frame: Any, new_levels: NewLevels = "population", kind: Kind = "response", *, effects: bool = True
    ) -> FloatArray:
        """Predict the outcome of every row of a frame.

        Args:
            frame: As for fitting; needs the covariates, and the grouping columns unless `effects` is False.
            new_levels: A row of a group that was not fitted gets the `population`'s prediction (an effect of 0),
                NaN (`missing`), or is refused (`error`).
            kind: `response`: units of the outcome, a probability if logistic. `link`: log odds if logistic.
            effects: False predicts for everyone as in an average group (an effect of 0).

        Returns:
            Shape (rows,), in the order of the rows; NaN where a covariate is missing.

        Raises:
            ModelError: If a category has a level that was not fitted, or a group is new and that is an `error`.
            SourceError: If the frame lacks a column.
        """
        return predicted(self, frame, new_levels, kind, effects=effects)

    def intervals(self, level: float = 0.95, method: Literal["wald", "profile"] = "wald") -> dict[str, Interval]:
        """Intervals of the coefficients; by profile likelihood also of the SDs.

        Args:
            level: Share of intervals that cover, between 0 and 1.
            method: `wald`: estimate ± a normal quantile times the standard error. `profile`: where the ML deviance
                rises by the chi-squared quantile (linear fits only).

        Returns:
            Lower and upper end by column; SDs are called `sd(<grouping column>)`, `sd(residual)` and, with a slope,
            `sd(<grouping column>, <slope>)` beside `correlation(<grouping column>, <slope>)`.

        Raises:
            ModelError: If a profile is asked of a fit that has no sums (logistic, or read from a file).
        """
        if not 0.0 < level < 1.0:
            raise ModelError("The level of an interval lies between 0 and 1, such as 0.95.")
        if method == "profile":
            return profile_of_fit(self, level)
        if method != "wald":
            raise ModelError("The method of an interval is 'wald' or 'profile'.")
        z = NormalDist().inv_cdf(0.5 + level / 2.0)
        errors = self.standard_errors
        return {name: (b - z * errors[name], b + z * errors[name]) for name, b in self.coefficients.items()}

    @cached_property
    def check(self) -> str:
        """SHA-256 over the canonical JSON of everything a prediction or a test reads."""
        return sha256_of(self._content())

    def to_dict(self) -> dict[str, Any]:
        """As plain values, ready for JSON, with the check value."""
        return self._content() | {"check": self.check}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Fit:
        """Back from `to_dict`.

        Raises:
            DamagedFitError: If the values do not recompute to the check value, or are no saved fit.
        """
        try:
            if value["format"] != FORMAT:
                raise DamagedFitError(f"This fit was saved in another format than {FORMAT}.")
            read = dict(value)
            stated = read.pop("check")
            if sha256_of(read) != stated:
                raise DamagedFitError(
                    "The saved fit was changed after it was made: its check value does not recompute.",
                    hint="fit the model again, or get the file from where it was made",
                )
            return _read(cls, read)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise DamagedFitError("This is not a saved fit, or parts of it are missing.") from None

    def save(self, path: Any) -> None:
        """Write the fit as JSON.

        Raises:
            ModelError: If the file cannot be written.
        """
        import json
        from pathlib import Path

        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n"
        try:
            Path(path).write_text(text, encoding="utf-8")
        except OSError as problem:
            raise ModelError(
                f"The fit cannot be saved as {Path(path).name}: {problem.strerror}.", hint="make the folder first"
            ) from None

    @classmethod
    def load(cls, path: Any) -> Fit:
        """Read a saved fit, and recompute its check value.

        Raises:
            DamagedFitError: If the file is no saved fit, or was changed.
        """
        import json
        from pathlib import Path

        try:
            value = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise DamagedFitError(f"{Path(path).name} cannot be read as a saved fit.", hint="check the path") from None
        return cls.from_dict(value)

    def _content(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            **{name: getattr(self, name) for name in ("family", "method", "residual_sd", "loglik", "n", "kind")},
            **{name: getattr(self, name) for name in ("singular", "separated")},
            "coding": self.coding.to_dict(),
            "coding_hash": self.coding.hash,
            "coefficients": [[name, value] for name, value in self.coefficients.items()],
            "covariance": self.covariance.tolist(),
            "group_sd": [[name, value] for name, value in self.group_sd.items()],
            "group_covariance": None if self.group_covariance is None else self.group_covariance.tolist(),
            "n_groups": [[name, value] for name, value in self.n_groups.items()],
            "separated_columns": list(self.separated_columns),
            "dropped": list(self.dropped),
            "left_out": dict(self.left_out),
            "found": asdict(self.found) | {"gradient": list(self.found.gradient)},
            "groups": [groups.to_dict() for groups in self.groups],
        }

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def _read(cls: type[Fit], value: dict[str, Any]) -> Fit:
    coding = Coding.from_dict(value["coding"])
    coefficients, group_sd, n_groups = (dict(value[name]) for name in ("coefficients", "group_sd", "n_groups"))
    covariance = value["group_covariance"]
    return cls(
        **{name: value[name] for name in ("family", "method", "residual_sd", "loglik", "n", "kind")},
        **{name: value[name] for name in ("singular", "separated", "left_out")},
        coefficients=coefficients,
        group_sd=group_sd,
        n_groups=n_groups,
        coding=coding,
        covariance=np.array(value["covariance"], dtype=np.float64),
        group_covariance=None if covariance is None else np.array(covariance, dtype=np.float64),
        separated_columns=tuple(value["separated_columns"]),
        dropped=tuple(value["dropped"]),
        found=Found(**(value["found"] | {"gradient": tuple(value["found"]["gradient"])})),
        groups=tuple(Groups.from_dict(one) for one in value["groups"]),
    )
