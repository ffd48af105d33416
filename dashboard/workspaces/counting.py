"""How many actions were there, and how did they end? Told to telemetry, whoever asked for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from ..refusal import Refusal
from ..telemetry import own_acts
from . import verbs
from .pins import Elsewhere

_Act = TypeVar("_Act", bound=Callable[..., Any])
FAILURES = frozenset({"database_away", "store_away", "failed", "unavailable"})
"""Codes of what nobody has refused: it did not work."""
CONFLICTS = frozenset({"conflict", "stale"})
KNOWN = frozenset({*verbs.NAMES, "discard"})


def counted(act: _Act) -> _Act:
    """For `act(self, name, verb, ...)`: each call counts by its verb and its outcome."""

    @wraps(act)
    def acted(self: object, name: str, verb: str, *arguments: Any, **options: Any) -> Any:
        begun = time.perf_counter()
        try:
            done = act(self, name, verb, *arguments, **options)
        except Elsewhere:  # whoever does it counts it
            raise
        except Exception as error:
            _count(verb, error, time.perf_counter() - begun)
            raise
        _count(verb, None, time.perf_counter() - begun)
        return done

    return cast(_Act, acted)


def count_refused(verb: str) -> None:
    """Nobody does it: its transaction is held where it cannot be passed on to."""
    own_acts.action(verb if verb in KNOWN else "unknown", "refused")


def _count(verb: str, error: Exception | None, seconds: float) -> None:
    code = error.code if isinstance(error, Refusal) else ""
    outcome = "ok" if error is None else "refused" if code and code not in FAILURES else "failed"
    own_acts.action(verb if verb in KNOWN else "unknown", outcome)
    if verb == "commit" and (outcome != "refused" or code in CONFLICTS):
        own_acts.commit("conflict" if code in CONFLICTS else outcome, seconds)
