"""Is the history of the pools right, by the second and by the minute, and does it outlive whoever writes it?"""

from __future__ import annotations

import signal
import sqlite3

import pytest

from dashboard.refusal import Refusal
from dashboard.telemetry import history, points
from dashboard.telemetry.recorder import SECONDS
from dashboard.telemetry.rows import Row

from .waiting import until

KEY = ("host", "boot", 1, 1, 0)
OTHER = ("host", "boot", 2, 2, 0)
START = 1_700_000_000  # in the middle of a minute: at 20 s


@pytest.fixture
def table():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in points.SCHEMA:
        connection.execute(statement)
    yield points.Points(connection.execute)
    connection.close()


def row(key=KEY, **numbers):
    """A worker with one pool `shop`, 2 of 5 in use."""
    said = {
        "pools": {
            "shop": {
                "class": "QueuePool", "limits": [5, 0, 5], "used": 2, "idle": 3, "waiters": 1,
                "idle_in_transaction": 1, "numbers": numbers,
            }
        },
        "registries": {"default": {"in_transaction": 2}},
    }  # fmt: skip
    return Row(key, 1, 0.0, 0.0, history.word(said))


def buckets(seconds, count):
    """A histogram of `count` times the same."""
    place = next(place for place, bound in enumerate(SECONDS) if seconds <= bound)
    return [count if one == place else 0 for one in range(len(SECONDS) + 1)] + [seconds * count]


def read(table, now, span="15m"):
    step, kept = history.SPANS[span]
    return history.read(table.of(step, "shop", int(now) - kept - step), "shop", span, now)


def last(reading):
    return {name: values[-1] for name, values in reading.series.items()}


def test_a_point_has_gauges_rates_and_times_of_its_second(table):
    history.append(table, KEY, START, [row(checkouts=10, hold=buckets(0.02, 10))], [])
    history.append(table, KEY, START + 1, [row(checkouts=14, hold=buckets(0.02, 14))], [])
    reading = read(table, START + 1)
    now = last(reading)
    assert reading.at[-1] == START + 1
    assert (now["used"], now["idle"], now["waiters"], now["limit"], now["used_most"]) == (2, 3, 1, 5, 2)
    assert (now["sessions_in_transaction"], now["idle_in_transaction"]) == (2, 1)
    assert (now["checkouts"], now["commits"]) == (4, 0)
    assert now["hold_mean"] == pytest.approx(0.02)
    assert 0.01 <= now["hold_p50"] <= now["hold_p99"] <= 0.025
    assert now["wait_p99"] is None


def test_the_first_point_has_no_rate_and_the_span_is_whole_with_gaps(table):
    history.append(table, KEY, START, [row(checkouts=1_000)], [])
    reading = read(table, START)
    assert (len(reading.at), {len(values) for values in reading.series.values()}) == (900, {900})
    assert reading.series["checkouts"] == (None,) * 900
    assert reading.series["used"] == (*(None,) * 899, 2)
    assert set(reading.series) == set(history.SERIES)


def test_a_second_in_which_nobody_wrote_is_a_gap_and_the_next_rate_is_over_both(table):
    history.append(table, KEY, START, [row(checkouts=0)], [])
    history.append(table, KEY, START + 3, [row(checkouts=30)], [])
    assert read(table, START + 3).series["used"][-4:] == (2, None, None, 2)
    assert read(table, START + 3).series["checkouts"][-1] == 10


def test_no_rate_is_negative_when_a_restart_takes_counts_away(table):
    history.append(table, KEY, START, [row(checkouts=500, hold=buckets(0.02, 500))], [])
    history.append(table, KEY, START + 1, [row(checkouts=3, hold=buckets(0.02, 3))], [])
    now = last(read(table, START + 1))
    assert (now["checkouts"], now["hold_mean"], now["hold_p99"]) == (0, None, None)


def test_workers_add_up_and_the_dead_ones_counts_are_no_new_ones(table):
    history.append(table, KEY, START, [row(checkouts=10), row(OTHER, checkouts=90)], [])
    retired = [{"pools": {"shop": {"numbers": {"checkouts": 90}}}}]
    history.append(table, KEY, START + 1, [row(checkouts=15)], retired)
    reading = read(table, START + 1)
    assert reading.series["used"][-2:] == (4, 2)
    assert reading.series["checkouts"][-1] == 5


def test_a_minute_is_made_of_its_seconds_when_it_is_over(table):
    for second in range(-20, 101):
        one = row(checkouts=second * 7)
        history.append(table, KEY, START + second, [one], [])  # from a minute's first second on
    reading = read(table, START + 100, "24h")
    found = [value for value in reading.series["checkouts"] if value is not None]
    assert found
    assert found == pytest.approx([7.0] * len(found), rel=0.05)
    used = [value for value in reading.series["used"] if value is not None]
    assert used == [2] * len(used)
    assert (len(reading.at), reading.step, reading.at[-1] % 60) == (1440, 60, 0)


def test_what_is_older_than_its_span_is_deleted(table):
    for second in range(0, 5_000, 2):
        history.append(table, KEY, START + second, [row(checkouts=second)], [])
    assert len(table.between(1, 0, 2**40)) == 451  # of 900 s, both ends
    assert len(table.between(60, 0, 2**40)) == 83
    for step in (0, 1, 2):
        history.append(table, KEY, START + 200_000 + step, [row(checkouts=9_000)], [])
    assert table.between(60, 0, 2**40) == []


def test_a_clock_that_is_set_back_starts_anew_without_an_error(table):
    history.append(table, KEY, START + 5_000, [row(checkouts=1)], [])
    history.append(table, KEY, START, [row(checkouts=2)], [])
    history.append(table, KEY, START + 1, [row(checkouts=3)], [])
    assert last(read(table, START + 1))["checkouts"] == 1
    assert [at for at, *_ in table.between(1, 0, 2**40)] == [START, START + 1]


def test_one_process_has_the_lease_until_it_is_gone_or_silent(table):
    both = {"one", "other"}
    assert table.take_lease("history", "one", both, START, 3)
    assert not table.take_lease("history", "other", both, START + 1, 3)
    assert table.take_lease("history", "one", both, START + 2, 3)
    assert not table.take_lease("history", "other", both, START + 4, 3)
    assert table.take_lease("history", "other", both, START + 5.5, 3)  # silent for longer than the lease
    assert not table.take_lease("history", "one", both, START + 6, 3)
    assert table.take_lease("history", "one", {"one"}, START + 6, 3)  # gone


def written(ledger):
    return [at for at, used in zip(*series(ledger, "used"), strict=True) if used is not None]


def series(ledger, name):
    reading = ledger.history("shop")
    return reading.at, reading.series[name]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_the_history_goes_on_when_its_writer_is_killed_or_paused(start, ledger, number):
    one, other = start(2)
    until(lambda: written(ledger))
    with ledger._member.rows.writing() as transaction:
        process = transaction.points._execute("SELECT process FROM lease").fetchone()[0]
    writer = one if f",{one.pid}," in process else other
    before = written(ledger)[-1]
    if number == signal.SIGKILL:
        writer.kill()
    else:
        writer.signal(signal.SIGSTOP)
    until(lambda: written(ledger)[-1] > before + 1)
    with ledger._member.rows.writing() as transaction:
        after = transaction.points._execute("SELECT process FROM lease").fetchone()[0]
    assert after != process


def test_what_programs_do_is_in_the_history_and_a_deleted_ledger_starts_a_new_one(start, ledger):
    (program,) = start()
    until(lambda: written(ledger))
    program.ask("work 50")
    until(lambda: any(commits for commits in series(ledger, "commits")[1]))
    for path in ledger.folder.glob("ledger*"):
        path.unlink()
    until(lambda: len(written(ledger)) >= 2)
    rates = [value for name in history.COUNTERS for value in series(ledger, name)[1] if value is not None]
    assert rates
    assert min(rates) >= 0


def test_any_other_span_is_refused_and_an_unknown_pool_is_all_gaps(ledger):
    with pytest.raises(Refusal) as refused:
        ledger.history("shop", span="1y")
    assert refused.value.code == "not_understood"
    assert set(ledger.history("nobody", span="24h").series["used"]) == {None}
