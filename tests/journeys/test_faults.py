"""What goes wrong around Poolhouse: what does a person see then, what is kept, and how does it come back?"""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa

from dashboard.store.engine import Store
from tests.journeys.afloat import authors, must_be_live, must_let_in, no_mistake_of_ours, refused, staff
from tests.journeys.desk import Desk
from tests.journeys.postgresql import PostgreSQL
from tests.journeys.server import Server
from tests.journeys.test_outage import run
from tests.journeys.trouble import SCHEMA, cut, locked, tables_of_the_store, under_way
from tests.journeys.waiting import until


def is_read_only_for(server, token, path, given):
    """That a connection was cut is noticed by whoever takes it, who is told that the store cannot be reached."""
    answer = server.request("POST", path, token=token, data=given)
    assert answer.status in (422, 503), answer.text
    return "can only be read just now" in answer.json["error"]["message"]


def test_sigterm_finishes_requests_ends_transactions_and_parks_workspaces(tmp_path, poolhouse_server):
    settings = {"DASHBOARD_DEMO": "off"}
    folder = tmp_path / "kept"
    server = poolhouse_server("-w 2", settings=settings, folder=folder)
    token = server.token("editor")
    desk = Desk(server, token)
    book = desk.load("Book", "1")
    desk.do("values", book, values={"title": "Flushed before the end"})
    desk.do("flush")
    assert desk.now["transaction"]
    bearer = {"Authorization": f"Bearer {token}"}
    with under_way(server, "/workspaces/", b'{"name": "sent-at-the-end"}', bearer) as answered:
        server.process.terminate()
        until(lambda: "Handling signal: term" in server.output(), what="the signal")
        assert answered()[0] == 201
    assert server.stop() == 0
    with closing(sqlite3.connect(folder / "instance" / "demo.db", timeout=0)) as data:
        data.execute("BEGIN IMMEDIATE")  # nobody holds it any more
        assert data.execute("SELECT title FROM book WHERE id = 1").fetchone() != ("Flushed before the end",)
    assert not list((folder / "instance" / "peers").glob("*"))
    no_mistake_of_ours(server)

    again = poolhouse_server("-w 2", settings=settings, folder=folder)
    desk.server = again
    assert again.request("GET", "/workspaces/sent-at-the-end/", token=token).status == 200
    parked = desk.get()
    assert parked["transaction"] is None
    assert parked["objects"][0]["changes"]["title"][1] == "Flushed before the end"
    assert desk.do("commit")["objects"]
    with closing(sqlite3.connect(folder / "instance" / "demo.db")) as data:
        assert data.execute("SELECT title FROM book WHERE id = 1").fetchone() == ("Flushed before the end",)


def test_a_store_of_a_newer_version_stops_the_start_in_one_line_and_is_left_alone(poolhouse_server, tmp_path):
    folder = tmp_path / "newer"
    with Server(folder, "-w 1", settings={"DASHBOARD_DEMO": "off"}) as first:
        first.token("viewer")
    said_before = len(first.output())
    file = folder / "instance" / "store.db"
    with closing(sqlite3.connect(file)) as store:
        store.execute("UPDATE poolhouse_schema SET version = 99")
        store.commit()
    before = file.read_bytes()
    with Server(folder, "-w 1", settings={"DASHBOARD_DEMO": "off"}, ready=False) as newer:
        until(newer.ended, what="the end of the start")
        assert newer.process.returncode != 0
        said = newer.output()[said_before:]
    assert (
        said.count("The store was made by a newer Poolhouse (version 99, this one knows 1). Start the newer one.") == 1
    )
    assert "Traceback" not in said
    assert file.read_bytes() == before


def test_the_store_is_slow_and_away_while_the_data_are_there(poolhouse_server):
    with PostgreSQL() as database:
        url = database.new_database()
        made = Store(url)
        made.create()
        made.engine.dispose()
        settings = {"DASHBOARD_STORE_URL": url, "DASHBOARD_DEMO": "off", "DASHBOARD_STORE_SECONDS": "1"}
        server = poolhouse_server("-w 2", settings=settings)
        token, _, vera = staff(server)
        desk = Desk(server, token)
        desk.new("Author", name="Staged before the store went")
        for _ in range(8):  # both workers know her
            must_be_live(vera, paths=("/pools/",))
        with locked(url, *tables_of_the_store(url)):  # it takes questions, and answers none
            must_let_in(server, "/records/Book/")
            assert server.request("GET", "/readyz", timeout=5).status == 503
            refused(server.request("POST", f"/workspaces/{desk.name}/commit", token=token, data={}), "store_away")
            refused(server.request("GET", f"/workspaces/{desk.name}/", token=token, timeout=5), "store_away")
        until(lambda: server.request("GET", "/readyz").status == 200, what="the store")
        assert "Staged before the store went" not in authors(server.instance / "demo.db")
        database.stop()
        must_be_live(vera, "/records/", "/records/Book/", "/records/Book/1")
        must_let_in(server, "/records/Book/")
        assert server.request("GET", "/readyz").status == 503
        for path in ("/workspaces/", "/records/Author/", f"/workspaces/{desk.name}/commit"):
            data = {"name": "x"} if path == "/workspaces/" else {"values": {"name": "x"}}
            refused(server.request("POST", path, token=token, data=data), "store_away")
        refused(server.request("GET", f"/workspaces/{desk.name}/", token=token), "store_away")
        database.start()
        until(lambda: server.request("GET", "/readyz").status == 200, what="the store")
        until(lambda: desk.post("commit").status == 200, what="a commit")
        assert "Staged before the store went" in authors(server.instance / "demo.db")
        no_mistake_of_ours(server)


def test_postgresql_as_data_and_store_slow_read_only_stopped_and_back(poolhouse_server):
    with PostgreSQL() as database:
        url = database.new_database()
        run(url, *SCHEMA)
        made = Store(url)
        made.create()
        made.engine.dispose()
        settings = {"DATABASE_URL": url, "DASHBOARD_STORE_URL": url, "DASHBOARD_RECORDS_SECONDS": "1"}
        server = poolhouse_server("-w 2", settings=settings)
        token, _, vera = staff(server)
        desk = Desk(server, token)
        desk.do("values", desk.load("author", "1"), values={"name": "Jane A."})

        with locked(url, "author"):  # slow: whoever reads the table waits
            refused(server.request("GET", "/records/author/", token=token), "overloaded", "busy", "database_away")
            must_be_live(vera, "/workspaces/", f"/workspaces/{desk.name}/")

        name = sa.make_url(url).database
        run(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        cut(url)
        must_let_in(server, "/records/author/", f"/workspaces/{desk.name}/")
        for path in (f"/workspaces/{desk.name}/commit", "/records/author/"):
            given = {"values": {"name": "Too late"}} if path == "/records/author/" else {}
            until(lambda path=path, given=given: is_read_only_for(server, token, path, given), what="the word for it")
        run(url, "SET TRANSACTION READ WRITE", f"ALTER DATABASE {name} RESET default_transaction_read_only")
        cut(url)

        for _ in range(8):
            must_be_live(vera, paths=("/pools/",))
        database.stop()
        must_let_in(server)
        refused(server.request("GET", "/records/author/", token=token), "database_away")
        refused(desk.post("commit"), "store_away")
        database.start()
        until(lambda: desk.post("commit").status == 200, what="the commit")
        assert run(url, "SELECT name FROM author WHERE id = 1") == [("Jane A.",)]
        no_mistake_of_ours(server)


@pytest.mark.parametrize("kind", ["nowhere", "a file"])
def test_an_instance_folder_that_cannot_be_written_is_said_in_one_line(kind, tmp_path):
    file = tmp_path / "file"
    file.write_text("no folder")
    instance = "/proc/poolhouse" if kind == "nowhere" else str(file)
    with Server(tmp_path / kind.replace(" ", "-"), settings={"DASHBOARD_INSTANCE": instance}, ready=False) as server:
        until(server.ended, what="the end of the start")
        assert f"Nothing can be kept in the folder {instance}" in server.output()
        assert "Traceback" not in server.output()
