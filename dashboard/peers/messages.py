"""What do two workers say to each other? An action, signed with the dashboard's key, and what became of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

from itsdangerous import BadSignature, TimestampSigner

from ..refusal import Refusal
from ..workspaces.cascading import Cascade
from ..workspaces.foreign import Listener
from ..workspaces.registry import Outcome, View
from ..workspaces.review import Review

SALT = "poolhouse.peers"


@dataclass(frozen=True)
class Errand:
    """One action on a workspace, already authenticated and permitted.

    to: the pin of the holder it is for. until: seconds since the epoch, after which nobody waits for its answer.
    version: of the workspace as it was when this was sent; so one that is sent twice is done once.
    endpoint: of the request, as telemetry knows it.
    """

    to: str
    until: float
    workspace: str
    verb: str
    arguments: Mapping[str, Any]
    version: int
    actor: str
    role: str
    endpoint: str


class Seal:
    """Signs what is said, and takes only what was signed with the same key within the last seconds."""

    def __init__(self, key: str, seconds: float) -> None:
        self._signer = TimestampSigner(key, salt=SALT, digest_method=hashlib.sha256)
        self._seconds = int(seconds) + 1

    def close(self, errand: Errand) -> bytes:
        return self._signer.sign(json.dumps(asdict(errand)).encode())

    def open(self, sealed: bytes) -> Errand | None:
        """None for what nobody of ours has signed, or too long ago."""
        try:
            said = json.loads(self._signer.unsign(sealed, max_age=self._seconds))
            return Errand(**said)
        except (BadSignature, ValueError, TypeError):
            return None


REVIEW = "review"
"""An errand that asks what a commit would do, and does nothing."""
MOVED = b'{"moved": true}'
"""The answer of a worker that does not hold the transaction (any more)."""


class ViewThere(View):
    """A workspace as another worker drew it. as_json: what it said, which is read only when somebody asks for a part
    of it: most who pass an action on only pass its answer on as well."""

    as_json: bytes

    def __init__(self, as_json: bytes) -> None:
        object.__setattr__(self, "as_json", as_json)

    def __getattr__(self, name: str) -> Any:
        if name not in _FIELDS:
            raise AttributeError(name)
        for key, value in json.loads(self.as_json).items():
            object.__setattr__(self, key, tuple(value) if isinstance(value, list) else value)
        return self.__dict__[name]


_FIELDS = frozenset(each.name for each in fields(View))


def answer(outcome: Outcome) -> bytes:
    """A line with all but the view, then the view."""
    said = {each.name: getattr(outcome, each.name) for each in fields(outcome) if each.name != "draws"}
    view = {name: getattr(outcome.view, name) for name in _FIELDS}
    return b"\n".join(json.dumps(each, default=_plain).encode() for each in ({"outcome": said}, view))


def reviewed(review: Review) -> bytes:
    said = {each.name: getattr(review, each.name) for each in fields(review)}
    return json.dumps({"review": said}, default=_plain).encode()


def refused(refusal: Refusal) -> bytes:
    said = {each.name: getattr(refusal, each.name) for each in fields(refusal)}
    return json.dumps({"refusal": said}, default=_plain).encode()


def understood(said: bytes) -> Outcome | Review | None:
    """What the other worker answered. None: it does not hold the transaction. Raises its Refusal."""
    line, _, view = said.partition(b"\n")
    found = json.loads(line)
    if "refusal" in found:
        raise Refusal(**found["refusal"])
    if "review" in found:
        return _review(found["review"])
    if "outcome" not in found:
        return None
    return Outcome(draws=lambda: ViewThere(view), **found["outcome"])


def _review(said: Mapping[str, Any]) -> Review:
    found: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}
    cascades = tuple(Cascade(**each) for each in found["cascades"])
    listeners = tuple(Listener(**each) for each in found["listeners"])
    return Review(**{**found, "cascades": cascades, "listeners": listeners})


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be said to another worker")
