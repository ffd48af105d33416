"""Does an export cost nothing more, once nobody wants the rest of it?"""

from __future__ import annotations

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.config import Config
from dashboard.records.export import export
from dashboard.records.listing import Asked
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
