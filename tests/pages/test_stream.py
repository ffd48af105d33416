"""Does an open page learn what changed, at the cost of one drawing for all who look, and of nothing once they left?"""

from __future__ import annotations

import re
import zlib
from contextlib import closing

import pytest

from dashboard.pages import stream
from dashboard.pages.compressing import compressed
from dashboard.pages.drawings import Drawing, Drawings, Topic
from dashboard.pages.shell import SharedShell
from dashboard.runtime import Streams


class Clock:
    """Time passes only where somebody waits."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def shell(app, runtime):
    return SharedShell(runtime, app.url_map.bind("localhost"), may_edit=False, may_administer=False)


@pytest.fixture
def words(monkeypatch):
    """What the one topic of these tests shows, and how often it was drawn."""
    said = {"text": "3 in use", "drawn": 0}

    def shown(runtime, argument):
        said["drawn"] += 1
        return type("Refusing", (), {"message": said["text"], "status": 409, "code": "x", "fields": {}, "remedy": ""})()

    monkeypatch.setitem(stream.TOPICS, "words", Topic("components/refusal.html", shown))
    return said


FOLLOWED = (stream.Followed("words", "words", ""),)


def events(live, shell, clock):
    return closing(live.events(FOLLOWED, shell, clock=clock, wait=clock.wait))


@pytest.fixture
def live(clock):
    live = stream.Live()
    live.drawings = Drawings(clock)
    return live


def test_a_stream_says_everything_at_first_and_then_only_what_changed(live, shell, clock, words):
    with events(live, shell, clock) as heard:
        assert next(heard) == "retry: 1000\n\n"
        assert "3 in use" in next(heard)
        assert [next(heard) for _ in range(3)] == [":\n\n"] * 3  # nothing changed: only signs of life
        words["text"] = "4 in use"
        assert "4 in use" in next(heard)


def test_two_viewers_of_a_topic_share_one_drawing_a_tick(live, shell, clock, words):
    with events(live, shell, clock) as one, events(live, shell, clock) as other:
        next(one), next(other)
        assert next(one) == next(other)
        assert words["drawn"] == 1


def test_who_may_do_more_has_a_drawing_of_his_own(live, shell, clock, words, app, runtime):
    admin = SharedShell(runtime, app.url_map.bind("localhost"), may_edit=True, may_administer=True)
    with events(live, shell, clock) as one, events(live, admin, clock) as other:
        next(one), next(other), next(one), next(other)
        assert words["drawn"] == 2


def test_a_stream_ends_so_that_the_next_one_passes_the_gate_again(live, shell, clock, words):
    with events(live, shell, clock) as heard:
        assert len(list(heard)) < 200
    assert shell.runtime.config.stream_seconds <= clock.now < shell.runtime.config.stream_seconds + 2


def test_a_stream_ends_when_its_worker_leaves(live, shell, clock, words, runtime):
    leaving = []
    runtime.streams.serve(3, lambda: bool(leaving))
    with events(live, shell, clock) as heard:
        next(heard), next(heard), next(heard)
        leaving.append(True)
        assert list(heard) == []


WITH_LIVE_PARTS = ("/", "/pools/", "/pools/default", "/pools/default?span=24h")
WITH_LIVE_PARTS += ("/sessions/", "/statements/", "/incidents/", "/monitoring/")
OF_ONE_ALONE = {"hold", "statement"}
"""Topics of a part that is only there when somebody chose a checkout or a statement."""


def test_every_part_is_drawn_for_everybody_without_a_word_about_the_viewer(browser_client, live, shell, published):
    """A part that asked who looks would fail here: SharedShell does not know."""
    names = {
        name for path in WITH_LIVE_PARTS for name in re.findall(r' data-live="([^"]+)"', browser_client.get(path).text)
    }
    for name in names:
        drawing = live._drawing(stream._followed(name), shell, 1.0)
        assert drawing.is_there, drawing.html
        assert f'data-live="{name}"' in drawing.html
    assert {name.partition("/")[0] for name in names} == stream.TOPICS.keys() - OF_ONE_ALONE


@pytest.mark.parametrize(
    "path, topic",
    [("/", "overview"), ("/pools/", "pools"), ("/pools/default", "pool/default"), ("/sessions/", "sessions")],
)
def test_paint_and_stream_draw_the_same(browser_client, published, path, topic):
    def still(html):
        return re.sub(r"\s+", " ", re.sub(r"\d+", "0", html))

    painted = browser_client.get(path).text
    heard = browser_client.get(f"/stream/now?topics={topic}").text
    streamed = "\n".join(line[6:] for line in heard.splitlines() if line.startswith("data: "))
    assert still(streamed.strip()) in still(painted)


def test_who_polls_is_told_when_nothing_changed(browser_client, words):
    first = browser_client.get("/stream/now?topics=words")
    assert first.mimetype == "text/event-stream"
    again = browser_client.get("/stream/now?topics=words", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_part_that_is_gone_says_so(browser_client):
    heard = browser_client.get("/stream/now?topics=pool/nowhere").text
    assert heard.startswith("event: gone\n")
    assert "No pool of this name" in heard


def test_a_carriage_return_in_a_part_begins_no_field_of_the_event():
    drawing = Drawing("one\revent: gone\r\ntwo", "m", 0.0)
    said = stream.event(stream.Followed("words", "words", ""), drawing)
    assert said == "event: words\nid: m\ndata: one\ndata: event: gone\ndata: two\n\n"


@pytest.mark.parametrize("topics", ["", ",", "nothing", "records/Book", ",".join(f"pool/{n}" for n in range(21))])
def test_a_topic_that_there_is_not_is_refused_in_words(script, topics):
    answer = script("viewer").get("/stream?topics=" + topics)
    assert answer.status_code == 400
    assert "overview" in answer.json["error"]["remedy"]


def test_nobody_looks_on_who_is_signed_out(script):
    assert script(None).get("/stream?topics=overview").status_code == 401
    assert script(None).get("/stream/now?topics=overview").status_code == 401


def asked(viewer, *, multithread):
    return viewer.client.get(
        "/stream?topics=words", headers=viewer.headers, environ_overrides={"wsgi.multithread": multithread}
    )


def test_at_most_a_third_of_the_threads_stream_and_the_next_one_is_told_to_poll(script, runtime, words):
    runtime.streams.serve(7, lambda: False)
    viewer = script("viewer")
    held = [asked(viewer, multithread=True) for _ in range(3)]
    assert [answer.status_code for answer in held] == [200, 200, 204]
    for answer in held:
        answer.close()
    assert runtime.streams.open == 0
    with closing(asked(viewer, multithread=True)) as answer:
        assert answer.status_code == 200


def test_a_server_with_one_thread_has_none_for_a_stream(script, runtime, words):
    runtime.streams.serve(16, lambda: False)
    answer = asked(script("viewer"), multithread=False)
    assert (answer.status_code, answer.data) == (204, b"")


def test_of_a_server_that_does_not_say_how_many_threads_it_has_only_those_seen_count():
    streams = Streams(5)
    streams.note_thread()
    assert not streams.enter()


def test_a_compressed_stream_keeps_no_event_back(live, shell, clock, words):
    unpacked = zlib.decompressobj(wbits=31)
    with closing(compressed(live.events(FOLLOWED, shell, clock=clock, wait=clock.wait))) as heard:
        said = [unpacked.decompress(next(heard)).decode() for _ in range(3)]
    assert said[0] == "retry: 1000\n\n"
    assert "3 in use" in said[1]
    assert said[2] == ":\n\n"
