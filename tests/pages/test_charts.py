"""Are small charts, histograms and the lifecycle drawn as their numbers are? Geometry alone."""

import json
import re

import pytest

from dashboard.pages.bars import histogram
from dashboard.pages.charts import HEIGHT, WANTED, Wanted, charts, together
from dashboard.pages.happenings import happenings
from dashboard.pages.lifecycle import WAYS, lifecycle, thickness
from dashboard.pages.lifecycle_shapes import BROAD, UPRIGHT
from dashboard.pages.slots import groups
from dashboard.telemetry.digests import distribution
from dashboard.telemetry.history import SERIES, History
from dashboard.telemetry.reading import (
    Event,
    Holder,
    PoolReading,
    Reading,
    RegistryReading,
    SessionsReading,
    Slot,
    Transition,
    Waiter,
)  # fmt: skip
from dashboard.telemetry.recent import Memory
from dashboard.telemetry.sessions import TRANSITIONS

LAST = 1_764_000_000
CHECKOUTS = (Wanted("Checkouts", "a second", (("checkouts", "checkouts", 1),)),)


def history(name="shop", last=LAST, **series):
    at = tuple(float(last - n) for n in range(899, -1, -1))
    told = {each: series.get(each, (None,) * 900) for each in SERIES}
    return History(name, "15m", 1, at, told)


def points_of(path):
    return [tuple(map(float, pair)) for pair in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]


def test_the_highest_point_stands_at_the_top_and_nothing_stands_at_the_bottom():
    (chart,) = charts(history(checkouts=(0.0,) * 890 + (10.0,) * 10), CHECKOUTS)
    points = points_of(chart.lines[0].path)
    assert (points[0][1], points[-1][1]) == (HEIGHT, 0.0)
    assert (chart.highest, chart.middle, chart.lines[0].now) == ("10", "5", "10")


def test_where_nobody_wrote_the_line_is_cut():
    (chart,) = charts(history(checkouts=(1.0,) * 300 + (None,) * 300 + (1.0,) * 300), CHECKOUTS)
    assert chart.lines[0].path.count("M") == 2
    assert None in chart.lines[0].values


def test_a_record_that_has_just_begun_says_for_how_long_it_is_and_where_it_stands():
    (young,) = charts(history(checkouts=(None,) * 870 + (10.0,) * 30), CHECKOUTS)
    assert (young.known, points_of(young.lines[0].dot)) == ("30 s", [(600.0, 0.0)])
    (old,) = charts(history(checkouts=(None,) * 100 + (10.0,) * 800), CHECKOUTS)
    assert old.known == ""


def test_a_chart_of_nothing_says_so_and_draws_nothing():
    (chart,) = charts(history(), CHECKOUTS)
    assert (chart.is_empty, chart.lines[0].path, chart.lines[0].now) == (True, "", "–")


def test_the_browser_gets_the_numbers_that_are_drawn():
    for chart in charts(history(checkouts=(2.0,) * 900, wait_p95=(0.25,) * 900)):
        data = json.loads(chart.data)
        assert data["from"] + data["step"] * len(data["lines"][0]["values"]) == LAST + 1
        assert [line["name"] for line in data["lines"]] == [line.name for line in chart.lines]
        assert chart.words.startswith(chart.name)


def test_of_times_the_longest_counts_and_of_rates_the_mean():
    seconds = (0.1,) * 5 + (0.9,) + (0.1,) * 894
    by_name = {chart.name: chart for chart in charts(history(checkouts=(0.0, 2.0) * 450, wait_p95=seconds))}
    assert by_name["p95 wait"].lines[0].values[0] == 0.9
    assert by_name["Checkouts"].lines[0].values[0] == 1.0
    assert len(WANTED) == 6


def test_pools_together_add_what_is_counted_and_take_the_longest_time():
    one = history("a", checkouts=(1.0,) * 900, hold_p95=(0.5,) * 900)
    other = history("b", checkouts=(2.0,) * 900, hold_p95=(0.1,) * 900)
    both = together([one, other])
    assert (both.series["checkouts"][-1], both.series["hold_p95"][-1]) == (3.0, 0.5)
    assert both.series["errors"][-1] is None
    assert together([]) is None


def test_histories_that_were_read_on_two_sides_of_a_second_stand_on_the_same_one():
    one = history("a", last=LAST - 1, checkouts=(0.0,) * 899 + (1.0,))
    other = history("b", checkouts=(0.0,) * 898 + (2.0, None))
    assert together([one, other]).series["checkouts"][-2:] == (3.0, None)


# histograms


def test_a_bucket_with_anything_in_it_is_seen():
    row = [0] * 19
    row[3], row[10] = 100_000, 1
    drawn = histogram("Held", distribution({"hold": row}, "hold"))
    assert [bucket.count for bucket in drawn.buckets if bucket.height] == [100_000, 1]
    assert [bucket.height for bucket in drawn.buckets if bucket.count] == [100.0, 2.0]
    assert max(bucket.left + bucket.width for bucket in drawn.buckets) <= 100.01


def test_the_bucket_of_the_95th_percentile_is_marked():
    row = [0] * 19
    row[2], row[6] = 90, 10
    drawn = histogram("Held", distribution({"hold": row}, "hold"))
    assert [bucket.count for bucket in drawn.buckets if bucket.is_p95] == [10]


def test_of_what_lies_within_the_lowest_bucket_no_more_is_told_than_is_known():
    row = [0] * 19
    row[0] = 5
    drawn = histogram("Wait", distribution({"wait|ok": row}, "wait|ok"))
    assert drawn.p95 == "< 0.5 ms"
    assert drawn.buckets[0].width < 50
    assert histogram("Wait", distribution({}, "wait|ok")).mean == "–"


# the lifecycle


def reading(*counts, before="{}", seconds=10.0):
    sessions = SessionsReading(
        registries=(RegistryReading("shop", identity_map_objects=7), RegistryReading("other")),
        transitions=tuple(Transition(*each) for each in counts),
    )
    return Reading(sessions=sessions, _at=1_000.0 + seconds, _memory=Memory(1_000.0, before))


def test_every_transition_that_is_counted_has_an_arrow_on_each_drawing():
    assert {(way.before, way.after) for way in WAYS} == set(TRANSITIONS)
    for drawing in (BROAD, UPRIGHT):
        assert drawing.lines.keys() == set(TRANSITIONS)
        assert {place.state for place in drawing.places} == {state for pair in TRANSITIONS for state in pair}
        for way in WAYS:
            assert "".join(drawing.lines[way.before, way.after].words).replace("-", "").replace(" ", "") == (
                way.methods.replace(" ", "")
            )


def test_an_arrow_is_as_thick_as_its_rate():
    before = json.dumps({"transition|shop|transient|pending": 100})
    told = lifecycle(reading(("shop", "transient", "pending", 200), before=before))
    arrows = {(arrow.way.before, arrow.way.after): arrow for arrow in told.arrows}
    add, flush = arrows["transient", "pending"], arrows["pending", "persistent"]
    assert (add.rate, add.count, add.flows, add.thickness) == ("10.0", 200, True, thickness(10.0))
    assert (flush.rate, flush.flows) == ("–", False)
    assert add.thickness > flush.thickness
    assert told.in_memory == 7


def test_it_is_of_all_registries_or_of_one():
    counts = ("shop", "transient", "pending", 3), ("other", "transient", "pending", 4)
    assert lifecycle(reading(*counts)).arrows[0].count == 7
    assert lifecycle(reading(*counts), "other").arrows[0].count == 4
    assert lifecycle(reading(*counts), "nobody's").arrows[0].count == 0


@pytest.mark.parametrize("drawing", [BROAD, UPRIGHT], ids=lambda drawing: drawing.name)
def test_an_arrow_begins_and_ends_beside_its_states_and_stays_on_the_drawing(drawing):
    places = {place.state: place for place in drawing.places}
    for (before, after), line in drawing.lines.items():
        ways = re.findall(r"([MLHVCQ])([\d. ]+)", line.path)
        x = y = 0.0
        spots = []
        for kind, numbers in ways:
            *_, a, b = (0.0, *map(float, numbers.split()))
            x, y = (b, y) if kind == "H" else (x, b) if kind == "V" else (a, b)
            spots.append((x, y))
        for state, (x, y) in ((before, spots[0]), (after, spots[-1])):
            place = places[state]
            assert abs(x - place.x) <= (place.breadth or drawing.breadth) / 2 + 10, (before, after)
            assert abs(y - place.y) <= drawing.tallness / 2 + 10, (before, after)
        assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in (*spots, (line.x, line.y)))


# places and events


def held_for(seconds, idle=None):
    return Holder(1, seconds, None, "main", None, idle is not None, idle, None, None)


def test_a_place_looks_as_its_holder_is():
    slots = [Slot(1, "used"), Slot(1, "used"), Slot(1, "overflow"), Slot(1, "idle"), Slot(2, "free")]
    held = [held_for(0.1), held_for(60.0), held_for(5.0, idle=4.0)]
    first, second = groups(slots, held, [Waiter(1, 1.0, None, None)], 30.0)
    assert [slot.state for slot in first.slots] == ["overdue", "idle_in_transaction", "overflow", "idle"]
    assert (first.waiters, second.waiters) == (1, 0)


def test_what_happens_again_and_again_is_one_event():
    opened = [Event(f"2026-11-29T10:00:0{n}.000Z", "opened", None, None, None, None) for n in range(4)]
    timed = Event("2026-11-29T10:00:09.000Z", "timed_out", "shop.py:9", "shop.cart", 30.0, None)
    told = happenings(Reading(pools=(PoolReading("shop", "QueuePool", None, None, events=(*opened, timed)),)))
    assert [(one.what, one.times, one.is_wrong) for one in told] == [
        ("gave up waiting", 1, True),
        ("opened a connection", 4, False),
    ]
