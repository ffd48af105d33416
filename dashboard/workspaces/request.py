"""What was asked of a workspace, and what is a verb that was found to be allowed?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config import Config
from ..records.models import Model, Models
from ..refusal import Refusal
from .image import Image
from .live import Live
from .sight import Sight
from .snapshot import Snapshot
from .values import Reading


@dataclass(frozen=True)
class Done:
    """What became of a verb. ref: the object it made or loaded. merged: the one that merge() answered.
    notice: code and message of what the person must be told. change_set: the number of what was committed at once."""

    ref: str | None = None
    merged: str | None = None
    notice: tuple[str, str] | None = None
    change_set: int | None = None


@dataclass(frozen=True)
class Plan:
    """A verb that was found to be allowed, with all that it was given understood.

    python: as a person would write it; it may name the ref only when it has run.
    touched: (model, attribute) whose values it names.
    models: what the verb is done with. reads: what else it loads or names.
    takes_over: the workspace is the actor's from now on.
    shape: makes the snapshot before, the one after and the version that was acted on into the one that is kept;
    None: the action is a step that can be undone. goes: the version whose action an undo or a redo is about.
    """

    run: Callable[[Live], Done]
    python: str | Callable[[Done], str]
    touched: tuple[tuple[str, str], ...] = ()
    models: tuple[Model, ...] = ()
    reads: tuple[Model, ...] = ()
    settings: Mapping[str, bool] | None = None
    takes_over: bool = False
    shape: Callable[[Snapshot, Snapshot, int], Snapshot] | None = None
    goes: int | None = None

    def line(self, done: Done) -> str:
        return self.python if isinstance(self.python, str) else self.python(done)


def _nothing_earlier(version: int) -> Snapshot:
    raise Refusal("stale", f"Version {version} is not kept any more.")


def _made_by_nobody(version: int) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Request:
    """One act as it was asked for. arguments: of the verb, as JSON or a form gave them.
    earlier: gives the snapshot of an earlier version. made: gives the action on the tape that made a version.
    sandbox: what a state forbids may be tried."""

    verb: str
    arguments: Mapping[str, Any]
    snapshot: Snapshot
    models: Models
    sight: Sight = field(default_factory=Sight)
    earlier: Callable[[int], Snapshot] = _nothing_earlier
    made: Callable[[int], Mapping[str, Any]] = _made_by_nobody
    config: Config = field(default_factory=Config)
    sandbox: bool = False

    def text(self, name: str) -> str:
        value = self.arguments.get(name)
        if not isinstance(value, str) or not value:
            problem = "Missing." if value in (None, "") else "Text is expected."
            raise Refusal("not_understood", f"{self.verb} needs {name}.", fields={name: problem})
        return value

    def reading(self) -> Reading:
        return Reading(self.snapshot, self.models, self.sight.hidden)

    def object(self) -> tuple[Image, Model]:
        """The object that the verb is about. Raises Refusal("forbidden") before anything of it can be told."""
        found = self.snapshot.find(self.text("ref"))
        model = self.models.find(found["model"])
        self.sight.permit(self.verb, model)
        return found, model

    def staged(self) -> tuple[Model, ...]:
        """The models of what the next flush would write, and of what the open transaction has written."""
        images = (
            image
            for image in self.snapshot.images.values()
            if image["state"] == "pending"
            or "staged" in image
            or (image["state"] == "persistent" and {"modified", "marked-deleted"} & set(image["flags"]))
        )
        return tuple(self.models.find(name) for name in dict.fromkeys(image["model"] for image in images))


def writable(model: Model) -> Model:
    if model.read_only:
        raise Refusal("forbidden", f"{model.title} cannot be written: {model.read_only}")
    return model


def switch(arguments: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = arguments.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}
    if str(value).lower() not in words:
        raise Refusal("not_understood", f"{name} is true or false.", fields={name: "true or false"})
    return words[str(value).lower()]
