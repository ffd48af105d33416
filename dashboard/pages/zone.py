"""In which time zone does this person read and type moments? Kept in a cookie of our own; UTC without one."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from werkzeug.wrappers import Response

from ..records.columns import Column
from ..records.moments import Moment
from ..refusal import Refusal
from . import cookies

DEFAULT = "UTC"


@cache
def names() -> frozenset[str]:
    return frozenset(available_timezones())


def name() -> str:
    given = cookies.kept("zone")
    return given if given in names() else DEFAULT


def keep(response: Response, zone: str) -> None:
    """Raises Refusal("invalid") for a zone that nobody knows."""
    if zone not in names():
        message = "A time zone is expected, like Europe/Berlin."
        raise Refusal("invalid", message, fields={"zone": message})
    cookies.keep(response, "zone", zone)


def shown(column: Column, value: object, zone: str) -> str:
    """What a form's field holds: a moment with an offset as the clocks of the zone show it."""
    if isinstance(column.kind, Moment) and isinstance(value, datetime) and value.utcoffset() is not None:
        try:
            return value.astimezone(ZoneInfo(zone)).isoformat()
        except OverflowError:
            pass
    return column.text(column.format(value))


def meant(column: Column, text: str, base: object, zone: str) -> str:
    """What was typed, with the offset of the zone where it has none and the column keeps one. A moment that was shown
    without an offset is left as it was shown. Raises ValueError with a sentence for the person."""
    if not isinstance(column.kind, Moment) or column.kind.zone == "naive":
        return text
    if column.kind.zone != "aware" and isinstance(base, str) and base and not _has_offset(base):
        return text
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    if moment.utcoffset() is not None:
        return text
    return _in_zone(moment, zone).isoformat()


def _has_offset(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).utcoffset() is not None
    except ValueError:
        return True


def _in_zone(moment: datetime, zone: str) -> datetime:
    found = ZoneInfo(zone)
    try:
        early, late = (moment.replace(tzinfo=found, fold=fold) for fold in (0, 1))
        if early.utcoffset() != late.utcoffset():
            there = (early.astimezone(ZoneInfo("UTC")) + timedelta(0)).astimezone(found).replace(tzinfo=None)
            if there != moment.replace(fold=0):
                raise ValueError(f"The clocks of {zone} skip this time.")
            raise ValueError(f"The clocks of {zone} show this time twice: say the offset, like {early.isoformat()}")
    except OverflowError:
        raise ValueError("The years 1 to 9999 are kept.") from None
    return early
