"""Secrets in statements: masked by the names of their columns, whatever the driver's way of counting parameters."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.config import Config
from dashboard.masks import MASK, Masks, masks_of, told
from dashboard.records.models import Database, Models
from dashboard.store.engine import Store
from dashboard.workspaces.registry import Workspaces

MASKS = Masks()


class Base(sa_orm.DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "person"
    id: sa_orm.Mapped[int] = sa_orm.mapped_column(primary_key=True)
    name: sa_orm.Mapped[str]
    password: sa_orm.Mapped[str]
    api_token: sa_orm.Mapped[str]


@pytest.mark.parametrize(
    "sent,names,shown",
    [
        (("ada", "pw"), ["name", "password"], ("ada", MASK)),
        (("ada", "pw", "bob", "qw"), ["name", "password"], ("ada", MASK, "bob", MASK)),
        ([("ada", "pw"), ("bob", "qw")], ["name", "password"], [("ada", MASK), ("bob", MASK)]),
        ({"name": "ada", "api_token_1": "t"}, None, {"name": "ada", "api_token_1": MASK}),
        (("ada", "pw"), None, (MASK, MASK)),
        (("ada", "pw"), (), (MASK, MASK)),
        ({"a": "ada", "b": "pw"}, (), {"a": MASK, "b": MASK}),
        (("ada", "pw", "x"), ["name", "password"], (MASK, MASK, MASK)),
    ],
)
def test_a_value_is_masked_by_the_name_of_its_column(sent, names, shown):
    assert MASKS.parameters("INSERT INTO user (name, password) ...", sent, names) == shown


def test_what_has_no_secret_is_left_as_it_is():
    sent = ("ada", 3)
    assert MASKS.parameters("UPDATE user SET name = ? WHERE id = ?", sent, ["name", "user_id"]) is sent
    assert MASKS.parameters("SELECT password FROM user WHERE id = ?", (3,), ["id_1"]) == (3,)
    assert MASKS.text("SELECT 'x'") == "SELECT 'x'"


def test_a_setting_names_further_columns_and_another_keeps_no_value_at_all():
    further = masks_of(Config.read({"DASHBOARD_MASKED": "Iban, salary"}))
    assert further.parameters("...", {"iban": "DE1", "salary_1": 7, "password": "x", "id": 3}, None) == {
        "iban": MASK,
        "salary_1": MASK,
        "password": MASK,
        "id": 3,
    }
    none = masks_of(Config.read({"DASHBOARD_PARAMETERS": "off"}))
    assert none.parameters("...", [(1, 2), (3, 4)], ["a", "b"]) == [(MASK, MASK), (MASK, MASK)]
    assert none.parameters("...", {"a": 1}, None) == {"a": MASK}


@pytest.mark.parametrize(
    "python,shown",
    [
        ('user.password = "a\\"b, c"', 'user.password = "***"'),
        ("user.token = 'x'\nuser.name = 'y'", "user.token = \"***\"\nuser.name = 'y'"),
        ('User(name="Ada", secret_key=b"x", age=3)', 'User(name="Ada", secret_key="***", age=3)'),
        ("session.get(Token, 3)", "session.get(Token, 3)"),
        ("if token == 3: pass", "if token == 3: pass"),
    ],
)
def test_a_line_of_python_does_not_show_what_it_gives_a_secret(python, shown):
    assert MASKS.source(python) == shown


def test_a_line_that_is_nothing_but_secrets_is_looked_through_once():
    begun = time.process_time()
    line = f'note.text = "{"password" * 50_000}"'
    assert MASKS.source(line) == line
    assert time.process_time() - begun < 2


def test_a_literal_in_a_statement_is_masked_where_it_speaks_of_a_secret():
    config = Config.read({"DASHBOARD_STATEMENT_CHARACTERS": "40"})
    assert told("ALTER ROLE ada PASSWORD 'it''s mine'", config) == "ALTER ROLE ada PASSWORD '***'"
    assert len(told("SELECT 'x' " * 20, config)) == 40
    assert MASKS.text("SET PASSWORD = 'a\\'b', x = 'c'") == "SET PASSWORD = '***'"
    assert MASKS.text("ALTER ROLE ada PASSWORD $q$it's$q$ VALID") == "ALTER ROLE ada PASSWORD '***' VALID"
    assert MASKS.text("UPDATE u SET password = $1, name = $2") == "UPDATE u SET password = $1, name = $2"


def test_a_tape_shows_no_secret_and_its_copies_do_not_either(make_masked_desk):
    desk = make_masked_desk()
    desk.act("objects", {"model": "Person", "values": {"name": "Ada", "password": "hunter2", "api_token": "t0ken"}})
    desk.act("flush", {})
    desk.act("commit", {})
    entries = desk.view().tape
    told = repr([(entry["python"], entry["statements"], entry.get("source")) for entry in entries])
    assert "Ada" in told
    assert "hunter2" not in told
    assert "t0ken" not in told
    inserted = next(s for entry in entries for s in entry["statements"] if s["sql"].startswith("INSERT"))
    assert sorted(map(str, inserted["parameters"][0])) == sorted([MASK, MASK, "Ada"])


@pytest.fixture
def make_masked_desk(tmp_path):
    closing = []

    def made(**settings):
        engine = sa.create_engine(f"sqlite:///{tmp_path}/people.db")
        Base.metadata.create_all(engine)
        store = Store(f"sqlite:///{tmp_path}/store.db")
        store.create()
        models = Models(lambda: list(Models.of_registry(Base, dialect=engine.dialect, database="default")))
        database = Database("default", engine, sa_orm.sessionmaker(engine), models)
        workspaces = Workspaces({"default": database}, store, Config.read(settings))
        workspaces.open("w", "ada", database="default")
        closing.extend([workspaces.close, store.engine.dispose, engine.dispose])
        return SimpleNamespace(
            act=lambda verb, given: workspaces.act("w", verb, given, actor="ada"),
            view=lambda: workspaces.view("w", actor="ada"),
        )

    yield made
    for close in closing:
        close()
