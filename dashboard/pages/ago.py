"""How long ago was a moment, or how far is it, in the words of a person?"""

from __future__ import annotations

from datetime import UTC, datetime

STEPS = ((60, 1, "s"), (3_600, 60, "min"), (86_400, 3_600, "h"), (14 * 86_400, 86_400, "days"))


def ago(iso: str, now: datetime | None = None) -> str:
    """app.js says the same of a page that stays open.

    >>> at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    >>> [ago(each, at) for each in ("2026-11-22T11:59:48Z", "2026-11-22T09:10:00Z", "2026-11-21T11:00:00+00:00")]
    ['12 s ago', '2 h ago', '1 day ago']
    >>> ago("2026-03-01T10:00:00Z", at), ago("2026-11-25T12:00:03Z", at), ago("no moment", at)
    ('2026-03-01', 'in 3 days', 'no moment')
    """
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    moment = moment if moment.utcoffset() is not None else moment.replace(tzinfo=UTC)
    seconds = int(((now or datetime.now(UTC)) - moment).total_seconds())
    if abs(seconds) < 1:
        return "now"
    for most, unit, word in STEPS:
        if abs(seconds) < most:
            count = abs(seconds) // unit
            words = f"{count} {'day' if word == 'days' and count == 1 else word}"
            return f"{words} ago" if seconds > 0 else f"in {words}"
    return iso[:10]
