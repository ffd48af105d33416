"""In which state is an object, which badge is drawn for it, and which verbs does that state allow?"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy.orm as sa_orm
from sqlalchemy.orm.base import PASSIVE_NO_RESULT

STATES = ("transient", "pending", "persistent", "deleted", "detached")
"""SQLAlchemy's five, of which an instance is always in exactly one."""

_ASKED = ("persistent", "pending", "detached", "transient", "deleted")

FLAGS = ("modified", "expired", "marked-deleted")

BADGES = ("transient", "pending", "persistent", "modified", "expired", "deleted", "detached")
"""In the order in which the counts of a workspace are shown."""

VERBS = {
    "transient": ("values", "add", "merge", "drop"),
    "pending": ("values", "expunge", "merge"),
    "persistent": ("values", "read", "expire", "refresh", "expunge", "delete", "merge"),
    "modified": ("values", "read", "expire", "refresh", "expunge", "delete", "merge", "revert"),
    "marked-deleted": ("add", "expunge"),
    "deleted": (),
    "detached": ("values", "read", "add", "merge", "make-transient"),
}
"""Which verbs of an object are allowed in which state; `modified` and `marked-deleted` (its delete is not yet flushed)
are persistent."""

OBJECT_VERBS = (
    "values", "add", "read", "expire", "refresh", "expunge", "delete", "merge", "make-transient", "revert", "drop",
)  # fmt: skip

TRIED = ("values", "add", "read", "expire", "refresh", "expunge", "delete", "merge", "make-transient")
"""Those that are calls of SQLAlchemy: in a sandbox they may be tried in any state."""


def badge(state: str, flags: Collection[str]) -> str:
    """The one badge of an object: the first that matches.

    >>> badge("persistent", {"modified", "expired"})
    'modified'
    >>> badge("persistent", {"marked-deleted", "modified"})
    'deleted'
    """
    if state in ("transient", "detached"):
        return state
    if state == "deleted" or "marked-deleted" in flags:
        return "deleted"
    if state == "pending":
        return state
    for flag in ("modified", "expired"):
        if flag in flags:
            return flag
    return "persistent"


def verbs(state: str, flags: Collection[str]) -> tuple[str, ...]:
    """The verbs that the state allows.

    >>> verbs("persistent", {"marked-deleted"})
    ('add', 'expunge')
    """
    if state != "persistent":
        return VERBS[state]
    if "marked-deleted" in flags:
        return VERBS["marked-deleted"]
    return VERBS["modified" if "modified" in flags else state]


def state_of(state: sa_orm.InstanceState[Any]) -> str:
    """SQLAlchemy's own answer, asked first for what most objects are."""
    return next(name for name in _ASKED if getattr(state, name))


def flags_of(state: sa_orm.InstanceState[Any], marked: bool, ignored: Iterable[str] = ()) -> tuple[str, ...]:
    """The flags of an instance, in the order of FLAGS. Sends no SQL.

    marked: whether its Session has it in `deleted`. ignored:
    attributes that are expired only because a snapshot could not keep them.
    """
    flags = []
    if is_modified(state):
        flags.append("modified")
    if is_expired(state, ignored):
        flags.append("expired")
    if marked:
        flags.append("marked-deleted")
    return tuple(flags)


def is_modified(state: sa_orm.InstanceState[Any]) -> bool:
    """`session.is_modified`, which asks each attribute's history,
    or a change queued for a collection that is not loaded."""
    if not state.modified:
        return False
    if any(p.added_items or p.deleted_items for p in state.__dict__.get("_pending_mutations", {}).values()):
        return True
    return any(
        was is PASSIVE_NO_RESULT  # one-to-one, set unloaded: SQLAlchemy's history would ask the database
        or state.get_history(key, sa_orm.PassiveFlag.NO_CHANGE).has_changes()
        for key, was in tuple(state.committed_state.items())
    )


def is_expired(state: sa_orm.InstanceState[Any], ignored: Iterable[str] = ()) -> bool:
    """A column attribute that the next access loads again; one that is deferred by its mapping does not count."""
    if not state.expired_attributes:
        return False
    expired = state.expired_attributes.difference(ignored) if ignored else state.expired_attributes
    return any(prop.key in expired and not prop.deferred for prop in state.mapper.column_attrs)
