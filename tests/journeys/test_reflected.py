"""Does an existing database without any model work: its tables reflected, its rows worked on, over HTTP?"""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.journeys.desk import Desk

SCHEMA = """
CREATE TABLE customer (id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL UNIQUE);
CREATE TABLE shipment (
    "from" VARCHAR(20) NOT NULL, number INTEGER NOT NULL, customer_id INTEGER REFERENCES customer (id),
    weight NUMERIC(8, 3), PRIMARY KEY ("from", number));
CREATE TABLE "Order Line" (
    shipment_from VARCHAR(20) NOT NULL, shipment_number INTEGER NOT NULL, "Position" INTEGER NOT NULL,
    "Item Name" TEXT, PRIMARY KEY (shipment_from, shipment_number, "Position"),
    FOREIGN KEY (shipment_from, shipment_number) REFERENCES shipment ("from", number));
CREATE TABLE visit (at TIMESTAMP, words TEXT);
CREATE TABLE poolhouse_workspace (id INTEGER PRIMARY KEY, name VARCHAR(64));
INSERT INTO customer VALUES (1, 'Ada'), (2, 'Bob');
INSERT INTO shipment VALUES ('Köln, Hbf', 1, 1, 2.500);
INSERT INTO "Order Line" VALUES ('Köln, Hbf', 1, 1, 'a lamp'), ('Köln, Hbf', 1, 2, 'a rug');
INSERT INTO visit VALUES ('2026-01-02 03:04:05', 'hello');
"""
KOELN = "K~C3~B6ln~2C~20Hbf"
LINE = "Order~20Line"


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def database(request, tmp_path_factory):
    """The URL of a database that some other program made, without a model of ours."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('foreign') / 'foreign.db'}"
    else:
        url = request.getfixturevalue("postgresql").new_database()
    execute(url, *(statement for statement in SCHEMA.split(";") if statement.strip()))
    return url


def execute(url, *statements):
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            answer = connection.exec_driver_sql(statement)
        rows = [tuple(row) for row in answer] if answer.returns_rows else []
    engine.dispose()
    return rows


@pytest.fixture(scope="module")
def server(database, poolhouse_server):
    return poolhouse_server(settings={"DATABASE_URL": database})


@pytest.fixture(scope="module")
def token(server):
    return server.token()


def test_workspaces_work_on_the_tables_of_any_database(database, server, token):
    desk = Desk(server, token)

    line = desk.load(LINE, f"{KOELN},1,2")
    shown = desk.object(line)
    assert (shown["model"], shown["key"], shown["badge"]) == (LINE, f"{KOELN},1,2", "persistent")
    assert shown["values"]["Item Name"] == "a rug"
    desk.do("values", line, values={"Item Name": "a red rug"})
    gone = desk.load(LINE, f"{KOELN},1,1")
    desk.do("delete", gone)

    customer = desk.new("customer", id=3, name="Grace")
    shipment = desk.new("shipment", number=7, weight="0.125", **{"from": "Paris"})
    desk.do("values", shipment, values={"customer": customer})
    made = desk.new(LINE, Position=1, **{"Item Name": "a book", "shipment_from": "Paris", "shipment_number": 7})
    assert execute(database, "SELECT count(*) FROM customer WHERE id = 3") == [(0,)]
    desk.do("commit")
    assert desk.object(made)["key"] == "Paris,7,1"
    assert desk.object(gone)["badge"] == "detached"

    assert execute(database, "SELECT name FROM customer WHERE id < 9 ORDER BY id") == [("Ada",), ("Bob",), ("Grace",)]
    weight = "CAST(weight * 1000 AS INTEGER)"
    assert execute(database, f'SELECT "from", number, customer_id, {weight} FROM shipment ORDER BY "from"') == [
        ("Köln, Hbf", 1, 1, 2500),
        ("Paris", 7, 3, 125),
    ]
    columns = 'shipment_from, shipment_number, "Position", "Item Name"'
    assert execute(database, f'SELECT {columns} FROM "Order Line" ORDER BY shipment_from') == [
        ("Köln, Hbf", 1, 2, "a red rug"),
        ("Paris", 7, 1, "a book"),
    ]


def test_what_the_database_forbids_is_said_and_nothing_is_lost(database, server, token):
    desk = Desk(server, token)
    taken = desk.new("customer", id=9, name="Ada")
    answer = desk.post("commit")
    assert (answer.status, list(answer.json["error"]["fields"])) == (422, ["name"])
    assert desk.get()["objects"][0]["badge"] == "pending"
    desk.do("values", taken, values={"name": "Ada the second"})
    desk.do("commit")
    assert execute(database, "SELECT name FROM customer WHERE id = 9") == [("Ada the second",)]


def test_a_table_without_a_key_is_read_only_and_our_own_tables_are_not_there(database, server, token):
    desk = Desk(server, token)
    refused = desk.post("objects/", {"model": "visit", "values": {"words": "hello again"}})
    assert refused.status in (403, 409, 422), refused.text
    assert "no primary key" in refused.json["error"]["message"]
    for path, data in (
        ("objects/", {"model": "poolhouse_workspace", "values": {"id": 1}}),
        ("load", {"model": "poolhouse_workspace", "key": "1"}),
        ("load", {"model": "customer", "key": "77"}),
        ("load", {"model": "nothing", "key": "1"}),
    ):
        assert desk.post(path, data).status == 404, path
    board = server.request("GET", f"/workspaces/{desk.name}/", token=desk.token, headers={"Accept": "text/html"}).text
    assert "poolhouse_workspace" not in board
    assert "shipment" in board
    assert desk.get()["objects"] == []
    assert execute(database, "SELECT count(*) FROM visit") == [(1,)]
