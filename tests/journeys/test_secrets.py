"""The database's password: on no page, in no answer, no log, no error, no incident, no label, no file of ours."""

from __future__ import annotations

import contextlib
import json

import pytest
import sqlalchemy as sa

from dashboard.store.engine import Store
from tests.journeys.desk import Desk
from tests.journeys.test_outage import run
from tests.journeys.trouble import SCHEMA
from tests.pages.routes import ROWS

SECRET = "hunter2-correct-horse"


def with_password(url):
    """The server trusts who comes over its socket; the password is sent all the same, as anywhere else."""
    return sa.make_url(url).set(username="postgres", password=SECRET).render_as_string(hide_password=False)


@pytest.mark.parametrize("state", ["well", "away"])
def test_the_password_of_the_database_is_nowhere(state, postgresql, poolhouse_server):
    url = with_password(postgresql.new_database())
    run(url, *SCHEMA)
    made = Store(url)
    made.create()
    made.engine.dispose()
    away = f"postgresql+psycopg://postgres:{SECRET}@127.0.0.1:1/shop"
    settings = {
        "DATABASE_URL": url if state == "well" else away,
        "DASHBOARD_STORE_URL": url,
        "PROMETHEUS_URL": f"http://me:{SECRET}@127.0.0.1:1/",
        "DASHBOARD_DATABASES": json.dumps({} if state == "well" else {"second": away}),
    }
    server = poolhouse_server("-w 1", settings=settings)
    token = server.token("admin")
    said = [token.encode()]
    if state == "well":
        desk = Desk(server, token)
        desk.do("values", desk.load("author", "1"), values={"name": "Jane"})
        desk.do("commit", note="changed")
    for row in ROWS:
        for accept in ("application/json", "text/html"):
            if row.rule in ("/stream", "/logout"):
                continue
            path = row.path.replace("{w}", "desk-1").replace("{author}", "1").replace("Book", "author")
            headers = {"Accept": accept}
            given = {"data": row.given or {}} if row.method == "POST" else {}
            answer = server.request(row.method, path, token=token, headers=headers, **given)
            said.append(answer.body + str(answer.headers).encode())
    with contextlib.suppress(AssertionError):  # it says what is wrong, by its exit status too
        said.append(server.command("doctor").encode())
    said.append(server.output().encode())
    said += [file.read_bytes() for file in server.instance.rglob("*") if file.is_file()]
    assert len(said) > 100
    found = [text[max(0, text.find(SECRET.encode()) - 200) :][:400] for text in said if SECRET.encode() in text]
    assert found == []
    with contextlib.closing(sa.create_engine(url, poolclass=sa.NullPool).connect()) as connection:
        for table in sa.inspect(connection).get_table_names():
            rows = connection.exec_driver_sql(f'SELECT * FROM "{table}"').all()
            assert SECRET not in repr(rows), table
