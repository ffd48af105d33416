"""What is known of an action that failed: its statement, its objects, and what a look at the database can tell?"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

import sqlalchemy as sa

from . import tape
from .constraints import Suspect, suspects
from .live import Live
from .request import Request
from .sent import Held, Named, Sent, hold, named, read_by, sent_by
from .tape import Recording

log = logging.getLogger(__name__)

LOOKS = 4  # SELECTs that may be sent to tell which row is missing
_INSTANCE = re.compile(r"'?<([\w.]+)(?: object)? at 0x([0-9A-Fa-f]+)>'?")
_IDENTITY = re.compile(r"\(<class '(?:[\w.<>]*\.)?(\w+)'>, \(([^()]*)\), [^()]*\)")
_CLASS = re.compile(r"<class '(?:[\w.<>]*\.)?(\w+)'>")
_ADDRESS = re.compile(r" ?(?:at )?0x[0-9A-Fa-f]+")
_READING = (
    "sqlalchemy.engine",
    "sqlalchemy.sql.sqltypes",
    "sqlalchemy.sql.type_api",
    "sqlalchemy.dialects",
    "sqlalchemy.processors",
    "sqlalchemy.cyextension",
)
_SENDING = ("sqlalchemy.engine.base", "sqlalchemy.engine.default")  # a host's listener may raise there


class Case:
    """One action, from its beginning; `watch` is told of every statement that fails, `close` keeps what a rollback
    forgets."""

    def __init__(self, live: Live, request: Request, made: Recording) -> None:
        self.request = request
        self._live = live
        self._made = made
        self._snapshot = live.snapshot
        self._sent: Sent | None = None
        self.was_check = False
        self._objects: dict[int, tuple[object, Held]] = {}

    def watch(self, context: sa.ExceptionContext) -> None:
        """Called inside the driver's error; nothing in here may become a second one."""
        try:
            self.was_check = bool(self._made.why)
            held = [held for _, held in self._all().values()]
            before = [statement["sql"] for statement in self._made.statements]
            self._sent = sent_by(context, self.request.models, held, before)
        except Exception:
            log.exception("what a failed statement sent cannot be told")

    def close(self) -> None:
        """Before the workspace is set back: who is who, while that can be told."""
        try:
            self._objects = self._all()
        except Exception:
            log.exception("the objects of a failed action cannot be told")

    def _all(self) -> dict[int, tuple[object, Held]]:
        """Every object of the board and of the Session, and what came in this action, by its address."""
        live, session = self._live, self._live.session
        every = [*live.board.objects.values(), *(obj for obj, _, _ in self._made.moves)]
        if session is not None:
            every += [*session._new.values(), *session.identity_map.values(), *session._deleted.values()]
        found = {}
        for obj in {id(obj): obj for obj in every}.values():
            held = hold(obj, live.board.ref(obj), self.request.models, session)
            if held is not None:
                found[id(obj)] = (obj, held)
        return found

    @property
    def dialect(self) -> sa.Dialect:
        return self._live.registry.main.engine.dialect

    def asked(self) -> str:
        """The record that the action was asked to read, as `Model:key` or its ref; "" for none."""
        arguments = self.request.arguments
        ref, model, key = arguments.get("ref"), arguments.get("model"), arguments.get("key")
        if isinstance(ref, str) and ref in self._snapshot.images:
            return ref
        return f"{model}:{key}"[:80] if isinstance(model, str) and isinstance(key, str) else ""

    def suspects(self) -> list[Suspect]:
        """What the flush was to write, as it was staged."""
        return list(suspects(self._snapshot, self.request.models))

    def marked(self) -> Iterator[str]:
        """The refs that are marked to be deleted."""
        for ref, image in self._snapshot.images.items():
            if "marked-deleted" in image["flags"]:
                yield ref

    def sent(self, error: BaseException) -> Sent | None:
        """The statement that this error is of, as far as it is known."""
        original = getattr(error, "orig", None) or error
        return self._sent if self._sent is not None and self._sent.error in (original, error) else None

    def unread(self, error: BaseException) -> Sent | None:
        """The SELECT whose rows could not be turned into Python's values, if it is that."""
        sent = self.sent(error)
        if sent is not None:
            return sent if sent.fetching and sent.kind == "select" else None
        execution = self._made.context
        if getattr(execution, "compiled", None) is None or not _is_of_reading(error.__traceback__):
            return None
        found = read_by(error, execution)
        return found if found.kind == "select" else None

    def named(self, sent: Sent) -> list[Named]:
        return [each for row in sent.rows for each in named(sent, row, self.request.models)]

    def find(self, text: str) -> list[Held]:
        """The objects whose addresses a message of the ORM tells, in its order."""
        held = (self._objects.get(int(address, 16)) for _, address in _INSTANCE.findall(text))
        return [each[1] for each in held if each is not None]

    def clean(self, text: str) -> str:
        """A message without addresses of memory: its objects by their refs, its classes by their names."""

        def ref(found: re.Match[str]) -> str:
            known = self._objects.get(int(found[2], 16))
            return known[1].ref if known is not None else f"a {found[1].rpartition('.')[2]}"

        text = _IDENTITY.sub(lambda found: f"{found[1]} ({found[2].rstrip(',')})", _INSTANCE.sub(ref, text))
        return _ADDRESS.sub("", _CLASS.sub(lambda found: found[1], text))

    def missing(self, wanted: list[tuple[sa.Table, Mapping[sa.Column[Any], Any]]]) -> list[bool | None]:
        """For each row that was pointed to, whether it is not in the database now; None where that is not known.
        Asked when the failed transaction is over."""
        answers: list[bool | None] = [None] * len(wanted)
        engine = self._live.registry.main
        if engine.shared or self._live.holds_connection() or len(wanted) > LOOKS:
            return answers
        token = tape.current.set(None)  # our own question is none of the action's statements
        try:
            with engine.engine.connect() as connection:
                for number, (table, values) in enumerate(wanted):
                    where = [column == value for column, value in values.items()]
                    found = connection.execute(sa.select(sa.literal(1)).select_from(table).where(*where).limit(1))
                    answers[number] = found.first() is None
        except Exception as error:  # a guess less: the refusal stands without it
            log.debug("which row is missing cannot be asked: %s", type(error).__name__)
        finally:
            tape.current.reset(token)
        return answers


def _is_of_reading(trace: TracebackType | None) -> bool:
    """Whether the last of SQLAlchemy's own code that ran is what turns a row into Python's values."""
    last = ""
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        last = name if name.startswith("sqlalchemy.") else last
        trace = trace.tb_next
    return last.startswith(_READING) and last not in _SENDING
