"""What does the foreign shop sell, and to whom? Its tables, two of them in a second database."""

from __future__ import annotations

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)
flushes: list[str] = []


class Customer(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    bank_account: Mapped[str | None]
    orders: Mapped[list[Order]] = relationship(back_populates="customer")

    def __str__(self) -> str:
        return self.name


class Order(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    cents: Mapped[int]
    customer: Mapped[Customer] = relationship(back_populates="orders")


class Visit(db.Model):
    __bind_key__ = "visits"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str]


@event.listens_for(Session, "before_flush")
def remember(session, context, instances):
    flushes.append(type(session).__name__)
