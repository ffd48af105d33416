"""What does an exception of SQLAlchemy mean, and what cures it? One table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

LINK = "https://sqlalche.me/e/{version}/{code}"
_VERSION = "".join(sa.__version__.split(".")[:2])


@dataclass(frozen=True)
class Explanation:
    """Of one exception. words: what its own text must have in it; "" for any text of that class."""

    class_: type[BaseException]
    words: str
    meaning: str
    cure: str


TABLE = (
    Explanation(
        sa_orm.exc.DetachedInstanceError, "",
        "The object belongs to no Session, and what was asked for is not in memory. To load it SQLAlchemy would need a "
        "Session to send a SELECT on.",
        "Add it to a Session again (session.add) and read then; or load what is needed before the Session is closed, "
        "with selectinload, or with expire_on_commit=False.",
    ),
    Explanation(
        sa.exc.PendingRollbackError, "",
        "A flush failed earlier, and the database rolled its transaction back. The Session waits for somebody to say "
        "so before it does anything else.",
        "Call session.rollback(), then do the work again. Look for the first error: this one only follows from it.",
    ),
    Explanation(
        sa_orm.exc.StaleDataError, "",
        "An UPDATE or DELETE was sent for a row that was loaded, and it met another number of rows than expected: "
        "somebody else has deleted the row, or counted its version on.",
        "Refresh the object to see what the row is now, and change it again; or expunge it, if the row is gone.",
    ),
    Explanation(
        sa_orm.exc.ObjectDeletedError, "",
        "The object was expired, and when it was read its row was not there any more.",
        "Expunge it; or call make_transient and add it, which writes it as a new row.",
    ),
    Explanation(
        sa_orm.exc.ObjectDereferencedError, "",
        "A collection was changed whose owner nobody holds any more: Python has thrown the owner away, and the Session "
        "holds unchanged objects only weakly.",
        "Keep a variable that holds the owner as long as its collection is used.",
    ),
    Explanation(
        sa_orm.exc.UnmappedInstanceError, "",
        "What was given to the Session is no instance of a mapped class: a plain object, a row, a list, or the class "
        "itself.",
        "Give it the instance: the first column of a row (session.scalars instead of session.execute), or each member "
        "of the list (session.add_all).",
    ),
    Explanation(
        sa_orm.exc.UnmappedClassError, "",
        "The class is not mapped to a table, or its module was not imported before it was asked about.",
        "Let it inherit from the declarative base, and give it __tablename__ and a primary key.",
    ),
    Explanation(
        sa_orm.exc.FlushError, "NULL identity key",
        "An object is to be written, its primary key is empty, and neither Python nor the database makes one.",
        "Set the key; or let the column have a default, a sequence or autoincrement.",
    ),
    Explanation(
        sa_orm.exc.FlushError, "",
        "The unit of work found something that it cannot bring into an order of INSERTs, UPDATEs and DELETEs.",
        "Look at the object that is named: its key, what it points to, and what its class allows there.",
    ),
    Explanation(
        sa.exc.CircularDependencyError, "",
        "Objects point to each other in a circle, so that none of them can be written first.",
        "Set post_update=True on one of the two relationships; or write one of them without its pointer first.",
    ),
    Explanation(
        sa.exc.MultipleResultsFound, "",
        "Exactly one row was asked for (one(), one_or_none(), scalar_one()), and there are more.",
        "Narrow the condition to something unique; or ask for first(), or for all().",
    ),
    Explanation(
        sa.exc.NoResultFound, "",
        "Exactly one row was asked for (one(), scalar_one()), and there is none.",
        "Ask with one_or_none() and look whether it is None; or session.get by the key.",
    ),
    Explanation(
        sa.exc.MissingGreenlet, "",
        "With an AsyncSession something was to be loaded outside of an await: an expired attribute or a lazy "
        "relationship was read.",
        "Load it beforehand (selectinload, expire_on_commit=False), or await it: await session.refresh(obj), "
        "awaitable_attrs.",
    ),
    Explanation(
        sa.exc.ResourceClosedError, "",
        "A result, a connection or a transaction is used after it was closed.",
        "Read the result before the with block ends; begin another transaction for what comes after.",
    ),
    Explanation(
        sa.exc.UnboundExecutionError, "",
        "The Session does not know on which database to run this: it has no bind for it.",
        "Give the sessionmaker a bind, or binds with this class in it.",
    ),
    Explanation(
        sa.exc.InvalidRequestError, "is not persisted",
        "Only what is in the database can be deleted or refreshed; this object has never been flushed.",
        "A pending object is taken back with session.expunge. Nothing need be done with a transient one.",
    ),
    Explanation(
        sa.exc.InvalidRequestError, "is not persistent within this Session",
        "Expire and refresh speak of a row that this Session holds; this object is transient, pending, detached or "
        "another Session's.",
        "Add it (session.add) and flush; or load it with session.get.",
    ),
    Explanation(
        sa.exc.InvalidRequestError, "is not present in this Session",
        "Only what is in a Session can be expunged from it; this object is not in it.",
        "Nothing need be done: it is outside already.",
    ),
    Explanation(
        sa.exc.InvalidRequestError, "has been deleted",
        "The row of this object was deleted, in this transaction or in one that is committed; the object cannot be "
        "added as if it were there.",
        "Call make_transient and add it, which writes it as a new row; or roll back, if the delete is not committed.",
    ),
    Explanation(
        sa.exc.InvalidRequestError, "is already attached to session",
        "An object is in one Session at a time; this one is in another.",
        "Expunge it there first; or merge it, which makes a copy here.",
    ),
    Explanation(
        sa.exc.InvalidRequestError, "another instance with key",
        "The Session holds one object for each row (its identity map), and it holds another one for this row already.",
        "Merge this object into the one that is there; or expunge that one first.",
    ),
    Explanation(
        sa.exc.InvalidRequestError, "Could not refresh instance",
        "The object was to be loaded again, and its row is not there any more.",
        "Expunge it; or call make_transient and add it, which writes it as a new row.",
    ),
    Explanation(
        sa.exc.InvalidRequestError, "",
        "What was asked is not possible in the state in which the object, the Session or the transaction is.",
        "Look at the state badge, and at which verbs that state allows.",
    ),
    Explanation(
        sa.exc.IntegrityError, "",
        "The database refused a row because a constraint would be broken: unique, foreign key, not null or check.",
        "Correct the value of the column that is named, or write what it points to first. In a plain program the "
        "Session needs session.rollback() before it goes on.",
    ),
    Explanation(
        sa.exc.DataError, "",
        "The database understood the statement, and the value does not fit its column: too long, too large, of another "
        "type.",
        "Change the value; or widen the column.",
    ),
    Explanation(
        sa.exc.OperationalError, "",
        "The database could not do it just now: it is away, busy, locked, or out of something.",
        "Look at the pool and the database, then try again. In a plain program the Session needs "
        "session.rollback() first.",
    ),
    Explanation(
        sa.exc.ProgrammingError, "",
        "The database does not take the statement: a table or column that is not there, a wrong type, a missing right.",
        "Bring the schema up to what the models say, with a migration; or ask for the right.",
    ),
    Explanation(
        sa.exc.DBAPIError, "",
        "The database's driver refused the statement.",
        "Look at the statement on the tape, and at the first exception in the chain.",
    ),
    Explanation(
        sa.exc.StatementError, "",
        "The statement was not sent: a value could not be turned into what its column's type takes.",
        "Give the value in the type that the column has: a date for a Date, a member for an Enum.",
    ),
    Explanation(
        sa.exc.TimeoutError, "",
        "Every connection of the pool is in use, and none was given back in time.",
        "Look at the page Pools who holds them; close Sessions at the end of their work, or enlarge the pool.",
    ),
    Explanation(
        sa.exc.ArgumentError, "",
        "A function of SQLAlchemy was called with something that it does not take.",
        "Look at what the call is given; its documentation says what it takes.",
    ),
)  # fmt: skip
"""The first row whose class and words fit is the one that is told."""


def find(error: BaseException) -> Explanation | None:
    """The row of the table for this exception."""
    text = str(error.args[0]) if error.args else ""
    return next((row for row in TABLE if isinstance(error, row.class_) and row.words in text), None)


def explained(error: BaseException, clean: Callable[[str], str] = str) -> dict[str, Any]:
    """For people: SQLAlchemy's own class and words, what they mean, the cure, and SQLAlchemy's page about it.
    Empty for what is no exception of SQLAlchemy.

    clean: takes addresses out of a text. A driver's own words are never told.
    """
    behind = getattr(error, "orig", None)
    error = behind if isinstance(behind, sa.exc.SQLAlchemyError) else error
    row = find(error)
    if row is None or not isinstance(error, sa.exc.SQLAlchemyError):
        return {}
    said = "" if isinstance(error, sa.exc.StatementError) or not error.args else clean(str(error.args[0]))
    code = error.code or ""
    link = LINK.format(version=_VERSION, code=code) if code else ""
    return {"class": type(error).__name__, "said": said, "meaning": row.meaning, "cure": row.cure, "link": link}
