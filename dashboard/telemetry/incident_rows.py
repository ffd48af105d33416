"""How do incidents lie in the ledger? A row for each, and its pictures beside it, packed; the oldest go."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS incident (number INTEGER PRIMARY KEY AUTOINCREMENT, about TEXT NOT NULL,"
    " at REAL NOT NULL, ended REAL, keys TEXT NOT NULL, head TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS picture (incident INTEGER, at REAL, packed BLOB NOT NULL,"
    " PRIMARY KEY (incident, at)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS flight (process TEXT PRIMARY KEY, at REAL NOT NULL, packed BLOB NOT NULL)",
)

Picture = dict[str, Any]
"""{"at", "began", "verdict", "findings", "pools", "workers"}: plain JSON data."""


@dataclass(frozen=True)
class Incident:
    """What was frozen when something began. about: the pool, or what else the finding is about. at, ended: ISO 8601;
    ended is None while it lasts. level, sentence, finding, line, endpoint, worker: of the worst that began. keys: of
    all that began. pictures: what was, oldest first; empty in a list."""

    number: int
    about: str
    at: str
    ended: str | None
    level: str
    sentence: str
    finding: str
    line: str | None
    endpoint: str | None
    worker: int | None
    keys: tuple[str, ...] = ()
    pictures: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)

    @property
    def others(self) -> tuple[str, ...]:
        """What else began, by the names of the findings."""
        names = (key.partition("|")[0] for key in self.keys)
        return tuple(name for name in dict.fromkeys(names) if name != self.finding)


_HEAD = "number, about, at, ended, keys, head"
Execute = Callable[..., Any]


def add(execute: Execute, about: str, at: float, head: Mapping[str, Any], kept: int) -> int:
    """Answers its number. kept: how many there are at most."""
    values = (about, at, "[]", json.dumps(head))
    query = "INSERT INTO incident (about, at, keys, head) VALUES (?, ?, ?, ?) RETURNING number"
    number = int(execute(query, values).fetchone()[0])
    execute("DELETE FROM incident WHERE number <= ?", (number - kept,))
    execute("DELETE FROM picture WHERE incident <= ?", (number - kept,))
    return number


def latest(execute: Execute, about: str) -> tuple[int, float, dict[str, Any]] | None:
    """(number, at, head) of the last incident about this."""
    query = "SELECT number, at, head FROM incident WHERE about = ? ORDER BY number DESC LIMIT 1"
    found = execute(query, (about,)).fetchone()
    return None if found is None else (found[0], found[1], json.loads(found[2]))


def set_head(execute: Execute, number: int, head: Mapping[str, Any]) -> None:
    execute("UPDATE incident SET head = ? WHERE number = ?", (json.dumps(head), number))


def add_keys(execute: Execute, number: int, keys: Collection[str]) -> None:
    """What began; an incident that was over goes on."""
    (known,) = execute("SELECT keys FROM incident WHERE number = ?", (number,)).fetchone()
    every = sorted({*json.loads(known), *keys})
    execute("UPDATE incident SET keys = ?, ended = NULL WHERE number = ?", (json.dumps(every), number))


def add_picture(execute: Execute, number: int, at: float, picture: Picture) -> None:
    """In place of one of the same moment."""
    execute("INSERT OR REPLACE INTO picture VALUES (?, ?, ?)", (number, at, _packed(picture)))


def count_pictures(execute: Execute, number: int) -> int:
    return int(execute("SELECT count(*) FROM picture WHERE incident = ?", (number,)).fetchone()[0])


def pictures_since(execute: Execute, at: float) -> list[tuple[int, float, Picture]]:
    """(incident, at, picture) of those taken since then."""
    found = execute("SELECT incident, at, packed FROM picture WHERE at >= ?", (at,)).fetchall()
    return [(number, taken, _unpacked(packed)) for number, taken, packed in found]


def end_those_without(execute: Execute, holding: Collection[str], now: float) -> None:
    """An incident is over when nothing of what began in it holds any more."""
    for number, keys in execute("SELECT number, keys FROM incident WHERE ended IS NULL").fetchall():
        if not set(holding) & set(json.loads(keys)):
            execute("UPDATE incident SET ended = ? WHERE number = ?", (now, number))


def newest(execute: Execute) -> tuple[Incident, ...]:
    """Without their pictures, the newest first."""
    found = execute(f"SELECT {_HEAD} FROM incident ORDER BY number DESC").fetchall()
    return tuple(_incident(row, ()) for row in found)


def by_number(execute: Execute, number: int) -> Incident | None:
    found = execute(f"SELECT {_HEAD} FROM incident WHERE number = ?", (number,)).fetchone()
    if found is None:
        return None
    pictures = execute("SELECT packed FROM picture WHERE incident = ? ORDER BY at", (number,)).fetchall()
    return _incident(found, tuple(_unpacked(packed) for (packed,) in pictures))


def _incident(row: Any, pictures: tuple[Picture, ...]) -> Incident:
    number, about, at, ended, keys, head = row
    over = None if ended is None else _iso(ended)
    told: dict[str, Any] = json.loads(head)
    return Incident(number, about, _iso(at), over, **told, keys=tuple(json.loads(keys)), pictures=pictures)


def record(execute: Execute, process: str, at: float, tapes: Mapping[str, Any], seconds: float) -> None:
    """What a process says of its connections now and then, for the case that it dies. Those of processes that have
    said nothing for long go."""
    execute("INSERT OR REPLACE INTO flight VALUES (?, ?, ?)", (process, at, _packed(tapes)))
    execute("DELETE FROM flight WHERE at < ?", (at - seconds,))


def take_record(execute: Execute, process: str) -> dict[str, Any]:
    found = execute("DELETE FROM flight WHERE process = ? RETURNING packed", (process,)).fetchone()
    return {} if found is None else _unpacked(found[0])


def _packed(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 1)


def _unpacked(packed: bytes) -> Picture:
    found: Picture = json.loads(zlib.decompress(packed))
    return found


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
