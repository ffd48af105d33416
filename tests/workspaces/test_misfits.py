"""A value that does not fit is named with its column, which no driver but MySQL's does; so is a row that cannot be
read."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from dashboard.workspaces.misfits import misfits
from dashboard.workspaces.sent import Sent
from tests.workspaces.blame import blamed, fails
from tests.workspaces.loans import Library, Measure

# values that do not fit


def test_a_type_that_refuses_a_value(library):
    made = library.make("Measure", even=3, count=1)
    library.make("Measure", even=4, count=3)
    assert blamed(fails(library)) == ("invalid", [made], {"even"})
    library.set(made, even=6)
    library.do("commit")
    assert library.rows("select even from measure where even is not null order by id") == [(6,), (4,)]


@pytest.mark.parametrize(
    "values, fields",
    [
        ({"title": "x" * 15, "words": "short"}, {"title"}),
        ({"title": "short", "words": "x" * 25}, {"words"}),
        ({"count": 40_000, "large": 5}, {"count"}),
        ({"count": 40_000, "large": 50_000}, {"count", "large"}),
        ({"price": "12345.00", "count": 3}, {"price"}),
        ({"weight": 1e300, "count": 3}, {"weight"}),
        ({"weight": 1e-300}, {"weight"}),
    ],
)
@pytest.mark.parametrize("new", [True, False])
def test_a_value_that_the_database_finds_too_large(narrow, values, fields, new):
    ref = narrow.make("Measure", **values) if new else narrow.load("Measure", 1)
    if not new:
        narrow.set(ref, **values)
    narrow.make("Reader", name="Staged")
    assert blamed(fails(narrow)) == ("invalid", [ref], fields)
    narrow.set(ref, **dict.fromkeys(values, "7"))
    narrow.do("commit")
    assert narrow.rows("select count(*) from reader where name = 'Staged'") == [(1,)]
    kept = narrow.do("refresh", ref).view.object(ref)["values"]
    assert {name: float(kept[name]) for name in values} == dict.fromkeys(values, 7.0)


def test_one_of_several_new_rows_that_does_not_fit(narrow):
    narrow.make("Measure", title="fits")
    ref = narrow.make("Measure", title="x" * 15)
    assert blamed(fails(narrow)) == ("invalid", [ref], {"title"})


@pytest.mark.parametrize(
    "text, column",
    [
        ("Data too long for column 'title' at row 1", "title"),
        ("Out of range value for column 'count' at row 1", "count"),
        ("Incorrect integer value: 'x' for column `shop`.`measure`.`large` at row 1", "large"),
    ],
)
def test_the_column_that_mysql_names_is_the_one(text, column):
    orig = Exception(1406, text)
    row = {"title": "x", "count": 1, "large": 2}
    sent = Sent(orig, "insert", Measure.__table__, (row,), (), ())
    error = sa.exc.DataError("INSERT", {}, orig)
    found = misfits(error, sent, sa.create_engine("sqlite://").dialect)
    assert [each.name for _, each in found] == [column]


# rows that cannot be read


@pytest.mark.parametrize("value", ["infinity", "0044-03-15 BC"])
def test_a_moment_that_python_has_no_value_for(narrow, value):
    with narrow.engine.begin() as connection:
        connection.exec_driver_sql(f"update measure set at = '{value}' where id = 1")
    narrow.make("Reader", name="Staged")
    refused = fails(narrow, "load", model="Measure", key="1")
    assert (refused.code, set(refused.fields)) == ("invalid", {"day", "at"})
    assert "Measure:1" in refused.message
    assert "SQL" in refused.remedy
    assert value not in refused.message or value == "infinity"


def test_a_text_that_is_no_moment(tmp_path):
    with Library(f"sqlite:///{tmp_path / 'shop.db'}", f"sqlite:///{tmp_path / 'store.db'}") as made:
        with made.engine.begin() as connection:
            connection.exec_driver_sql("update measure set at = 'somewhen secret' where id = 1")
        made.open()
        refused = fails(made, "load", model="Measure", key="1")
        assert (refused.code, set(refused.fields)) == ("invalid", {"day", "at"})
        assert "Measure:1" in refused.message
        assert "secret" not in refused.message
