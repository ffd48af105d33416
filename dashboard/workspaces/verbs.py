"""What does each verb do? It is planned against the snapshot, where everything wrong is refused,
and then run against the Session."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy.orm as sa_orm

from ..refusal import Refusal
from . import inverse, many, object_verbs, resolving, savepoints, session_verbs, states, undoing
from .request import Plan, Request, switch

LATER = ("review",)


def plan(request: Request) -> Plan:
    """Raises the Refusal for whatever is unknown, forbidden in this state or does not fit; nothing was touched then."""
    verb = request.verb
    request.snapshot.check_known()
    if verb in LATER:
        raise Refusal("not_found", f"{verb} is not there yet: it comes with a later version.")
    if verb not in _PLANS:
        raise Refusal("not_found", f"There is no verb {verb[:80]!r}.")
    forced = switch(request.arguments, "force", default=False)
    if forced and not request.sandbox:
        remedy = "Open a sandbox, and try it there."
        raise Refusal("wrong_state", "Only in a sandbox may be tried what a state forbids.", remedy=remedy)
    if verb in states.OBJECT_VERBS and not (forced and verb in states.TRIED):
        found, _ = request.object()
        allowed = states.verbs(found["state"], found["flags"])
        if verb not in allowed:
            now = states.badge(found["state"], found["flags"]) if "marked-deleted" in found["flags"] else found["state"]
            remedy = f"Allowed now: {', '.join(allowed)}." if allowed else "Commit or roll back first."
            raise Refusal("wrong_state", f"{found['ref']} is {now}; {verb} is not possible then.", remedy=remedy)
    return _PLANS[verb](request)


_PLANS: dict[str, Callable[[Request], Plan]] = {
    "objects": object_verbs.objects,
    "load": object_verbs.load,
    "load-many": many.load_many,
    "values": object_verbs.values,
    "read": object_verbs.read,
    "add": object_verbs.of_object(lambda session, obj: session.add(obj), "session.add({})"),
    "expire": object_verbs.of_object(lambda session, obj: session.expire(obj), "session.expire({})"),
    "refresh": object_verbs.of_object(lambda session, obj: session.refresh(obj), "session.refresh({})"),
    "expunge": object_verbs.of_object(lambda session, obj: session.expunge(obj), "session.expunge({})"),
    "delete": object_verbs.of_object(lambda session, obj: session.delete(obj), "session.delete({})"),
    "make-transient": object_verbs.of_object(lambda session, obj: sa_orm.make_transient(obj), "make_transient({})"),
    "merge": object_verbs.merge,
    "revert": object_verbs.revert,
    "drop": object_verbs.drop,
    "flush": session_verbs.of_session(lambda session: session.flush(), "session.flush()"),
    "commit": session_verbs.commit,
    "rollback": session_verbs.of_session(lambda session: session.rollback(), "session.rollback()"),
    "expire-all": session_verbs.of_session(lambda session: session.expire_all(), "session.expire_all()"),
    "expunge-all": session_verbs.of_session(lambda session: session.expunge_all(), "session.expunge_all()"),
    "close": session_verbs.of_session(lambda session: session.close(), "session.close()"),
    "settings": session_verbs.settings,
    "resolve": resolving.resolve,
    "inverse": inverse.inverse,
    "take-over": session_verbs.take_over,
    "savepoint": savepoints.savepoint,
    "rollback-to-savepoint": savepoints.rollback_to_savepoint,
    "undo": undoing.plan,
    "redo": undoing.plan,
}

NAMES = tuple(_PLANS)
"""Every verb that can be planned; `discard` is none of them: nothing of the workspace is needed for it."""
