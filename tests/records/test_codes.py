"""Is what a database means told by its code, whichever driver says it, and the same to who reads and to who writes?"""

from __future__ import annotations

import sqlite3

import pytest
import sqlalchemy as sa

from dashboard.records import codes
from dashboard.records.reading import refusal


class ByState(Exception):
    """As psycopg tells it."""

    def __init__(self, sqlstate):
        super().__init__("its words")
        self.sqlstate = sqlstate


def named(name):
    error = sqlite3.OperationalError("its words")
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    "orig, told",
    [
        (Exception(1205, "Lock wait timeout exceeded"), "busy"),
        (Exception(1213, "Deadlock found when trying to get lock"), "busy"),
        (ByState("40P01"), "busy"),
        (sqlite3.OperationalError("database is locked"), "busy"),
        (Exception(1142, "SELECT command denied"), "right"),
        (ByState("42501"), "right"),
        (named("SQLITE_AUTH"), "right"),
        (Exception(1146, "Table 'shop.none' doesn't exist"), "schema"),
        (ByState("42P01"), "schema"),
        (sqlite3.OperationalError("no such table: none"), "schema"),
        (Exception(2006, "Server has gone away"), "away"),
        (ByState("57P01"), "away"),
    ],
)
def test_what_a_code_means_is_what_a_reader_is_told(orig, told):
    error = sa.exc.OperationalError("SELECT 1", {}, orig)
    kinds = {"busy": codes.is_busy(error), "right": codes.is_forbidden(error), "schema": codes.lacks_schema(error)}
    assert [kind for kind, is_it in kinds.items() if is_it] == ([] if told == "away" else [told])
    said = refusal(error, "shop")
    assert said.code == {"busy": "busy", "away": "database_away"}.get(told, "failed")
    assert ("for the right" in said.remedy, "schema" in said.remedy) == (told == "right", told == "schema")
