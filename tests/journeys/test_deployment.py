"""SECURITY.md's notes on deployment, done as they stand there."""

from __future__ import annotations

import re
import stat

import pytest
import sqlalchemy as sa

from dashboard.store.engine import Store, metadata
from tests.journeys.desk import Desk
from tests.journeys.test_outage import run
from tests.journeys.trouble import SCHEMA
from tests.pages.routes import ADMINISTER, EDIT, ROWS
from tests.parts import ROOT

NOTES = (ROOT / "SECURITY.md").read_text()


def grants():
    """The statements of the notes: to read, and to write."""
    block = re.search(r"```sql\n(.*?)```", NOTES, re.DOTALL)[1]
    read, write = (line.split(";") for line in block.strip().splitlines())
    return [each.strip() for each in read if each.strip()], [each.strip() for each in write if each.strip()]


@pytest.mark.parametrize("writes", [True, False])
def test_an_account_with_the_grants_of_the_notes_is_enough_and_may_no_more(writes, postgresql, poolhouse_server):
    url = postgresql.new_database()
    role = f"poolhouse_{'writer' if writes else 'reader'}"
    read, write = ([each.replace("TO poolhouse", f"TO {role}") for each in some] for some in grants())
    run(url, *SCHEMA, f"DROP ROLE IF EXISTS {role}", f"CREATE ROLE {role} LOGIN", *read, *(write if writes else ()))
    own = sa.make_url(url).set(username=role).render_as_string(hide_password=False)
    server = poolhouse_server("-w 1", settings={"DATABASE_URL": own})
    token = server.token("editor")
    assert server.request("GET", "/records/author/", token=token).json["rows"]
    desk = Desk(server, token)
    desk.do("values", desk.load("author", "1"), values={"name": "Jane"})
    desk.new("author", name="New")
    answer = desk.post("commit")
    if writes:
        assert answer.status == 200, answer.text
        assert run(url, "SELECT count(*) FROM author WHERE name IN ('Jane', 'New')") == [(2,)]
    else:
        assert (answer.status, answer.json["error"]["code"]) == (422, "failed"), answer.text
        assert "does not let Poolhouse's account change rows of author" in answer.json["error"]["message"]
        assert "Traceback" not in server.output()
        assert desk.get()["counts"]["modified"] == 1
        assert run(url, "SELECT name FROM author WHERE id = 1") == [("Jane Austen",)]
    run(url, f"DROP OWNED BY {role}")


def test_the_account_of_the_store_needs_to_read_and_write_its_own_tables_only(postgresql, poolhouse_server):
    url = postgresql.new_database()
    made = Store(url)
    made.create()
    made.engine.dispose()
    tables = ", ".join(table.name for table in metadata.sorted_tables)
    run(
        url,
        "DROP ROLE IF EXISTS keeper",
        "CREATE ROLE keeper LOGIN",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO keeper",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO keeper",
    )
    own = sa.make_url(url).set(username="keeper").render_as_string(hide_password=False)
    server = poolhouse_server("-w 1", settings={"DASHBOARD_STORE_URL": own, "DASHBOARD_DEMO": "off"})
    desk = Desk(server, server.token("editor"))
    desk.new("Author", name="Kept elsewhere")
    desk.do("commit")
    assert server.request("GET", "/history/", token=desk.token).json["change_sets"]
    run(url, "DROP OWNED BY keeper")


def test_read_only_nothing_is_changed_by_anybody(poolhouse_server):
    server = poolhouse_server("-w 1", settings={"DASHBOARD_DEMO": "off", "DASHBOARD_READ_ONLY": "on"})
    admin = server.token("admin")
    before = (server.instance / "demo.db").read_bytes()
    told = {}
    for row in ROWS:
        if row.method == "POST" and row.kind in (EDIT, ADMINISTER):
            answer = server.request("POST", row.path.replace("{author}", "1"), token=admin, data=row.given or {})
            told[row.rule] = answer.status
    assert told.pop("/demo/faults/<name>") == 404  # without the demo there is none
    assert set(told.values()) == {403}, told
    assert server.request("GET", "/records/Author/", token=admin).status == 200
    assert (server.instance / "demo.db").read_bytes() == before


def test_what_is_written_lies_where_the_notes_say_and_is_private(poolhouse_server):
    server = poolhouse_server("-w 1", settings={"DASHBOARD_DEMO": "off"})
    desk = Desk(server, server.token("editor"))
    desk.do("values", desk.load("Book", "1"), values={"title": "Open"})
    desk.do("flush")
    assert stat.S_IMODE(server.instance.stat().st_mode) == 0o700
    assert stat.S_IMODE((server.instance / "peers").stat().st_mode) == 0o700
    for file in ("poolhouse_secret_key", "store.db"):
        assert stat.S_IMODE((server.instance / file).stat().st_mode) == 0o600
    sockets = list((server.instance / "peers").iterdir())
    assert sockets
    assert all(stat.S_IMODE(each.stat().st_mode) == 0o600 for each in sockets)
    known = ("poolhouse_secret_key", "store.db", "ledger", "peers", "first-start.lock", "demo", "faults")
    assert [each.name for each in server.instance.iterdir() if not each.name.startswith(known)] == []


def test_uninstalled_by_the_notes_nothing_is_left_in_the_database(postgresql_url, poolhouse_server, tmp_path):
    run(postgresql_url, *SCHEMA)
    settings = {
        "DATABASE_URL": postgresql_url,
        "DASHBOARD_STORE_URL": postgresql_url,
        "DASHBOARD_CHANGE_SETS": "database",
    }
    folder = tmp_path / "gone"
    server = poolhouse_server("-w 1", settings=settings, folder=folder, ready=False)
    server.process.wait(60)  # its store has no tables yet
    server.command("store create")
    server = poolhouse_server("-w 1", settings=settings, folder=folder)
    desk = Desk(server, server.token("editor"))
    desk.new("author", name="Stays")
    desk.do("commit")
    assert server.stop() == 0
    server.command("store drop --yes")
    run(postgresql_url, "DROP TABLE IF EXISTS poolhouse_change_set")
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    assert run(postgresql_url, tables) == [("author",)]
    assert ("Stays",) in run(postgresql_url, "SELECT name FROM author")
