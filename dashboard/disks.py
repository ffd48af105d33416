"""Is it the disk of a database that keeps it from its work?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class DiskTrouble:
    """sentence: the end of one, without a full stop. remedy: what to do now."""

    sentence: str
    remedy: str


FULL = DiskTrouble("its disk is full", "Make room on it, then try again.")
FAILS = DiskTrouble(
    "its disk does not take what is written (I/O error)",
    "See whether it is full, over a quota, or broken; then try again.",
)
_FULL = ("SQLITE_FULL", "53100", 1021, 1114)
_FAILS = ("58030", 1026)


def trouble_with(error: Any) -> DiskTrouble | None:
    """What a driver's error, as SQLAlchemy wraps it, tells of the disk; None where it is something else."""
    orig = getattr(error, "orig", None)
    names = [getattr(orig, name, None) for name in ("sqlite_errorname", "sqlstate", "pgcode")]
    names += list(getattr(orig, "args", ()))[:1]
    if any(name in _FULL for name in names):
        return FULL
    if any(name in _FAILS or str(name).startswith("SQLITE_IOERR") for name in names):
        return FAILS
    return None
