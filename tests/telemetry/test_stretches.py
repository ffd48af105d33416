"""A history as rows for people: the most, the mean, the sum, and gaps where nobody wrote."""

from dashboard.telemetry.history import SERIES, History
from dashboard.telemetry.stretches import stretches


def history(span, step, start, **given):
    length = max(len(values) for values in given.values())
    series = {name: tuple(given.get(name, [None] * length)) for name in SERIES}
    return History("default", span, step, tuple(float(start + place * step) for place in range(length)), series)


def test_a_row_has_the_most_the_mean_and_the_sum_of_its_minute_the_latest_first():
    rows = stretches(
        history("15m", 1, 118, used_most=[1, 3, 2], checkouts=[4, 6, 8], timeouts=[0, 2, 1], wait_p95=[None, 0.5, 0.1])
    )
    assert [row.at for row in rows] == ["1970-01-01T00:02:00Z", "1970-01-01T00:01:00Z"]
    assert (rows[0].used_most, rows[0].checkouts, rows[0].timeouts, rows[0].wait_p95) == (2, 8, 1, 0.1)
    assert (rows[1].used_most, rows[1].checkouts, rows[1].timeouts, rows[1].wait_p95) == (3, 5, 2, 0.5)


def test_rates_of_a_day_are_counted_over_their_step():
    (row,) = stretches(history("24h", 60, 0, used_most=[1, 1], timeouts=[0.5, None]))
    assert row.timeouts == 30


def test_where_nobody_wrote_there_is_no_row():
    assert stretches(history("15m", 1, 60, used_most=[None, None])) == ()
