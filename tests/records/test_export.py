"""Does an export cost nothing more, once nobody wants the rest of it?"""

from __future__ import annotations

import json

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.config import Config
from dashboard.records.export import export
from dashboard.records.listing import Asked, listing
from dashboard.records.models import Models
from tests.records.library import EVERYTHING, SECRET

DIGITS = "CREATE TABLE digit (n INTEGER PRIMARY KEY)"
HUNDRED_MEGABYTES = "CREATE VIEW page AS SELECT a.n, REPEAT('x', 10000) AS text FROM digit a, digit b, digit c, digit d"


def sent_by(engine):
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SHOW GLOBAL STATUS LIKE 'Bytes_sent'").one()[1])


def test_a_server_does_not_send_the_rest_of_an_export_that_nobody_reads(mariadb_url):
    engine = sa.create_engine(mariadb_url)
    with engine.begin() as connection:
        for statement in (DIGITS, HUNDRED_MEGABYTES):
            connection.exec_driver_sql(statement)
        connection.execute(sa.text("INSERT INTO digit VALUES (:n)"), [{"n": n} for n in range(10)])
    models, before = Models.reflected(engine), sent_by(engine)
    with sa_orm.Session(engine) as session:
        made = export(session, models.find("page"), models, EVERYTHING, Asked(), Config(), SECRET)
        parts = made.written("csv")
        assert next(parts).startswith(b"n,text\r\n0,xx")
        parts.close()
        assert sent_by(engine) - before < 50_000_000
        assert session.scalar(sa.text("SELECT count(*) FROM digit")) == 10
    assert engine.pool.checkedout() == 0
    engine.dispose()


IDLE = "SELECT current_setting('idle_in_transaction_session_timeout')"


def test_postgresql_ends_the_transaction_of_who_stops_reading(postgresql_url):
    engine = sa.create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE page AS SELECT n FROM generate_series(1, 3000) n")
        connection.exec_driver_sql("ALTER TABLE page ADD PRIMARY KEY (n)")
    models = Models.reflected(engine)
    with sa_orm.Session(engine) as session:
        parts = export(session, models.find("page"), models, EVERYTHING, Asked(), Config(), SECRET).written("csv")
        next(parts)
        assert session.scalar(sa.text(IDLE)) == "10min"
        assert sum(part.count(b"\n") for part in parts) == 2_000
        assert session.scalar(sa.text(IDLE)) == "0"
    engine.dispose()


def test_a_line_says_of_each_value_what_a_list_says():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            'CREATE TABLE odd (id INTEGER PRIMARY KEY, "100 %s" TEXT, "a ""b""" NUMERIC(9, 2), f FLOAT, d DATE, '
            "y BOOLEAN)"
        )
        for values in (
            (2**60, 'é\n"\\\u2028', 1.5, 1e300, "2026-01-02", 1),
            (1, None, None, None, None, None),
            (2, b"\x00\xff", "no number", "NaN", "no date", "maybe"),
        ):
            connection.exec_driver_sql("INSERT INTO odd VALUES (?, ?, ?, ?, ?, ?)", values)
    models = Models.reflected(engine)
    odd = models.find("odd")
    with sa_orm.Session(engine) as session:
        given = listing(session, odd, models, EVERYTHING, Asked(), Config(), SECRET)
        lines, whole = (
            b"".join(export(session, odd, models, EVERYTHING, Asked(), Config(), SECRET).written(form)).decode()
            for form in ("jsonl", "json")
        )
    expected = [{column.name: row.values[column.name] for column in given.columns} for row in given.rows]
    assert len(expected) == 3
    assert [json.loads(line) for line in lines.rstrip("\n").split("\n")] == expected
    assert json.loads(whole) == expected
    engine.dispose()
