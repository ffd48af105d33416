"""What must be said by who lays a Session aside and makes it anew, so that only what somebody asked for is counted?"""

from __future__ import annotations

from typing import Any

from .sessions import EXPIRED, GONE, UNUSED


def laid_aside(session: Any, *, wrote: bool) -> None:
    """Before a Session is closed for good: it is no longer among those that live, though a traceback may hold it until
    the garbage collector comes.

    wrote: its transaction has sent what its end takes back. One that never reached the database was nobody's and is
    not counted; after mere reading it is `released`.
    """
    session.__dict__[GONE] = True
    transaction = session.get_transaction()
    if transaction is not None:
        outcome = "rollback" if wrote else "released" if transaction._connections else UNUSED
        transaction.__dict__.setdefault("_poolhouse", outcome)


def made_anew(state: Any, *, expired: bool) -> None:
    """A persistent object stands in its Session again as it did before. expired: it had been counted as that."""
    state.__dict__[EXPIRED] = expired
