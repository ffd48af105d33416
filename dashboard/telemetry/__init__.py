"""What happened and what is happening in this program's pools and Sessions?
Listens to SQLAlchemy; knows no web and no metrics library.

>>> from dashboard.telemetry import watch, watch_sessions  # installed: from poolhouse.telemetry
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .lines import set_keep as set_stacks
    from .scopes import scope, set_scope_reader
    from .watching import Watch, unwatch, watch, watch_sessions

_HOMES = {
    "Watch": ("watching", "Watch"),
    "watch": ("watching", "watch"),
    "watch_sessions": ("watching", "watch_sessions"),
    "unwatch": ("watching", "unwatch"),
    "scope": ("scopes", "scope"),
    "set_scope_reader": ("scopes", "set_scope_reader"),
    "set_stacks": ("lines", "set_keep"),
}

__all__ = ["Watch", "scope", "set_scope_reader", "set_stacks", "unwatch", "watch", "watch_sessions"]


def __getattr__(name: str) -> Any:
    """PEP 562: each name is fetched when it is first used."""
    try:
        module, attribute = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(import_module(f".{module}", __name__), attribute)
    globals()[name] = value
    return value
