"""Poolhouse: an admin dashboard with live metrics for any program that uses SQLAlchemy.
Public names, resolved on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .access import Access, Person
    from .app import create_app
    from .extension import Dashboard
    from .records.told import Records

__version__ = "0.1.0"
__all__ = ["Access", "Dashboard", "Person", "Records", "create_app"]

_HOMES = {
    "Access": ".access",
    "Dashboard": ".extension",
    "Person": ".access",
    "Records": ".records.told",
    "create_app": ".app",
}


def __getattr__(name: str) -> Any:
    """PEP 562: a program that only publishes its telemetry must not load the web."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
