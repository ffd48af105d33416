"""Which error was the first, after which a Session wants a rollback? Its class, statement and line; never its words,
which may hold values."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from .lines import inside, line_of
from .tables import fingerprint_of

FRAMES = 200
CHARACTERS = 4_000


def first_error(transaction: Any) -> BaseException | None:
    """The error that SQLAlchemy keeps with a transaction that it has rolled back within a flush."""
    while transaction is not None:
        error: BaseException | None = getattr(transaction, "_rollback_exception", None)
        if error is not None:
            return error
        transaction = transaction._parent
    return None


def said_of(error: BaseException | None, endpoint: str | None) -> dict[str, Any] | None:
    """{"error", "statement", "endpoint", "line"}; None without an error."""
    if error is None:
        return None
    statement = error.statement if isinstance(error, sa.exc.StatementError) else None
    return {
        "error": type(error).__name__,
        "statement": fingerprint_of(statement)[:CHARACTERS] if statement else None,
        "endpoint": endpoint,
        "line": line_of(place_of(error)),
    }


def place_of(error: BaseException) -> Any:
    """The innermost line of the program that called SQLAlchemy, as a Place of `lines`. Below it may lie a driver."""
    called, last, traceback = None, None, error.__traceback__
    for _ in range(FRAMES):
        if traceback is None:
            break
        code = traceback.tb_frame.f_code
        if inside[code.co_filename]:
            called = last or called
            last = None
        else:
            last = (code, traceback.tb_lasti)
        traceback = traceback.tb_next
    return called or last
