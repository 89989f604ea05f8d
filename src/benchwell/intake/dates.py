"""Text to dates. The order of day and month is decided once per column from the whole column, never per row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchwell.intake.numbers import Mask, codes_of, spread

Order = Literal["ymd", "dmy", "mdy", "serial"]
Ints = npt.NDArray[np.int64]

_TIME = (
    r"(?:[T ]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]+)?)? ?(?P<half>[AaPp][Mm])?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
_YMD = r"^(?P<a>[0-9]{4})[-/.](?P<b>[0-9]{1,2})[-/.](?P<c>[0-9]{1,2})" + _TIME
_COMPACT = r"^(?P<a>[12][0-9]{3})(?P<b>[0-9]{2})(?P<c>[0-9]{2})" + _TIME
_NUMERIC = r"^(?P<a>[0-9]{1,2})(?P<mark>[./-]) ?(?P<b>[0-9]{1,2})[./-] ?(?P<c>[0-9]{2}|[0-9]{4})" + _TIME
_DAY_NAME = (
    r"^(?P<a>[0-9]{1,2})(?:\.|st|nd|rd|th)?(?: de)?[ -]+(?P<name>\p{L}{3,12})\.?,?(?: de)?[ -]+(?P<c>[0-9]{4})" + _TIME
)
_NAME_DAY = r"^(?P<name>\p{L}{3,12})\.?[ -]+(?P<a>[0-9]{1,2})(?:st|nd|rd|th)?,?[ -]+(?P<c>[0-9]{4})" + _TIME
_SERIAL = r"^[0-9]{5}(\.[0-9]+)?$"

# First three letters in English, German and Spanish; where a language differs, both are here.
_MONTHS = {
    1: "jan ene jän", 2: "feb", 3: "mar mär mrz", 4: "apr abr", 5: "may mai", 6: "jun", 7: "jul", 8: "aug ago",
    9: "sep", 10: "oct okt", 11: "nov", 12: "dec dez dic",
}  # fmt: skip
_MONTH_OF = {name: month for month, names in _MONTHS.items() for name in names.split()}
_SERIAL_EPOCH = -25569  # 1899-12-30, day 0 of spreadsheets, in days since 1970-01-01
_MINORITY = 0.05  # so few dates against the order of the others are taken for typing errors


@dataclass(frozen=True)
class Dates:
    """Parsed dates as days since 1970-01-01, shape (n,), and who was refused or corrected."""

    days: Ints
    known: Mask
    seconds: Ints  # second of the day, -1 if the cell holds no time
    bad: Mask
    ambiguous: Mask
    two_digit: Mask
    order: str | None  # dmy or mdy, when the column had to decide


def parse_dates(text: pa.Array, declared: Order | None = None, *, latest_year: int = 2100) -> Dates:
    """Dates of a text column.

    Year-first dates, dates with a month's name and dates with points (day first) are clear by themselves. For
    `03/04/2024` the whole column decides: a number above 12 shows which is the day. If no cell decides, or the cells
    contradict each other, all such cells are ambiguous.

    Args:
        text: Strings, shape (n,), null for empty.
        declared: The order that the mapping declares, or null.
        latest_year: Two-digit years are read as the latest year up to this one.

    >>> parse_dates(pa.array(["31/01/2024", "01/02/2024"])).days.tolist()
    [19753, 19754]
    """
    coded = text.dictionary_encode()
    unique, codes = coded.dictionary, codes_of(coded)
    work = _Work(unique, latest_year)
    if declared in (None, "ymd"):
        work.take(_YMD)
        work.take(_COMPACT)
    if declared in (None, "dmy", "mdy"):
        work.take_names(_DAY_NAME)
        work.take_names(_NAME_DAY)
        if declared is not None:
            work.take(_YMD)  # a real date cell of a spreadsheet arrives as ISO text, whatever was declared
        work.take_numeric(declared, codes)
    if declared in (None, "serial"):
        work.take_serial()
        if declared == "serial":
            work.take(_YMD)
    bad = ~work.known & ~work.ambiguous
    return Dates(
        days=spread(work.days, codes, 0),
        known=spread(work.known, codes, False),
        seconds=spread(work.seconds, codes, -1),
        bad=spread(bad, codes, False),
        ambiguous=spread(work.ambiguous, codes, False),
        two_digit=spread(work.two_digit, codes, False),
        order=work.order,
    )


@dataclass(frozen=True)
class _Parts:
    """The named parts of a pattern in each distinct text; null where the text does not match."""

    matched: pa.StructArray

    def text(self, name: str) -> pa.Array:
        return pc.struct_field(self.matched, name)

    def number(self, name: str) -> Ints:
        """-1 where absent."""
        text = self.text(name)
        digits = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        return np.asarray(digits.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False))


class _Work:
    """Distinct texts, and what is known of each so far."""

    def __init__(self, unique: pa.Array, latest_year: int) -> None:
        n = len(unique)
        self.unique, self.latest_year = unique, latest_year
        self.days, self.seconds = np.zeros(n, dtype=np.int64), np.full(n, -1, dtype=np.int64)
        self.known, self.ambiguous, self.two_digit = (np.zeros(n, dtype=bool) for _ in range(3))
        self.order: str | None = None

    def take(self, pattern: str) -> None:
        found, parts = self._match(pattern)
        self._set(found, parts.number("a"), parts.number("b"), parts.number("c"), parts)

    def take_names(self, pattern: str) -> None:
        found, parts = self._match(pattern)
        if not found.any():
            return
        names = parts.text("name").to_pylist()
        months = np.array([_MONTH_OF.get((name or "").lower()[:3], 0) for name in names], dtype=np.int64)
        self._set(found, parts.number("c"), months, parts.number("a"), parts)

    def take_numeric(self, declared: Order | None, codes: Ints) -> None:
        found, parts = self._match(_NUMERIC)
        if not found.any():
            return
        first, second, year = parts.number("a"), parts.number("b"), parts.number("c")
        short = found & (year < 100) & (year >= 0)
        century = self.latest_year - self.latest_year % 100
        year = np.where(short, np.where(year + century > self.latest_year, year + century - 100, year + century), year)
        dotted = found & _is(pc.equal(parts.text("mark"), "."))
        rest = found & ~dotted
        order = declared or self._decide(rest, first, second, codes)
        if order is None:
            self.ambiguous |= rest
        day_first = dotted if declared is None else np.zeros(len(found), dtype=bool)
        if order == "dmy":
            day_first = found if declared else dotted | rest
        month_first = (found if declared else rest) if order == "mdy" else np.zeros(len(found), dtype=bool)
        self._set(day_first, year, second, first, parts)
        self._set(month_first, year, first, second, parts)
        self.two_digit |= short & self.known

    def take_serial(self) -> None:
        found = _is(pc.match_substring_regex(self.unique, _SERIAL)) & ~self.known
        if not found.any():
            return
        text = pc.if_else(pa.array(found), self.unique, pa.scalar(None, pa.string()))
        serial = np.nan_to_num(text.cast(pa.float64()).to_numpy(zero_copy_only=False))
        whole = np.floor(serial).astype(np.int64)
        clock = np.round((serial - whole) * 86400).astype(np.int64)
        self.days = np.where(found, whole + _SERIAL_EPOCH, self.days)
        self.seconds = np.where(found & (clock > 0), clock, self.seconds)
        self.known |= found

    def _decide(self, rest: Mask, first: Ints, second: Ints, codes: Ints) -> Order | None:
        """Count rows, not distinct texts, that only one of the two orders can explain."""
        if not rest.any():
            return None
        weight = np.bincount(codes[codes >= 0], minlength=len(rest))
        day_first = int(weight[rest & (first > 12) & (second <= 12)].sum())
        month_first = int(weight[rest & (second > 12) & (first <= 12)].sum())
        if day_first == month_first or min(day_first, month_first) > _MINORITY * max(day_first, month_first):
            return None
        order: Order = "dmy" if day_first > month_first else "mdy"
        self.order = order
        return order

    def _match(self, pattern: str) -> tuple[Mask, _Parts]:
        matched = pc.extract_regex(self.unique, pattern)
        return _is(matched.is_valid()) & ~self.known, _Parts(matched)

    def _set(self, found: Mask, year: Ints, month: Ints, day: Ints, parts: _Parts) -> None:
        if not found.any():
            return
        days, valid = days_of(year, month, day)
        hour, minute, second = parts.number("hour"), parts.number("minute"), np.maximum(parts.number("second"), 0)
        half = pc.utf8_lower(parts.text("half"))
        hour = np.where(_is(pc.equal(half, "pm")) & (hour < 12), hour + 12, hour)
        hour = np.where(_is(pc.equal(half, "am")) & (hour == 12), 0, hour)
        timed = hour >= 0
        valid &= ~timed | ((hour < 24) & (minute < 60) & (second < 60))
        good = found & valid & ~self.known
        clock = hour * 3600 + minute * 60 + second
        self.days = np.where(good, days, self.days)
        # Midnight is how systems write "no time"; it says nothing about the order within a day.
        self.seconds = np.where(good & timed & (clock > 0), clock, self.seconds)
        self.known |= good


def days_of(year: Ints, month: Ints, day: Ints) -> tuple[Ints, Mask]:
    """Days since 1970-01-01 of each year, month and day, and which of them exist in the calendar.

    >>> days_of(np.array([2024, 2023]), np.array([2, 2]), np.array([29, 29]))[1].tolist()
    [True, False]
    """
    valid = (year >= 1000) & (year <= 9999) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = np.where(valid, (year - 1970) * 12 + month - 1, 0)
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    valid &= day <= following - first
    return np.where(valid, first + day - 1, 0), valid


def _is(values: pa.Array) -> Mask:
    return np.asarray(values.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)
