"""The one live endpoint: how does an open page learn what changed, without asking for it?

A stream keeps a thread of the server, so that there are few: who gets none asks each two seconds, at `/stream/now`."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from urllib.parse import unquote

from flask import Blueprint, Response, request

from ..refusal import Refusal
from ..runtime import current
from . import gate, incidents, monitoring, overview, pools, sessions, statements
from .compressing import compressed, is_wanted
from .drawings import Drawing, Drawings, Topic
from .shell import SharedShell

TICK_SECONDS = 1.0
"""Once a second at the screen; twice a second at the source."""
POLLED_SECONDS = 0.5
TOPICS = {
    "overview": Topic("overview/_overview.html", overview.shown),
    "charts": Topic("overview/_charts.html", overview.shown, ticks=5),
    "lately": Topic("overview/_lately.html", overview.shown, ticks=2),
    "pools": Topic("pools/_pools.html", pools.all_shown),
    "pool": Topic("pools/_pool.html", pools.shown),
    "holding": Topic("pools/_holding.html", pools.shown),
    "waiting": Topic("pools/_waiting.html", pools.shown),
    "lanes": Topic("pools/_lanes.html", pools.shown),
    "checkouts": Topic("pools/_checkouts.html", pools.shown),
    "lives": Topic("pools/_lives.html", pools.shown, ticks=2),
    "hold": Topic("pools/_hold.html", pools.shown_chosen),
    "connections": Topic("pools/_connections.html", pools.shown, ticks=5),
    "history": Topic("pools/_history.html", pools.shown, ticks=5),
    "history-24h": Topic("pools/_history.html", pools.shown_by_day, ticks=30),
    "advice": Topic("pools/_advice.html", pools.shown, ticks=60),
    "lifecycle": Topic("sessions/_lifecycle.html", sessions.shown),
    "sessions": Topic("sessions/_sessions.html", sessions.shown),
    "statement": Topic("statements/_statement.html", statements.one_shown),
    "family": Topic("monitoring/_family.html", monitoring.family, ticks=2),
    "metrics": Topic("monitoring/_metrics.html", monitoring.figures, ticks=2),
    "incidents": Topic("incidents/_incidents.html", incidents.shown, ticks=5),
    "statements": Topic("statements/_statements.html", statements.shown),
}
"""By the name that a part carries as `data-live`; what stands behind a slash says which one of several."""


@dataclass(frozen=True)
class Followed:
    """One topic as a viewer named it."""

    name: str
    kind: str
    argument: str

    @property
    def topic(self) -> Topic:
        return TOPICS[self.kind]


def blueprint() -> Blueprint:
    stream = Blueprint("stream", __name__, url_prefix="/stream")
    live = Live()
    stream.add_url_rule("", "stream", live.stream)
    stream.add_url_rule("/now", "now", live.now)
    return stream


class Live:
    """What streams and polls of one mount have in common: the drawings."""

    def __init__(self) -> None:
        self.drawings = Drawings()

    @gate.needs(gate.READ)
    def stream(self) -> Response:
        """Server-sent events, one for each topic that changed; 204 where no stream is free."""
        followed, runtime = topics_of(request.args.get("topics", "")), current()
        shell = SharedShell.of_this_viewer()  # a host's Access may raise: before a place is taken
        if not request.is_multithread or not runtime.streams.enter():
            return Response(status=204)
        events = self.events(followed, shell)
        answer = Response(compressed(events) if is_wanted() else events, mimetype="text/event-stream")
        if is_wanted():
            answer.headers["Content-Encoding"] = "gzip"
        answer.vary.add("Accept-Encoding")
        answer.call_on_close(runtime.streams.leave)
        answer.headers["X-Accel-Buffering"] = "no"
        return answer

    @gate.needs(gate.READ)
    def now(self) -> Response:
        """All topics as they are now, in the stream's own words; 304 where nothing changed."""
        followed, shell = topics_of(request.args.get("topics", "")), SharedShell.of_this_viewer()
        drawings = [(each, self._drawing(each, shell, POLLED_SECONDS)) for each in followed]
        answer = Response("".join(event(each, drawing) for each, drawing in drawings), mimetype="text/event-stream")
        answer.set_etag("-".join(drawing.mark for _, drawing in drawings), weak=True)
        answer.make_conditional(request)
        return answer

    def events(
        self,
        followed: tuple[Followed, ...],
        shell: SharedShell,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
    ) -> Generator[str]:
        """At first all topics, then each one that changed, until the stream has lasted long enough: the next one passes
        the gate again, so that nobody looks on who may not any more."""
        runtime, seen, begun = shell.runtime, dict[str, str](), clock()
        yield "retry: 1000\n\n"
        while clock() - begun < runtime.config.stream_seconds and not runtime.streams.is_leaving():
            for each in followed:
                drawing = self._drawing(each, shell, TICK_SECONDS * 0.9)
                if drawing.mark != seen.get(each.name):
                    seen[each.name] = drawing.mark
                    yield event(each, drawing)
            yield ":\n\n"  # a viewer who left is noticed only by writing
            wait(TICK_SECONDS)

    def _drawing(self, each: Followed, shell: SharedShell, seconds: float) -> Drawing:
        return self.drawings.drawing(each.kind, each.argument, each.topic, shell, seconds=seconds * each.topic.ticks)


def topics_of(text: str) -> tuple[Followed, ...]:
    """`overview,pool/default`; each part is percent-encoded once more. Raises Refusal("not_understood")."""
    names = list(dict.fromkeys(name for name in text.split(",") if name))
    most = current().config.stream_topics
    if not names or len(names) > most:
        message = f"topics names the live parts to follow, 1 to {most} of them, by comma."
        raise Refusal("not_understood", message, fields={"topics": message}, remedy=f"There are {', '.join(TOPICS)}.")
    return tuple(_followed(name) for name in names)


def _followed(name: str) -> Followed:
    kind, _, argument = name.partition("/")
    if kind not in TOPICS or not name.isprintable():
        message = f"There is no topic {kind!r}."
        raise Refusal("not_understood", message, fields={"topics": message}, remedy=f"There are {', '.join(TOPICS)}.")
    return Followed(name, kind, unquote(argument))


def event(each: Followed, drawing: Drawing) -> str:
    """One server-sent event. A part that is gone says so by another name. A carriage return ends a line there too."""
    lines = drawing.html.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    data = "".join(f"data: {line}\n" for line in lines)
    return f"event: {each.name if drawing.is_there else 'gone'}\nid: {drawing.mark}\n{data}\n"
