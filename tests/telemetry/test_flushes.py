"""Counting what a flush writes costs no statement."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import orm as sa_orm

from dashboard.telemetry import watch_sessions


class Wing(sa_orm.DeclarativeBase):
    pass


class Room(Wing):
    __tablename__ = "room"
    id: sa_orm.Mapped[int] = sa_orm.mapped_column(primary_key=True)
    key: sa_orm.Mapped[Key | None] = sa_orm.relationship(back_populates="room")


class Key(Wing):
    __tablename__ = "key"
    id: sa_orm.Mapped[int] = sa_orm.mapped_column(primary_key=True)
    room_id: sa_orm.Mapped[int | None] = sa_orm.mapped_column(sa.ForeignKey("room.id"))
    room: sa_orm.Mapped[Room | None] = sa_orm.relationship(back_populates="key")


@pytest.mark.parametrize("watching", [False, True])
def test_counting_a_flush_asks_nothing_of_the_database(name, watching):
    """Of a one-to-one that was set unloaded, SQLAlchemy's is_modified() would."""
    engine = sa.create_engine("sqlite://")
    maker, sent = sa_orm.sessionmaker(engine), []
    Wing.metadata.create_all(engine)
    watch = watch_sessions(maker, registry=name) if watching else None
    with maker() as session:
        session.add(Room(key=Key()))
        session.commit()
        room = session.get(Room, 1)
        sa.event.listen(engine, "before_cursor_execute", lambda *arguments: sent.append(arguments[2].split()[0]))
        room.key = None
        session.commit()
    if watch is not None:
        watch.stop()
    engine.dispose()
    assert sent == ["SELECT", "UPDATE"]
