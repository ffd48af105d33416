"""Does a review name the program's own listeners, and count what the database takes along?"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.config import Config
from dashboard.records.models import Database, Models
from dashboard.workspaces.sight import Sight
from dashboard.workspaces.withheld import may_count
from tests.workspaces import shop
from tests.workspaces.desk import Desk
from tests.workspaces.test_review import review

# listeners of the program


@pytest.fixture
def posted(desk):
    """What a listener of the program did."""
    posted = []

    def send_mail(mapper, connection, target):
        posted.append(target.name)

    sa.event.listen(shop.Tag, "before_update", send_mail)
    yield posted
    sa.event.remove(shop.Tag, "before_update", send_mail)


def test_listeners_of_the_program_are_named_and_asked_about_first(desk, posted):
    desk.open()
    desk.set(desk.load("Tag", 1), name="red")
    found = review(desk)
    ((event, target, name),) = [(each.event, each.target, each.name) for each in found.listeners]
    assert (found.ran, found.statements, posted) == (False, (), [])
    assert (event, target, name.rpartition(".")[2]) == ("before_update", "Tag", "send_mail")
    found = review(desk, run=True)
    assert (found.ran, len(found.statements), posted) == (True, 1, ["red"])


def test_listeners_that_nothing_staged_would_run_are_not_asked_about(desk, posted):
    desk.open()
    desk.make("Tag", name="red")
    desk.set(desk.load("Author", 1), name="A")
    found = review(desk)
    assert (found.ran, posted, [each.event for each in found.listeners]) == (False, [], ["before_update"])
    desk.do("rollback")
    desk.set(desk.load("Author", 1), name="A")
    assert review(desk).ran


# what the database takes along


@pytest.fixture
def chain(database_url, tmp_path):
    """Owner, pets and toys: the database itself deletes the pets of a deleted owner and their toys, and lets its
    letters go."""
    metadata = sa.MetaData()
    number = sa.Integer
    sa.Table("owner", metadata, sa.Column("id", number, primary_key=True), sa.Column("name", sa.Text))
    for name, of, effect in (("pet", "owner", "CASCADE"), ("toy", "pet", "CASCADE"), ("letter", "owner", "SET NULL")):
        key = sa.ForeignKey(f"{of}.id", ondelete=effect)
        sa.Table(name, metadata, sa.Column("id", number, primary_key=True), sa.Column(f"{of}_id", number, key))
    engine = sa.create_engine(database_url)
    shop.prepare(engine)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(metadata.tables["owner"].insert(), [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
        for name, of in (("pet", "owner"), ("toy", "pet"), ("letter", "owner")):
            rows = [{"id": n, f"{of}_id": 1 if name != "toy" else 1 + n % 3} for n in (1, 2, 3)]
            connection.execute(metadata.tables[name].insert(), rows)
    engine.dispose()
    with Desk(database_url, f"sqlite:///{tmp_path / 'store.db'}", make=False) as made:
        made.store.create()
        models = Models.reflected(made.engine)
        made.databases["default"] = Database("default", made.engine, made.maker, models)
        made.workspaces = made.worker()
        yield made


def test_what_the_database_deletes_along_is_counted_through_all_its_levels(chain):
    chain.open()
    chain.do("delete", chain.load("owner", 1))
    before = chain.view()
    found = [(each.of, each.table, each.rows, each.exact, each.by, each.effect) for each in review(chain).cascades]
    assert {each for each in found if each[4] == "database"} >= {("pet", "toy", 3, True, "database", "delete")}
    assert chain.view() == before
    chain.do("commit")
    assert [chain.rows(f"select count(*) from {table}")[0][0] for table in ("pet", "toy", "letter")] == [0, 0, 3]


@pytest.mark.parametrize(
    "sight,tables",
    [
        (Sight(rows=lambda model: model.class_.id == 1 if model.name == "toy" else None), {"pet", "letter"}),
        (Sight(may=lambda verb, model: model.name != "pet"), {"toy", "letter"}),
    ],
)
def test_of_what_goes_along_nothing_is_counted_that_one_may_not_see(chain, sight, tables):
    chain.open()
    chain.do("delete", chain.load("owner", 1))
    found = chain.workspaces.review("w", actor="ada", sight=sight).cascades
    assert {each.table for each in found if each.by == "database"} <= tables
    assert {
        name for name in ("pet", "toy", "letter") if may_count(name, chain.databases["default"].models, sight)
    } == tables


class Shelf(sa_orm.DeclarativeBase):
    pass


between = sa.Table(
    "item_mark",
    Shelf.metadata,
    sa.Column("item_id", sa.ForeignKey("item.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("mark_id", sa.ForeignKey("mark.id", ondelete="CASCADE"), primary_key=True),
)


class Item(Shelf):
    __tablename__ = "item"
    id: sa_orm.Mapped[int] = sa_orm.mapped_column(primary_key=True)
    marks: sa_orm.Mapped[list[Mark]] = sa_orm.relationship(secondary=between)


class Mark(Shelf):
    __tablename__ = "mark"
    id: sa_orm.Mapped[int] = sa_orm.mapped_column(primary_key=True)


def test_rows_between_two_classes_are_not_counted_for_who_sees_some_of_one_class_only():
    models = Models.of_registry(Shelf, dialect=sa.create_engine("sqlite://").dialect)
    some = Sight(rows=lambda model: Item.id == 1 if model.name == "Item" else None)
    assert may_count("item_mark", models, Sight())
    assert not may_count("item_mark", models, some)


@pytest.mark.parametrize("deleted, by", [("Item", "orm"), ("Mark", "database")])
def test_rows_between_two_classes_are_counted_once_and_by_whom_they_go(tmp_path, deleted, by):
    url, store = f"sqlite:///{tmp_path / 'shelf.db'}", f"sqlite:///{tmp_path / 'store.db'}"
    engine = sa.create_engine(url)
    Shelf.metadata.create_all(engine)
    with sa_orm.Session(engine) as session:
        mark = Mark(id=1)
        session.add_all([Item(id=1, marks=[mark, Mark(id=2)]), Item(id=2, marks=[mark])])
        session.commit()
    engine.dispose()
    world = SimpleNamespace(Base=Shelf, prepare=shop.prepare)
    with Desk(url, store, make=False, world=world) as made:
        made.store.create()
        made.open()
        made.do("delete", made.load(deleted, 1))
        found = [(each.table, each.rows, each.by, each.effect) for each in review(made).cascades]
        assert found == [("item_mark", 2, by, "delete")]
        made.do("commit")
        assert made.rows("select count(*) from item_mark") == [(1,)]


def test_a_count_has_a_bound(chain):
    chain.workspaces.config = Config(records_count=2)
    chain.open()
    chain.do("delete", chain.load("owner", 1))
    toys = [each for each in review(chain).cascades if each.table == "toy"]
    assert [(each.rows, each.exact) for each in toys] == [(2, False)]
