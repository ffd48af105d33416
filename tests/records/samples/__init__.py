"""Well-known databases, by the schemas that their makers published, filled with rows of odd texts and NULLs."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

from dashboard.records.models import Models

HERE = Path(__file__).parent
SAMPLES = ("chinook", "northwind", "sakila")
TYPES = {
    "sqlite": {"moment": "DATETIME", "binary": "BLOB"},
    "postgresql": {"moment": "TIMESTAMP", "binary": "BYTEA"},
    "mariadb": {"moment": "DATETIME", "binary": "LONGBLOB"},
}
TEXTS = ["Ærø & Søn", "O'Brien", 'say "hi"', "100%_", "naïve", "東京", "a,b/c", "=1+1", "<b>", "back\\slash", "~tilde"]
BEGIN = datetime(2022, 1, 20, 3, 4, 5)
OWN_WORDS = {"location": "ST_GeomFromText('POINT(1 2)')"}
"""Columns whose values no driver takes."""
WITHOUT_CHECKS = {
    "sqlite": "PRAGMA foreign_keys = OFF",
    "postgresql": "SET session_replication_role = replica",
    "mariadb": "SET foreign_key_checks = 0",
}


def make(engine: sa.Engine, sample: str, rows: int) -> None:
    """The schema, and so many rows in each table."""
    kind = engine.dialect.name
    own = HERE / f"{sample}_{kind}.sql"
    text = (own if own.exists() else HERE / f"{sample}.sql").read_text()
    text = re.sub(r"<(moment|binary)>", lambda found: TYPES[kind][found[1]], text)
    with engine.begin() as connection:
        if kind == "mariadb":
            connection.exec_driver_sql("SET sql_mode = 'ANSI_QUOTES,STRICT_TRANS_TABLES', foreign_key_checks = 0")
        for statement in re.split(r"(?<!\\);", text):
            connection.exec_driver_sql(statement.replace("\\;", ";").replace("%", "%%"))
    engine.dispose()  # what was set holds for its connections
    models = [model for model in Models.reflected(engine) if not model.read_only or "view" not in model.read_only]
    mapped = [model.mapper.local_table for model in models if not model.name.startswith("payment_p")]
    tables = [table for table in mapped if table.schema is None]
    with engine.begin() as connection:
        connection.exec_driver_sql(WITHOUT_CHECKS[kind])
        for table in tables:
            _fill(connection, table, rows)
        if kind == "postgresql" and sample == "sakila":
            connection.exec_driver_sql("REFRESH MATERIALIZED VIEW rental_by_category")
    engine.dispose()


def _fill(connection: sa.Connection, table: sa.Table, rows: int) -> None:
    quoted = connection.dialect.identifier_preparer.quote
    places = [OWN_WORDS.get(column.name, f":p{place}") for place, column in enumerate(table.columns)]
    names = ", ".join(quoted(column.name) for column in table.columns)
    bound = [
        sa.bindparam(f"p{place}", type_=column.type)
        for place, column in enumerate(table.columns)
        if column.name not in OWN_WORDS
    ]
    full = connection.dialect.identifier_preparer.format_table(table)
    statement = sa.text(f"INSERT INTO {full} ({names}) VALUES ({', '.join(places)})").bindparams(*bound)
    made = [
        {
            f"p{place}": _value(column, number, rows)
            for place, column in enumerate(table.columns)
            if column.name not in OWN_WORDS
        }
        for number in range(1, rows + 1)
    ]
    connection.execute(statement, made)


def _value(column: sa.Column, number: int, rows: int):
    referred = next(iter(column.foreign_keys), None)
    if referred is not None and not column.unique:
        at = number if column.table.columns[0] is column else number * 7 % rows + 1
        if not column.primary_key and column.nullable and number % 5 == 0:
            return None
        return _value(referred.column, at, rows)
    if not column.primary_key and column.nullable and number % 5 == 0:
        return None
    return _of_type(column, number)


def _of_type(column: sa.Column, number: int):
    type_, name = column.type, type(column.type).__name__
    if column.name == "release_year":
        return 2000 + number % 20
    if name == "TSVECTOR":
        return f"'word{number}'"
    if name == "SET":
        return {"Trailers", "Commentaries"}
    if isinstance(type_, sa.Enum):
        return type_.enums[number % len(type_.enums)]
    if isinstance(type_, sa.ARRAY):
        return ["Trailers", f'a,"b" {number}', ""]
    if isinstance(type_, sa.Boolean):
        return number % 3 == 0
    if isinstance(type_, sa.types._Binary):
        return bytes(range(number % 60)) + b"\0"
    if isinstance(type_, sa.DateTime):
        moment = BEGIN + timedelta(days=number)
        return moment.replace(tzinfo=UTC) if type_.timezone else moment
    if isinstance(type_, sa.Date):
        return date(1990, 1, 1) + timedelta(days=number)
    if isinstance(type_, (sa.Numeric, sa.Float)):
        if column.primary_key:
            return number
        return number % 4 / 4 if isinstance(type_, (sa.Float, sa.REAL)) else Decimal(number % 900) / 100
    if isinstance(type_, sa.Integer):
        return number
    length = getattr(type_, "length", None) or 200
    if column.primary_key:
        return f"K{number:04}"[:length]
    return f"{TEXTS[number % len(TEXTS)]} {number}"[:length]
