"""Models are found by name, one for each mapper, and call their records without sending SQL."""

import threading
import types

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from dashboard.records.models import Model, Models
from dashboard.refusal import Refusal


class Base(DeclarativeBase):
    pass


class Named:
    def __str__(self):
        return f"{self.title} by {self.writer.name}"


class Writer(Base):
    __tablename__ = "writer"
    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str | None]
    name: Mapped[str] = mapped_column(sa.String(50), index=True)
    code: Mapped[str | None] = mapped_column(sa.String(5), unique=True)
    books: Mapped[list["Book"]] = relationship(back_populates="writer")


class Book(Named, Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    title: Mapped[str]
    writer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("writer.id"))
    writer: Mapped[Writer | None] = relationship(back_populates="books")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "book"}


class Novel(Book):
    __tablename__ = "novel"
    id: Mapped[int] = mapped_column(sa.ForeignKey("book.id"), primary_key=True)
    genre: Mapped[str | None]
    __mapper_args__ = {"polymorphic_identity": "novel"}


class Größe(Base):
    __tablename__ = "groesse"
    id: Mapped[int] = mapped_column(primary_key=True)


class Own(Base):
    __tablename__ = "poolhouse_own"
    id: Mapped[int] = mapped_column(primary_key=True)


@pytest.fixture
def engine():
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def models(engine):
    return Models.of_registry(Base, dialect=engine.dialect)


@pytest.fixture
def statements(engine):
    sent = []
    sa.event.listen(engine, "before_cursor_execute", lambda *arguments: sent.append(arguments[2]))
    return sent


def test_there_is_a_model_for_each_mapper_but_none_for_our_own_tables(models):
    assert [model.name for model in models] == ["Book", "Gr~C3~B6~C3~9Fe", "Novel", "Writer"]
    assert models.find("Gr~C3~B6~C3~9Fe").title == "Größe"
    assert models.of_class(Novel) is models.find("Novel")
    assert "Own" not in models
    assert len(models) == 4


@pytest.mark.parametrize("name", ["", "book", "Own", "../Book", "\0", "x" * 10_000])
def test_an_unknown_name_is_not_found(models, name):
    with pytest.raises(Refusal) as refusal:
        models.find(name)
    assert refusal.value.code == "not_found"
    assert len(refusal.value.message) < 400


@pytest.mark.parametrize("class_", [int, Named, Own])
def test_a_class_that_is_not_mapped_here_is_not_found(models, class_):
    with pytest.raises(Refusal):
        models.of_class(class_)


def test_models_are_found_from_a_registry_metadata_a_class_and_a_module(engine):
    module = types.ModuleType("shop")
    module.Book, module.number = Book, 5
    for source in (Base, Base.registry, Base.metadata, Book, module):
        assert len(Models.of_registry(source, dialect=engine.dialect)) == 4
    assert len(Models.of_registry(types.ModuleType("empty"), dialect=engine.dialect)) == 0


def test_relationships_say_where_they_lead(models):
    books = models.find("Writer").relationship("books")
    assert (books.direction, books.uselist, books.target, books.viewonly) == ("ONETOMANY", True, "Book", False)
    assert books.back_populates == "writer"
    assert models.find("Novel").relationship("writer").direction == "MANYTOONE"
    with pytest.raises(Refusal):
        models.find("Writer").relationship("name")


def test_a_joined_subclass_has_its_parents_columns_and_cannot_change_its_class(models):
    novel = models.find("Novel")
    assert {column.name for column in novel.columns} == {"id", "kind", "title", "writer_id", "genre"}
    assert [column.name for column in novel.key_columns] == ["id"]
    assert not novel.column("kind").editable
    assert not novel.column("kind").required
    assert novel.column("title").required


def test_two_classes_of_one_name_have_their_module_in_front(engine):
    class Other(DeclarativeBase):
        pass

    def make(module):
        return type(
            "Twin",
            (Other,),
            {"__module__": module, "__tablename__": module, "id": mapped_column(sa.Integer, primary_key=True)},
        )

    twins = make("left"), make("right")
    models = Models.of_registry(Other, dialect=engine.dialect)
    assert [model.name for model in models] == ["left~2ETwin", "right~2ETwin"]
    assert models.of_class(twins[1]).title == "right.Twin"


def test_models_are_looked_for_once_by_however_many_threads(models):
    looks, ready = [], threading.Barrier(4)

    def find():
        looks.append(1)
        return models

    lazy = Models(find)

    def ask():
        ready.wait()
        lazy.find("Book")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert looks == [1]


def test_a_failed_look_is_tried_again(models):
    answers = [Refusal("database_away", "away"), models]

    def find():
        answer = answers.pop(0)
        if isinstance(answer, Refusal):
            raise answer
        return answer

    lazy = Models(find)
    with pytest.raises(Refusal):
        lazy.find("Book")
    assert lazy.find("Book").name == "Book"


def test_a_class_that_is_mapped_to_a_query_is_read_only(engine):
    registry = sa_orm.registry()
    query = sa.select(Writer.__table__).where(Writer.__table__.c.id > 5).subquery()
    registry.map_imperatively(type("Late", (), {}), query, primary_key=[query.c.id])
    assert "query" in Models.of_registry(registry, dialect=engine.dialect).find("Late").read_only


def test_a_label_is_what_the_class_says(engine, models, statements):
    with Session(engine) as session:
        book = Book(id=3, title="Emma", writer=Writer(name="Jane"))
        session.add(book)
        assert models.find("Book").label(book) == "Emma by Jane"
        assert statements == []
        assert book in session.new


def test_without_words_of_its_own_a_label_is_the_first_unique_or_indexed_text(models):
    writer = models.find("Writer")
    assert writer.label(Writer(id=3, name="Jane", code="JA", note="n")) == "JA"
    assert writer.label(Writer(id=3, name="Jane")) == "Jane"
    assert writer.label(Writer(id=3)) == "3"
    assert writer.label(Writer()) == "new Writer"
    assert writer.label({"id": 3, "name": "Jane"}) == "Jane"
    assert writer.label({"id": 3}) == "3"
    assert writer.label({}) == "new Writer"


@pytest.mark.parametrize("autoflush", [True, False])
def test_a_label_sends_no_sql_and_falls_back_to_the_key(engine, models, statements, autoflush):
    with Session(engine, autoflush=autoflush) as session:
        session.add(Novel(id=3, title="Emma", writer=Writer(id=7, name="Jane")))
        session.commit()
        novel = session.get(Novel, 3)  # its writer is not loaded
        session.add(Writer(name="New"))
        del statements[:]
        assert models.find("Novel").label(novel) == "3"
        session.expire(novel)
        assert models.find("Novel").label(novel) == "3"
        assert statements == []
        assert "writer" in sa.inspect(novel).unloaded
        assert novel.writer.name == "Jane"  # the Session works as before
        assert models.find("Novel").label(novel) == "Emma by Jane"
        session.expire(novel.writer)
        del statements[:]
        assert models.find("Novel").label(novel) == "3"
        assert statements == []


def test_an_expired_object_whose_session_has_no_transaction_gets_none_by_its_label(engine, models):
    with Session(engine) as session:
        session.add(Book(id=3, title="Emma"))
        session.commit()
        book = session.get(Book, 3)
        session.commit()
        assert models.find("Book").label(book) == "3"
        assert not session.in_transaction()


def test_words_of_a_class_that_go_wrong_fall_back_to_the_key(models):
    book = models.find("Book")
    assert book.label(Book(id=3, title="Emma")) == "3"
    assert book.label({"id": 3, "title": "Emma"}) == "3"
    assert book.label({"id": 3, "title": "Emma", "writer": Writer(name="Jane")}) == "Emma by Jane"


def test_a_label_is_one_line_of_bounded_length(models: Model):
    label = models.find("Writer").label(Writer(name="a\n" * 10_000 + "\ud800"))
    assert len(label) == 120
    assert "\n" not in label
    assert models.find("Writer").label(Writer(name="\ud800")) == "?"
