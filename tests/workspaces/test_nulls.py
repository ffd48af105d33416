"""SQL's NULL and JSON's null are two things, from load to commit; what the program's own code reads is as it knows
it."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.records.models import Database, Models
from tests.workspaces.desk import Desk

JSONB = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


class Base(sa_orm.DeclarativeBase):
    pass


class Upper(sa.types.TypeDecorator):
    """The program's own reading of a document."""

    impl = sa.JSON
    cache_ok = True

    def process_result_value(self, value, dialect):
        return None if value is None else {name.upper(): each for name, each in value.items()}


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(40), default="")
    plain: Mapped[dict | None] = mapped_column(sa.JSON)
    stored: Mapped[dict | None] = mapped_column(JSONB)
    followed: Mapped[dict | None] = mapped_column(MutableDict.as_mutable(sa.JSON))
    read: Mapped[dict | None] = mapped_column(Upper)


DOCUMENTS = ("plain", "stored", "followed", "read")
NULL, JSON_NULL = 1, 2  # keys of notes: all their documents are that


@pytest.fixture
def desk(database_url, tmp_path):
    with Desk(database_url, f"sqlite:///{tmp_path / 'store.db'}") as made:
        Base.metadata.create_all(made.engine)
        with made.engine.begin() as connection:
            names = ", ".join(map(made.engine.dialect.identifier_preparer.quote, DOCUMENTS))
            connection.exec_driver_sql(f"INSERT INTO note (id, title, {names}) VALUES (1, '', NULL, NULL, NULL, NULL)")
            connection.exec_driver_sql(
                f"INSERT INTO note (id, title, {names}) VALUES (2, '', 'null', 'null', 'null', 'null')"
            )
        models = Models.of_registry(Base, dialect=made.engine.dialect)
        made.databases = {"default": Database("default", made.engine, made.maker, models)}
        made.workspaces = made.worker()
        made.open()
        yield made


def kept(desk, key):
    """What the rows hold, as SQL says: None, or the text of the document."""
    texts = [sa.type_coerce(sa.cast(Note.__table__.c[name], sa.Text), sa.String) for name in DOCUMENTS]
    with desk.engine.connect() as connection:
        row = connection.execute(sa.select(*texts).where(Note.id == key)).one()
    return [None if each is None else json.dumps(json.loads(each)) for each in row]


@pytest.mark.parametrize("restore", [False, True])
def test_both_nulls_stay_what_they_are_from_load_to_commit(desk, restore):
    for key, shown in ((NULL, None), (JSON_NULL, {"json": None})):
        ref = desk.load("Note", key)
        for name in ("plain", "stored"):
            assert desk[ref]["values"][name] == shown
        if restore:
            desk.forget()
        # what is shown may be sent back, and changes nothing
        desk.set(ref, **{name: desk[ref]["values"][name] for name in ("plain", "stored", "followed")})
        assert desk[ref]["changes"] == {}
        desk.set(ref, title="touched")
        if restore:
            desk.forget()
        desk.do("commit")
    assert (kept(desk, NULL), kept(desk, JSON_NULL)) == ([None] * 4, ["null"] * 4)


@pytest.mark.parametrize("restore", [False, True])
def test_one_null_is_turned_into_the_other(desk, restore):
    for key, other in ((NULL, {"json": None}), (JSON_NULL, None)):
        ref = desk.load("Note", key)
        desk.set(ref, plain=other, stored=other)
        assert set(desk[ref]["changes"]) == {"plain", "stored"}
        if restore:
            desk.forget()
        desk.do("flush")
        desk.do("commit")
        desk.do("refresh", ref)
        assert [desk[ref]["values"][name] for name in ("plain", "stored")] == [other, other]
    assert (kept(desk, NULL)[:2], kept(desk, JSON_NULL)[:2]) == (["null"] * 2, [None] * 2)


def test_what_the_programs_own_code_reads_is_as_it_knows_it(desk):
    ref = desk.load("Note", JSON_NULL)
    desk.forget()
    desk.do("refresh", ref)
    note = desk.workspaces._lives.get("w").board.objects[ref]
    assert (note.followed, note.read) == (None, None)
    assert note.plain is sa.JSON.NULL
    desk.set(ref, followed={"json": {"a": 1}}, read={"json": {"a": 1}})
    desk.do("commit")
    desk.do("refresh", ref)
    assert [desk[ref]["values"][name] for name in ("followed", "read")] == [{"json": {"a": 1}}, {"json": {"A": 1}}]


def test_the_hosts_engine_reads_as_before_and_what_its_first_connection_teaches_holds_for_ours(desk):
    fresh = sa.create_engine(desk.engine.url)  # nobody has connected yet
    models = desk.databases["default"].models
    desk.databases = {"default": Database("default", fresh, sa_orm.sessionmaker(fresh), models)}
    desk.workspaces.close()
    desk.workers.remove(desk.workspaces)
    desk.workspaces = desk.worker()
    desk.load("Note", JSON_NULL)
    ours = desk.workspaces._lives.registry("default").main.engine
    assert ours.dialect is not fresh.dialect
    assert ours.dialect.server_version_info == fresh.dialect.server_version_info is not None
    with sa_orm.Session(fresh) as session:
        assert session.get(Note, JSON_NULL).plain is None
        assert session.get(Note, JSON_NULL).stored is None
    fresh.dispose()
