"""About the page itself: its parts in every state, and the theme that a person chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from ..workspaces.states import BADGES
from . import gate, theme
from .addresses import url
from .html import page
from .keys import KEYS, Key
from .returning import came_from
from .slots import STATES

LEVELS = ("healthy", "notice", "warning", "critical")
LAMPS = ("live", "polling", "paused", "lost", "still")


@dataclass(frozen=True)
class Keys:
    keys: tuple[Key, ...] = tuple(key for _, keys in KEYS for key in keys)
    groups = KEYS


@dataclass(frozen=True)
class Components:
    """What the page of components shows one of each of."""

    badges: tuple[str, ...] = BADGES
    levels: tuple[str, ...] = LEVELS
    slots: tuple[str, ...] = STATES
    lamps: tuple[str, ...] = LAMPS

    @property
    def shown_slots(self) -> tuple[Mapping[str, str], ...]:
        return tuple({"state": state} for state in ("used",) * 3 + self.slots + ("free",) * 2)


def blueprint() -> Blueprint:
    about = Blueprint("about", __name__, url_prefix="/about")
    about.add_url_rule("/components", "components", components)
    about.add_url_rule("/keys", "keys", keys)
    about.add_url_rule("/theme", "keep_theme", keep_theme, methods=["POST"])
    return about


@gate.needs(gate.READ)
def components() -> Response:
    return page("about/components.html", Components())


@gate.needs(gate.READ)
def keys() -> Response:
    return page("about/keys.html", Keys())


@gate.needs(gate.READ)
def keep_theme() -> WerkzeugResponse:
    answer = redirect(came_from() or url("overview.index"), 303)
    theme.keep(answer, request.form.get("theme", ""))
    return answer
