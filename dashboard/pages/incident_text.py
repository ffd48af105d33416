"""What does one write into the ticket? An incident as Markdown: what, who, since when, and what each connection did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from ..telemetry.incident_rows import Incident

Picture = Mapping[str, Any]


def markdown(incident: Incident, link: str) -> str:
    """link: the address of this Poolhouse, or nothing."""
    lasted = f"until {incident.ended}" if incident.ended else "not over yet"
    where = f" {link}/incidents/{incident.number}" if link else ""
    parts = [f"# Incident {incident.number}: {_text(incident.sentence)}", f"From {incident.at}, {lasted}.{where}"]
    for picture in incident.pictures:
        parts += _picture(picture)
    return "\n\n".join(parts) + "\n"


def _picture(picture: Picture) -> Iterable[str]:
    yield f"## {picture['at']}"
    yield "\n".join(f"- **{one['finding']}**: {_text(one['sentence'])}" for one in picture["began"])
    others = [one for one in picture["findings"] if one not in picture["began"]]
    if others:
        yield "Also wrong then:"
        yield "\n".join(f"- {one['finding']}: {_text(one['sentence'])}" for one in others)
    if remedy := picture["verdict"]["remedy"]:
        yield f"Remedy: {_text(remedy)}"
    for pool in picture["pools"]:
        yield from _pool(pool, picture["at"])


def _pool(pool: Mapping[str, Any], at: str) -> Iterable[str]:
    counts, total = pool["counts"], pool["limits"]["total"]
    of = "" if total is None else f" of {total:g}"
    yield f"### Pool {pool['name']}: {counts['used']}{of} in use, {counts['waiters'] or 0} wait"
    if pool["holders"]:
        yield _table(
            ("Worker", "Held for s", "Endpoint", "Line", "Transaction", "Last statement", "Server process"),
            ((one["worker"], f"{one['seconds']:.1f}", one["endpoint"], one["line"], transaction(one),
              one["statement"], one["server_process"]) for one in pool["holders"]),
        )  # fmt: skip
    if pool["waiters"]:
        yield _table(
            ("Worker", "Waits for s", "Endpoint", "Line"),
            ((one["worker"], f"{one['seconds']:.1f}", one["endpoint"], one["line"]) for one in pool["waiters"]),
        )
    events = [event for one in pool["connections"] for event in one["events"]]
    if events:
        yield _table(
            ("Worker", "Connection", "s before", "What", "After s", "Endpoint", "Line"),
            ((one["worker"], one["connection"], f"{seconds_before(at, one['at']):.3f}", what(one),
              "" if one["seconds"] is None else f"{one['seconds']:.3f}", one["endpoint"], one["line"])
             for one in events),
        )  # fmt: skip


def what(event: Mapping[str, Any]) -> str:
    """What happened, in words.

    >>> what({"kind": "transaction_ended", "detail": "rollback"})
    'transaction ended: rollback'
    """
    kind = str(event["kind"]).replace("_", " ")
    return f"{kind}: {str(event['detail']).replace('_', ' ')}" if event["detail"] else kind


def transaction(holder: Mapping[str, Any]) -> str:
    idle = holder["idle_in_transaction_seconds"]
    if not holder["in_transaction"]:
        return "none"
    return "open" if idle is None else f"open, idle for {idle:.1f} s"


def seconds_before(at: str, other: str) -> float:
    """
    >>> seconds_before("2026-11-29T10:00:02.500Z", "2026-11-29T10:00:00.000Z")
    2.5
    """
    return (datetime.fromisoformat(at) - datetime.fromisoformat(other)) / timedelta(seconds=1)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(one) for one in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    return _text("" if value is None else str(value)).replace("|", "\\|")


def _text(words: str) -> str:
    """In one line, and without what a ticket would take for HTML."""
    return " ".join(words.split()).replace("&", "&amp;").replace("<", "&lt;")
