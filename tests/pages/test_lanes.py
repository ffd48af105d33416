"""Where does each checkout stand on the picture of a pool's last minute? Geometry alone, with a clock of its own."""

from datetime import UTC, datetime

import pytest

from dashboard.pages.chosen import Chosen
from dashboard.pages.holds import Hold, Life, Stretch, Wait, Watched, of_picture, of_pool
from dashboard.pages.lanes import Window, endpoints_of, in_places, key_of, lanes, stacked
from dashboard.telemetry.history import SERIES, History
from dashboard.telemetry.reading import (
    ConnectionReading,
    Counts,
    Event,
    Holder,
    Limits,
    PoolReading,
    Waiter,
)  # fmt: skip

NOW = 1_764_000_000.0
"""Of all that follows; moments are told as seconds before it."""


def iso(before):
    return datetime.fromtimestamp(NOW - before, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event(before, kind, seconds=None, detail=None, endpoint="shop.order"):
    return Event(iso(before), kind, "shop.py:41 order", endpoint, seconds, detail, 1, 1)


def connection(*events, state="idle", opened=100.0, uses=1, number=1):
    return ConnectionReading(1, number, state, iso(opened), opened, uses, None, tuple(events))


def holder(seconds, idle=None, number=1, worker=1, **more):
    return Holder(worker, seconds, "shop.order", "main", "shop.py:41 order", idle is not None, idle, "SELECT 1", 4711,
                  connection=number, **more)  # fmt: skip


def pool(*connections, holders=(), waiters=(), events=(), size=5):
    part = PoolReading("shop", "QueuePool", Limits(size, 10, size + 10, 30.0), Counts(), worker=1)
    return PoolReading(
        "shop", "QueuePool", Limits(), Counts(), (), tuple(holders), tuple(waiters), {}, tuple(connections), (),
        tuple(events), workers=(part,),
    )  # fmt: skip


def watched(*lives, holders=(), waits=(), sizes=None):
    return Watched("shop", NOW, tuple(lives), tuple(holders), tuple(waits), sizes or {}, {})


def hold(since, until, endpoint="shop.order", ended="given_back", **more):
    return Hold(1, 1, NOW - since, NOW - until, endpoint, "shop.py:41", ended, **more)


def life(*holds, number=1, opened=100.0, closed=None, known=100.0, state="idle"):
    return Life(1, number, state, NOW - opened, None if closed is None else NOW - closed, NOW - known, 1, tuple(holds))


def bars_of(*holds, overdue=30.0):
    return lanes(watched(life(*holds)), overdue).workers[0].lanes[0].bars


# what the events of a connection tell


def test_a_checkout_lasts_until_it_is_given_back():
    (one,) = of_pool(pool(connection(event(30, "checked_out"), event(20, "given_back", 10.0))), NOW).holds
    assert (one.seconds, one.endpoint, one.line) == (pytest.approx(10), "shop.order", "shop.py:41 order")
    assert (one.ended, one.is_open) == ("given_back", False)


def test_a_transaction_within_a_checkout_is_told_with_its_outcome():
    events = event(30, "checked_out"), event(29, "transaction_begun"), event(25, "transaction_ended", 4.0, "commit")
    (one,) = of_pool(pool(connection(*events, event(20, "given_back", 10.0))), NOW).holds
    (transaction,) = one.transactions
    assert (transaction.outcome, transaction.until - transaction.since) == ("commit", pytest.approx(4))


def test_a_transaction_that_nobody_ended_goes_with_its_checkout():
    events = event(30, "checked_out"), event(29, "transaction_begun"), event(20, "given_back", 10.0)
    (one,) = of_pool(pool(connection(*events)), NOW).holds
    assert one.transactions == (Stretch(pytest.approx(NOW - 29), pytest.approx(NOW - 20), "abandoned"),)


def test_what_is_held_now_reaches_to_the_present_and_knows_since_when_it_is_idle():
    told = connection(event(30, "checked_out"), event(29, "transaction_begun"), state="used")
    (one,) = of_pool(pool(told, holders=[holder(30.0, idle=12.0)]), NOW).holds
    assert (one.is_open, one.until, one.idle_since) == (True, NOW, pytest.approx(NOW - 12))
    assert one.transactions[-1].outcome is None


def test_a_checkout_whose_beginning_is_forgotten_is_known_by_its_end():
    (one,) = of_pool(pool(connection(event(20, "given_back", 15.0), uses=9)), NOW).holds
    assert one.since == pytest.approx(NOW - 35)


def test_what_a_holder_alone_tells_is_a_checkout_too():
    (one,) = of_pool(pool(connection(state="used", uses=9), holders=[holder(600.0)]), NOW).holds
    assert (one.since, one.is_open) == (pytest.approx(NOW - 600), True)


def test_a_connection_that_is_closed_ends_its_checkout():
    events = event(30, "checked_out"), event(10, "closed", None, "invalidated")
    (one,) = of_pool(pool(connection(*events, state="closed")), NOW).lives
    assert (one.closed, one.holds[0].ended) == (pytest.approx(NOW - 10), "closed")


def test_of_a_busy_connection_it_is_said_since_when_all_is_known():
    events = event(10, "checked_out"), event(9, "given_back", 1.0)
    (busy,) = of_pool(pool(connection(*events, uses=500)), NOW).lives
    (calm,) = of_pool(pool(connection(*events, uses=1)), NOW).lives
    assert (busy.known, calm.known) == (pytest.approx(NOW - 10), pytest.approx(NOW - 100))


def test_those_who_wait_and_those_who_gave_up_are_told_apart():
    waiter = Waiter(1, 4.0, "shop.cart", "shop.py:9 cart", "main")
    told = of_pool(pool(waiters=[waiter], events=[event(20, "timed_out", 30.0)]), NOW)
    assert [(one.gave_up, round(one.seconds)) for one in told.waits] == [(True, 30), (False, 4)]


def test_an_incident_is_read_like_the_present():
    told = connection(event(30, "checked_out"), event(20, "given_back", 10.0))
    picture = {
        "name": "shop",
        "holders": [{**vars(holder(5.0)), "of a later version": 1}],
        "waiters": [vars(Waiter(1, 4.0, "shop.cart", None))],
        "events": [],
        "connections": [{**vars(told), "events": [vars(one) for one in told.events]}],
    }
    now, then = of_pool(pool(told, holders=[holder(5.0)]), NOW), of_picture(picture, iso(0))
    assert [one.holds for one in then.lives] == [one.holds for one in now.lives]
    assert [one.endpoint for one in then.waits] == ["shop.cart"]


# where it stands


def test_the_minute_is_the_whole_width():
    (bar,) = bars_of(hold(45, 30))
    assert (bar.left, bar.width) == (25.0, 25.0)


def test_what_began_before_the_minute_begins_at_its_left_edge():
    (bar,) = bars_of(hold(600, 30))
    assert (bar.left, bar.width) == (0.0, 50.0)


def test_what_ended_before_the_minute_is_not_drawn():
    assert bars_of(hold(90, 61)) == ()


def test_it_is_red_from_the_moment_at_which_it_was_overdue():
    (bar,) = bars_of(hold(60, 0, ended=None), overdue=15.0)
    assert bar.is_overdue
    (red,) = (part for part in bar.parts if part.kind == "overdue")
    assert (red.left, red.width) == (25.0, 75.0)
    assert not bars_of(hold(10, 0, ended=None), overdue=15.0)[0].is_overdue


def test_it_is_hatched_while_idle_in_transaction():
    idle = hold(30, 0, ended=None, idle_since=NOW - 15, transactions=(Stretch(NOW - 24, NOW),))
    kinds = {part.kind: (part.left, part.width) for part in bars_of(idle)[0].parts}
    assert kinds == {"idle": (75.0, 25.0), "transaction": (60.0, 40.0)}
    assert "its transaction idle for 15 s" in bars_of(idle)[0].words


def test_what_is_too_short_to_be_told_apart_is_one_bar_with_its_number():
    (bar,) = bars_of(*(hold(30 - n * 0.02, 29.99 - n * 0.02) for n in range(20)))
    assert "20 checkouts of shop.order" in bar.words
    assert bar.width < 1.0
    assert len(bars_of(hold(30, 29.9), hold(20, 19.9))) == 2
    assert len(bars_of(hold(30, 10), hold(9.99, 9.98))) == 2


def test_what_goes_on_is_never_hidden_among_what_is_over():
    last = hold(0.01, 0, ended=None)
    bars = bars_of(*(hold(1 - n * 0.02, 0.99 - n * 0.02) for n in range(49)), last)
    assert bars[-1].is_open
    assert bars[-1].key == key_of(last)


def test_an_endpoint_keeps_its_colour_and_letter_while_others_come_and_go():
    names = ["a", "b", "c"]
    alone = endpoints_of(watched(life(hold(30, 20, "b"))), names)["b"]
    together = endpoints_of(watched(life(hold(30, 20, "a"), hold(19, 18, "b"))), names)["b"]
    assert alone == together
    assert (alone.hue, alone.letter) == (2, "B")
    many = endpoints_of(watched(), [f"endpoint {n:02}" for n in range(40)])
    assert {one.hue for name, one in many.items() if name} == set(range(1, 9))


def test_a_place_that_was_never_filled_is_a_lane_of_its_own():
    (worker,) = lanes(watched(life(), sizes={1: 3}), 30.0).workers
    assert [lane.state for lane in worker.lanes] == ["idle", "free", "free"]


def test_connections_that_follow_each_other_share_a_lane():
    first, second = life(number=1, opened=90, closed=40, state="closed"), life(number=3, opened=30)
    other = life(number=2, opened=90)
    assert [[one.number for one in place] for place in in_places([first, second, other])] == [[2], [1, 3]]


def test_who_waits_behind_others_stands_above_them():
    waits = [Wait(1, NOW - 10, NOW), Wait(1, NOW - 5, NOW), Wait(1, NOW - 40, NOW - 20)]
    assert [(round(NOW - wait.since), row) for wait, row in stacked(waits)] == [(40, 0), (10, 0), (5, 1)]


def test_a_crowd_that_waits_is_counted_where_it_is_not_drawn():
    waits = [Wait(1, NOW - 10 + n * 0.01, NOW) for n in range(30)]
    (worker,) = lanes(watched(waits=waits), 30.0).workers
    assert (len(worker.waiters), worker.more) == (12, 18)


def test_many_places_are_bounded_and_it_is_said_how_many_are_left_out():
    drawn = lanes(watched(*(life(number=n) for n in range(1, 201))), 30.0)
    assert (sum(len(worker.lanes) for worker in drawn.workers), drawn.left_out) == (96, 104)


def test_the_seconds_of_the_whole_pool_stand_above_its_lanes():
    series = dict.fromkeys(SERIES, (None,) * 60) | {"used_most": (None,) * 58 + (5.0, 10.0), "limit": (10.0,) * 60}
    series["waiters_most"] = (None,) * 59 + (10.0,)
    history = History("shop", "minute", 1, tuple(NOW - n for n in range(60, 0, -1)), series)
    drawn = lanes(watched(), 30.0, history=history)
    assert drawn.highest == 20
    assert [(one.used, one.waiting) for one in drawn.columns] == [(25.0, 0.0), (50.0, 50.0)]


# what was chosen


def chosen(of, key):
    return Chosen(key, "pg_stat_activity", of, 30.0)


def test_a_chosen_checkout_is_found_again_by_its_key_also_when_it_is_over():
    going_on = connection(event(40, "checked_out"), state="used")
    now = of_pool(pool(going_on, holders=[holder(40.0, stack=("shop.py:50 wait",))]), NOW)
    key = key_of(now.holds[0])
    one = chosen(now, key)
    assert one.is_overdue
    assert one.holder.stack == ("shop.py:50 wait",)
    assert one.sql.endswith("WHERE pid = 4711;")
    later = of_pool(pool(connection(event(40, "checked_out"), event(1, "given_back", 39.0))), NOW)
    assert (chosen(later, key).hold.ended, chosen(later, key).holder) == ("given_back", None)


def test_several_that_were_too_short_are_told_together():
    short = life(*(hold(30 - n * 0.02, 29.99 - n * 0.02) for n in range(5)), hold(10, 9))
    (bar, _) = lanes(watched(short), 30.0).workers[0].lanes[0].bars
    assert len(chosen(watched(short), bar.key).holds) == 5


def test_who_waits_is_told_behind_whom():
    of = of_pool(pool(holders=[holder(40.0), holder(2.0, number=2), holder(9.0, worker=2)],
                      waiters=[Waiter(1, 4.0, "shop.cart", None)]), NOW)  # fmt: skip
    key = lanes(of, 30.0).workers[0].waiters[0].key
    assert [one.seconds for one in chosen(of, key).behind] == [40.0, 2.0]


@pytest.mark.parametrize("key", ["", "x", "1-1-1", "1-wait-0-0", "9-9-9-9", "1-1-1-1; drop", "1" * 50 + "-1-1-1"])
def test_a_key_that_leads_nowhere_tells_so(key):
    one = chosen(watched(life(hold(30, 20))), key)
    assert (one.hold, one.wait, one.sql, one.title) == (None, None, None, "A checkout of before")


def test_a_checkout_that_has_just_begun_is_wide_enough_to_be_seen_and_stays_on_the_picture():
    (bar,) = bars_of(hold(0.0, 0.0, ended=None))
    assert (bar.left, bar.width, bar.is_open) == (99.6, 0.4, True)


def test_the_window_never_leaves_its_picture():
    window = Window(NOW, 30.0, {})
    assert [window.percent(NOW - before) for before in (1e9, 60, 0, -50)] == [0.0, 0.0, 100.0, 100.0]
