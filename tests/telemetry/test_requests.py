"""What one request, job or command did is added up; endpoints and statements have rows of their own, within bounds."""

from __future__ import annotations

import json
import threading
import time

import pytest
import sqlalchemy as sa

from dashboard.config import Config
from dashboard.telemetry import scope
from dashboard.telemetry.snapshot import own
from dashboard.telemetry.tables import CHARACTERS_REMEMBERED, ENDPOINTS, FINGERPRINTS, LONG, fingerprint_of
from dashboard.telemetry.watches import LIFE, STATEMENT_TEXT, records_of
from dashboard.telemetry.watching import active


@pytest.fixture
def said(name):
    return lambda: own(Config())["pools"][name]


def run(engine, *statements):
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def test_an_endpoint_has_its_holds_statements_and_requests(engine, said):
    with scope("shop.report"):
        run(engine, "SELECT 1", "SELECT 2")
        run(engine, "SELECT 3")
    run(engine, "SELECT 4")
    numbers = said()["numbers"]
    holds, seconds, waited, requests = numbers["endpoint|shop.report"]
    assert (holds, waited, requests) == (2, 0, 1)
    assert seconds > 0
    assert numbers["endpoint|__none__"][0] == 1
    assert numbers["endpoint statements|shop.report"][0] == 3
    assert numbers["endpoint statements|__none__"][0] == 1


def test_a_request_is_counted_once_when_it_ends(engine, said):
    with scope("shop.report"):
        run(engine, *["SELECT 1"] * 3)
        assert "request statements" not in said()["numbers"]
    numbers = said()["numbers"]
    assert numbers["request statements"][:4] == [0, 0, 1, 0]
    assert numbers["request statements"][-1] == 3
    assert sum(numbers["request seconds"][:-1]) == 1


def test_one_statement_with_other_values_is_one_row_with_its_endpoints(engine, said):
    for endpoint in ("a", "b"):
        with scope(endpoint):
            run(engine, "SELECT 1 WHERE 1 IN (1, 2)", "SELECT 1 WHERE 1 IN (1, 2, 3)")
    (text,) = said()["statements"]
    rows = {row["statement"]: row for row in json.loads(text)}
    assert list(rows) == ["SELECT # WHERE # IN (…)"]
    (row,) = rows.values()
    assert (row["operation"], row["endpoints"]) == ("select", {"a": 2, "b": 2})


def test_statements_of_all_threads_add_up_also_of_those_that_have_ended(engine, said):
    threads = [threading.Thread(target=run, args=(engine, "SELECT 1")) for _ in range(3)]
    for thread in threads:
        thread.start()
        thread.join()
    run(engine, "SELECT 1")
    assert sum(said()["numbers"]["statement|select"][:-1]) == 4


def test_endpoints_past_the_bound_count_together_and_nothing_is_lost(engine, said):
    for number in range(ENDPOINTS + 5):
        with scope(f"endpoint {number}"):
            run(engine, "SELECT 1")
    numbers = said()["numbers"]
    found = {key for key in numbers if key.startswith("endpoint|")}
    assert len(found) == ENDPOINTS + 1
    assert numbers["endpoint|__other__"][0] == numbers["endpoint statements|__other__"][0] == 5
    assert sum(said()["endpoints"].values()) == 0


def test_statements_past_the_bound_count_together_and_nothing_is_lost(engine, said):
    with engine.connect() as connection:
        for number in range(FINGERPRINTS + 7):
            connection.exec_driver_sql(f"SELECT 1 AS c{number}")
    numbers = said()["numbers"]
    assert sum(numbers["statement|select"][:-1]) == FINGERPRINTS + 7
    assert numbers["endpoint statements|__none__"][0] == FINGERPRINTS + 7
    (shown,) = said()["statements"]
    assert len(json.loads(shown)) == Config().statements_shown


def test_batches_of_every_size_are_one_statement_and_their_texts_are_not_kept(engine, name, said):
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE batch (a TEXT, b TEXT)")
        for size in range(1, 2_000, 19):
            rows = ", ".join(f"('a {size} {row}', 'it''s {row}')" for row in range(size))
            connection.exec_driver_sql(f"INSERT INTO batch (a, b) VALUES {rows}")
    told = [one for text in said()["statements"] for one in json.loads(text) if one["operation"] == "insert"]
    assert {one["statement"] for one in told} == {
        "INSERT INTO batch (a, b) VALUES (…)",
        "INSERT INTO batch (a, b) VALUES (…), …",
    }
    assert sum(sum(one["row"][:-1]) for one in told) == len(range(1, 2_000, 19))
    (watch,) = (one for one in active if one.name == name)
    kept = [len(text) for texts in watch.local.statements.values() for text in texts]
    assert max(kept) <= LONG
    assert sum(kept) <= CHARACTERS_REMEMBERED + LONG
    lives = [record.__dict__[LIFE] for record in records_of(engine.pool)]
    assert [hold[STATEMENT_TEXT] for life in lives for hold in life.holds if isinstance(hold, list)] == [None]


@pytest.mark.parametrize("ended", ["')", "", "'", "', 'half"])
def test_of_a_statement_of_megabytes_only_its_beginning_is_read_and_no_value_is_shown(ended):
    rows = ", ".join(f"({row}, 'a secret (of {row}) it''s')" for row in range(100_000))
    began = time.perf_counter()
    fingerprint = fingerprint_of(f"INSERT INTO t (a, b) VALUES {rows}, (1, 'x{ended}")
    assert time.perf_counter() - began < 0.5
    assert fingerprint.startswith("INSERT INTO t (a, b) VALUES (…)")
    assert "secret" not in fingerprint


def test_a_connection_that_goes_to_another_thread_counts_there_without_loss(engine, said):
    connection = engine.connect()
    thread = threading.Thread(target=lambda: connection.execute(sa.text("SELECT 1")))
    thread.start()
    thread.join()
    connection.execute(sa.text("SELECT 1"))
    connection.close()
    assert sum(said()["numbers"]["statement|select"][:-1]) == 2


def test_an_overdue_hold_is_a_leak_once_and_its_line_is_known(engine, name):
    config = Config(overdue_seconds=0.0)
    with engine.connect():
        for _ in range(3):
            said = own(config)["pools"][name]
        assert said["numbers"]["leaks|overdue"] == 1
        (leak,) = said["leaks"]
        assert leak["kind"] == "overdue"
        assert leak["line"].startswith("tests/telemetry/test_requests.py:")
