"""How do dates, times and intervals look in JSON (ISO 8601), and which of them does a column take?"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, TypeVar

from .kinds import Kind

Value = TypeVar("Value")

_FRACTION = re.compile(r"[.,][0-9]{7,}")
_DURATION = re.compile(
    r"(?P<sign>[+-])?P(?:(?P<weeks>[0-9]{1,9})W)?(?:(?P<days>[0-9]{1,9})D)?"
    r"(?:T(?:(?P<hours>[0-9]{1,12})H)?(?:(?P<minutes>[0-9]{1,12})M)?(?:(?P<seconds>[0-9]{1,14})(?:[.,](?P<fraction>[0-9]{1,6}))?S)?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1)  # where SQLAlchemy keeps an interval as a moment, it counts from here


class Day(Kind):
    name = "date"
    native = (date,)

    def format(self, value: date) -> str:
        return value.isoformat()

    def read(self, given: Any) -> date:
        return _read(given, date.fromisoformat, "A date is expected: 2026-11-22")


class Clock(Kind):
    """A time of day; zoned: with an offset from UTC, which PostgreSQL keeps."""

    name = "time"
    native = (time,)

    def __init__(self, *, zoned: bool = False, digits: int = 6) -> None:
        self.zoned, self.digits = zoned, digits

    def format(self, value: time) -> str:
        return value.isoformat()

    def read(self, given: Any) -> time:
        return _read(given, time.fromisoformat, "A time is expected: 10:30:00")

    def check(self, value: time) -> time:
        if (value.tzinfo is not None) != self.zoned:
            raise ValueError(
                "The offset is missing: 10:30:00+00:00" if self.zoned else "This column keeps no offset: 10:30:00"
            )
        _check_fraction(value.microsecond, self.digits)
        return value.replace(fold=0)


class Moment(Kind):
    """A date with a time. zone: "aware" takes only values with an offset, "naive" only those without; "kept as UTC"
    is a timezone column in a database that has none (SQLite, MySQL): it takes both, and what has an offset becomes
    UTC. digits: of a second's fraction; MySQL keeps none unless its column says how many."""

    name = "datetime"
    native = (datetime,)

    def __init__(self, zone: str = "naive", *, digits: int = 6) -> None:
        self.zone, self.digits = zone, digits

    def format(self, value: datetime) -> str:
        return value.isoformat()

    def read(self, given: Any) -> datetime:
        return _read(given, datetime.fromisoformat, f"A date and time is expected: {self._example()}")

    def check(self, value: datetime) -> datetime:
        aware = value.utcoffset() is not None
        if aware and self.zone == "naive":
            raise ValueError(f"This column keeps no time zone; leave the offset out: {self._example()}")
        if not aware and self.zone == "aware":
            raise ValueError(f"The offset is missing: {self._example()}")
        _check_fraction(value.microsecond, self.digits)
        if not aware:
            return value.replace(fold=0)
        _within_years(value)
        return value.astimezone(UTC) if self.zone == "kept as UTC" else value

    def key_text(self, value: datetime) -> str:
        return self.format(value.astimezone(UTC) if value.tzinfo is not None else value)  # one moment has many offsets

    def _example(self) -> str:
        return "2026-11-22T10:30:00" + ("Z" if self.zone == "aware" else "")


class AwareMoment(Moment):
    name = "datetime with timezone"


class Interval(Kind):
    """A length of time. kept_as_moment: the database has no intervals, and SQLAlchemy keeps the moment that lies so
    far from 1970."""

    name: ClassVar[str] = "interval"
    native = (timedelta,)

    def __init__(self, *, kept_as_moment: bool = False, digits: int = 6) -> None:
        self.kept_as_moment, self.digits = kept_as_moment, digits

    def format(self, value: timedelta) -> str:
        return format_duration(value)

    def read(self, given: Any) -> timedelta:
        if not isinstance(given, str):
            raise ValueError("An interval is expected: P1DT2H30M")
        return read_duration(given.strip())

    def check(self, value: timedelta) -> timedelta:
        _check_fraction(value.microseconds, self.digits)
        if self.kept_as_moment:
            try:
                _EPOCH + value
            except OverflowError:
                raise ValueError("The interval is too long for this database.") from None
        return value


def format_duration(value: timedelta) -> str:
    """ISO 8601, in days, hours, minutes and seconds; a negative one has the sign in front.

    >>> format_duration(timedelta(days=-1, microseconds=1))
    '-PT23H59M59.999999S'
    """
    sign, length = ("-", -value) if value.days < 0 else ("", value)
    minutes, seconds = divmod(length.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{length.microseconds:06d}".rstrip("0") if length.microseconds else ""
    clock = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M")) if number)
    clock += f"{seconds}{fraction}S" if seconds or fraction else ""
    text = (f"{length.days}D" if length.days else "") + (f"T{clock}" if clock else "")
    return f"{sign}P{text or 'T0S'}"


def read_duration(text: str) -> timedelta:
    """The reverse. Raises ValueError for what is no duration, and for years and months, whose length differs.

    >>> read_duration("P1DT2H")
    datetime.timedelta(days=1, seconds=7200)
    """
    found = _DURATION.fullmatch(text)
    if found is None or text[-1:] in ("P", "T"):
        raise ValueError("An interval is expected, in weeks, days, hours, minutes and seconds: P1DT2H30M")
    parts = {unit: int(found[unit] or 0) for unit in ("weeks", "days", "hours", "minutes", "seconds")}
    try:
        if found["sign"] == "-":  # each part by itself: the sum's negative may exist where the sum does not
            return timedelta(
                **{unit: -number for unit, number in parts.items()}, microseconds=-_microseconds(found["fraction"])
            )
        return timedelta(**parts, microseconds=_microseconds(found["fraction"]))
    except OverflowError:
        raise ValueError("The interval is too long.") from None


def _microseconds(fraction: str | None) -> int:
    return int((fraction or "0").ljust(6, "0"))


def _check_fraction(microseconds: int, digits: int) -> None:
    if microseconds % 10 ** (6 - digits):
        kept = f"{digits} digits of a second's fraction" if digits else "whole seconds"
        raise ValueError(f"This column keeps {kept}; more would be rounded.")


def _within_years(value: datetime) -> None:
    """A driver shows an aware value in its own time zone: it must exist there too."""
    try:
        moment = value.astimezone(UTC)
        _ = (moment - timedelta(days=1), moment + timedelta(days=1))
    except OverflowError:
        raise ValueError("The years 1 to 9999 are kept.") from None


def _read(given: Any, read: Callable[[str], Value], expected: str) -> Value:
    if isinstance(given, str) and len(given) <= 100 and not _FRACTION.search(given):
        try:
            return read(given.strip())
        except ValueError:
            pass
    raise ValueError(expected)
