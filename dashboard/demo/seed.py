"""With which data does the example shop open? The same on every machine, laid once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import sqlalchemy as sa

from . import words
from .models import Author, Base, Binding, Book, Order, OrderLine, Review, Role, Status, Tag, User, book_tag

SEED = 20261122
OPENING = datetime(2026, 11, 1, 9, tzinfo=UTC)
AUTHORS, BOOKS, USERS, ORDERS, REVIEWS = 400, 10_000, 1_000, 2_000, 3_000

Row = dict[str, Any]


def seed(engine: sa.Engine) -> bool:
    """Makes the tables and their rows, in one transaction; False where the shop has rows already: they stay."""
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        if any(connection.execute(sa.select(table).limit(1)).first() for table in Base.metadata.sorted_tables):
            return False
        for table, rows in tables().items():
            connection.execute(table.insert(), rows)
        if connection.dialect.name == "postgresql":
            _count_on(connection)
    return True


def _count_on(connection: sa.Connection) -> None:
    """PostgreSQL's sequences do not see keys that were given."""
    for table in Base.metadata.sorted_tables:
        if table.autoincrement_column is not None:
            name = connection.dialect.identifier_preparer.format_table(table)
            sequence = sa.func.pg_get_serial_sequence(name, table.autoincrement_column.name)
            connection.execute(sa.select(sa.func.setval(sequence, sa.func.max(table.autoincrement_column))))


def tables() -> dict[sa.Table, list[Row]]:
    """Every row of the shop, table by table, those that are pointed at first."""
    chance = Random(SEED)
    books = list(_books(chance))
    lines = list(_lines(chance, books))
    return {
        _table(Author): list(_authors(chance)),
        _table(Tag): [{"id": number, "name": name} for number, name in enumerate(words.TAGS, 1)],
        _table(Book): books,
        book_tag: list(_tagged(chance)),
        _table(User): list(_users(chance)),
        _table(Order): list(_orders(chance)),
        _table(OrderLine): lines,
        _table(Review): list(_reviews(chance)),
    }


def _table(model: type[Base]) -> sa.Table:
    table = model.__table__
    assert isinstance(table, sa.Table)
    return table


def _authors(chance: Random) -> Iterator[Row]:
    for number in range(1, AUTHORS + 1):
        known = words.CLASSICS[number - 1] if number <= len(words.CLASSICS) else None
        name = known[0] if known else f"{chance.choice(words.FIRST_NAMES)} {chance.choice(words.LAST_NAMES)}"
        yield {
            "id": number,
            "name": name,
            "country": known[1] if known else chance.choice((*words.COUNTRIES, None)),
            "born": known[2]
            if known
            else _maybe(chance, 0.8, date(1930, 1, 1) + timedelta(days=chance.randrange(25_000))),
            "biography": _maybe(chance, 0.7, _sentences(chance, 3)),
        }


def _books(chance: Random) -> Iterator[Row]:
    classics = [(title, number) for number, known in enumerate(words.CLASSICS, 1) for title in known[3]]
    for number in range(1, BOOKS + 1):
        known = number <= len(classics)
        title, author = classics[number - 1] if known else (_title(chance), chance.randint(1, AUTHORS))
        pages = chance.randint(60, 1200)
        yield {
            "id": number,
            "title": title,
            "author_id": author,
            "isbn": _isbn(number) if chance.random() < 0.9 else None,
            "price": Decimal("6.00") if known else Decimal(chance.randint(250, 6000)) / 100,
            "stock": chance.randint(0, 60),
            "pages": _maybe(chance, 0.95, pages),
            "weight": _maybe(chance, 0.9, round(pages * 0.0011 + 0.08, 3)),
            "binding": chance.choice(list(Binding)),
            "in_print": chance.random() < 0.9,
            "published": _maybe(chance, 0.95, date(1950, 1, 1) + timedelta(days=chance.randrange(27_000))),
            "reading_time": _maybe(chance, 0.8, timedelta(minutes=pages * 1.5)),
            "catalogue": _uuid(chance),
            "details": _details(chance),
            "summary": _maybe(chance, 0.85, _sentences(chance, 4)),
            "cover": _maybe(chance, 0.2, b"\x89PNG\r\n\x1a\n" + chance.randbytes(48)),
            "added_at": OPENING - timedelta(minutes=chance.randrange(500_000)),
            "version": 1,
        }


def _details(chance: Random) -> Any:
    """A JSON document, JSON's null or SQL's NULL."""
    kind = chance.random()
    if kind < 0.1:
        return sa.JSON.NULL if kind < 0.05 else sa.null()
    document: dict[str, Any] = {"language": chance.choice(words.LANGUAGES), "edition": chance.randint(1, 9)}
    return {**document, "awards": chance.sample(words.AWARDS, 2)} if kind > 0.8 else document


def _tagged(chance: Random) -> Iterator[Row]:
    for book in range(1, BOOKS + 1):
        for tag in sorted(chance.sample(range(1, len(words.TAGS) + 1), chance.choice((0, 1, 1, 2)))):
            yield {"book_id": book, "tag_id": tag}


def _users(chance: Random) -> Iterator[Row]:
    for number in range(1, USERS + 1):
        first, last = chance.choice(words.FIRST_NAMES), chance.choice(words.LAST_NAMES)
        yield {
            "id": number,
            "name": f"{first} {last}",
            "email": f"{first}.{last}.{number}@example.org".lower(),
            "role": Role.manager if number == 1 else chance.choices(list(Role), (96, 3, 1))[0],
            "newsletter": chance.random() < 0.4,
            "points": chance.randrange(5_000) if number > 1 else 2**53 + 1,
            "born": _maybe(chance, 0.8, date(1945, 1, 1) + timedelta(days=chance.randrange(22_000))),
            "call_after": _maybe(chance, 0.3, time(chance.randint(8, 19), chance.choice((0, 30)))),
            "joined_at": OPENING - timedelta(minutes=chance.randrange(1_000_000)),
            "member": _uuid(chance),
            "settings": {"theme": "dark", "per_page": chance.choice((20, 50))} if chance.random() < 0.5 else sa.null(),
        }


def _orders(chance: Random) -> Iterator[Row]:
    for number in range(1, ORDERS + 1):
        placed = OPENING - timedelta(minutes=(ORDERS - number) * 47 + chance.randrange(47))
        yield {
            "id": number,
            "user_id": chance.randint(1, USERS),
            "status": chance.choices(list(Status), (5, 5, 85, 5))[0],
            "placed_at": placed,
            "deliver_on": _maybe(chance, 0.6, placed.date() + timedelta(days=chance.randint(1, 9))),
            "deliver_after": _maybe(chance, 0.3, time(chance.randint(8, 18))),
            "gift": chance.random() < 0.1,
            "note": _maybe(chance, 0.1, _sentences(chance, 1)),
        }


def _lines(chance: Random, books: list[Row]) -> Iterator[Row]:
    for order in range(1, ORDERS + 1):
        for number in range(1, chance.choice((1, 1, 2, 3, 4)) + 1):
            book = chance.choice(books)
            yield {
                "order_id": order,
                "number": number,
                "book_id": book["id"],
                "quantity": chance.choice((1, 1, 1, 2, 3)),
                "price": book["price"],
                "discount": chance.choice((0.0, 0.0, 0.05, 0.1)),
            }


def _reviews(chance: Random) -> Iterator[Row]:
    for number in range(1, REVIEWS + 1):
        yield {
            "id": number,
            "book_id": chance.randint(1, BOOKS),
            "user_id": chance.randint(1, USERS),
            "stars": chance.choice((1, 2, 3, 3, 4, 4, 4, 5, 5)),
            "words": _maybe(chance, 0.8, _sentences(chance, 2)),
            "written_at": OPENING - timedelta(minutes=chance.randrange(400_000)),
        }


def _maybe(chance: Random, share: float, value: Any) -> Any:
    return value if chance.random() < share else None


def _title(chance: Random) -> str:
    return chance.choice(words.TITLES).format(
        chance.choice(words.ADJECTIVES), chance.choice(words.NOUNS), chance.choice(words.PLACES)
    )


def _sentences(chance: Random, count: int) -> str:
    return " ".join(chance.choice(words.SENTENCES) for _ in range(count))


def _isbn(number: int) -> str:
    digits = f"978{number * 7919 % 10**9:09d}"
    return digits + str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10)


def _uuid(chance: Random) -> uuid.UUID:
    return uuid.UUID(int=chance.getrandbits(128), version=4)
