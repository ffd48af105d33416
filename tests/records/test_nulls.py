"""On an engine that tells them apart, JSON's null and SQL's NULL come back as what they are."""

import json

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from dashboard.records.models import Models
from dashboard.records.nulls import tell_nulls_apart


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict | None] = mapped_column(sa.JSON().with_variant(postgresql.JSONB(), "postgresql"))


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def host(request, new_database):
    url = new_database(request.param)
    engine = sa.create_engine(url, json_deserializer=lambda text: json.loads(text, parse_int=float))
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def twin_of(host):
    engine = sa.Engine(sa.QueuePool(host.pool._creator, _dispatch=host.pool.dispatch), host.dialect, host.url)
    tell_nulls_apart(engine)
    return engine


def test_null_in_both_senses_comes_back_as_it_was_sent(host):
    column = Models.of_registry(Base, dialect=host.dialect).find("Thing").column("document")
    twin = twin_of(host)
    with Session(twin) as session:
        sent = [None, {"json": None}, {"json": {"a": None}}, {"json": [1.0]}]
        for number, value in enumerate(sent, 1):
            session.add(Thing(id=number, document=column.parse(value)))
        session.commit()
        found = [column.format(thing.document) for thing in session.scalars(sa.select(Thing).order_by(Thing.id))]
        assert found == sent
        assert [column.format(column.restore(shown)) for shown in found] == sent
        session.get(Thing, 2).document = column.parse(None)
        session.commit()
        assert session.get(Thing, 2).document is None
    twin.dispose()


def test_the_hosts_own_engine_reads_as_before(host):
    twin = twin_of(host)
    with Session(twin) as session:
        session.add(Thing(id=1, document=sa.JSON.NULL))
        session.commit()
        assert session.get(Thing, 1).document is sa.JSON.NULL
    twin.dispose()
    with Session(host) as session:
        assert session.get(Thing, 1).document is None
        session.get(Thing, 1).document = {"a": 1}
        session.commit()
        assert type(session.get(Thing, 1).document["a"]) is float
