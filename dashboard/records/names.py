"""What are models called where several databases are looked at, some of which may be away?"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from . import keys
from .models import Database, Index, Model, Models

LOOK_AGAIN_SECONDS = 10.0
"""So long after a look that found nothing, a database is looked at again."""


def named_apart(
    databases: Mapping[str, Database], seconds: float, clock: Callable[[], float] = time.monotonic
) -> Mapping[str, Database]:
    """The same databases, where a model's name that two of them share has `DATABASE.` in front in both.

    Nothing is looked for before a model is asked for; then the models of all of them are. One that is away, or says
    nothing for so many seconds, keeps nobody from the others: until it answers its names count as not shared.
    """
    if len(databases) < 2:
        return databases
    neighbours = Neighbours(databases, seconds, clock)
    return {name: replace(each, models=NamedApart(each, neighbours)) for name, each in databases.items()}


class NamedApart(Models):
    """The models of one database, called so that the neighbours' are told from them."""

    def __init__(self, database: Database, neighbours: Neighbours) -> None:
        super().__init__()
        self._database, self._neighbours = database, neighbours
        self._heard: frozenset[str] = frozenset()

    @property
    def are_known(self) -> bool:
        return self._database.models.are_known

    def index(self) -> Index:
        own = self._database.models.index()
        heard = self._neighbours.heard(self._database.name)
        with self._lock:
            if self._found is None or heard != self._heard:
                shares = Counter(name for each in heard for name in self._neighbours.names(each))
                shared = {name for name in own.by_name if shares[name]}
                self._found, self._heard = Index.of(_prefixed(self._database, shared)), heard
            return self._found


@dataclass(frozen=True)
class _Look:
    """One try to find the models of one database. until: when those that wait for it go on without."""

    over: threading.Event
    until: float
    again: float


class Neighbours:
    """Whose models are known? Those that are not are looked for in threads of their own: a server that is away may
    keep who asks it waiting for as long as its driver likes."""

    def __init__(self, databases: Mapping[str, Database], seconds: float, clock: Callable[[], float]) -> None:
        self._databases, self._seconds, self._clock = databases, seconds, clock
        self._looks: dict[str, _Look] = {}
        self._guard = threading.Lock()

    def heard(self, besides: str) -> frozenset[str]:
        """The other databases whose models are known now. Only the first look at one is waited for."""
        others = {name: each.models for name, each in self._databases.items() if name != besides}
        looks = [self._look(name, models) for name, models in others.items() if not models.are_known]
        for look in looks:
            look.over.wait(max(0.0, look.until - self._clock()))
        return frozenset(name for name, models in others.items() if models.are_known)

    def names(self, database: str) -> Iterator[str]:
        """Of one that was heard."""
        return iter(self._databases[database].models.index().by_name)

    def _look(self, name: str, models: Models) -> _Look:
        with self._guard:
            now, last = self._clock(), self._looks.get(name)
            if last is not None and (now < last.again or not last.over.is_set()):
                return last
            until = now + self._seconds if last is None else now
            look = self._looks[name] = _Look(threading.Event(), until, now + LOOK_AGAIN_SECONDS)
        given = (_try, models, look.over)
        context = contextvars.copy_context()  # a host's models may need its app's
        threading.Thread(target=context.run, args=given, name="poolhouse-names", daemon=True).start()
        return look


def _try(models: Models, over: threading.Event) -> None:
    try:
        with suppress(Exception):  # whoever asks for these very models is told why not
            models.index()
    finally:
        over.set()


def _prefixed(database: Database, shared: set[str]) -> Iterator[Model]:
    """Models whose names stay are the same objects: some are compared by identity."""
    prefix = keys.encode([database.name])
    names = {name: f"{prefix}.{name}" for name in shared}
    for model in database.models:
        if model.name not in shared and not any(each.target in shared for each in model.relationships):
            yield model
            continue
        related = (replace(each, target=names.get(each.target, each.target)) for each in model.relationships)
        yield replace(model, name=names.get(model.name, model.name), relationships=tuple(related))
