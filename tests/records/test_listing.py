"""Does a list visit every row exactly once, whatever it is sorted by, and send nothing that it need not?"""

from __future__ import annotations

import time
from datetime import datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.records.counting import Count
from dashboard.records.models import Models
from dashboard.records.search import Filter
from dashboard.refusal import Refusal
from dashboard.workspaces.sight import Sight
from tests.records.library import Animal, Base, Dog, Item, Library, Shelf

COLUMNS = ("number", "ratio", "single", "price", "day", "text", "flag")
rows_of_items = st.lists(
    st.fixed_dictionaries(
        {
            "order": st.sampled_from([None, 1, 2]),
            "ratio": st.sampled_from([None, 0.1, 0.1 + 2**-54, 1e300]),
            "single": st.sampled_from([None, 0.1, 3.3]),
            "price": st.sampled_from([None, Decimal("0.1000"), Decimal("12345678.9012")]),
            "day": st.sampled_from([None, datetime(2020, 1, 1), datetime(2020, 1, 1, 0, 0, 0, 7)]),
            "text": st.sampled_from([None, "", "a", "%", "Ä", "a\n"]),
            "flag": st.sampled_from([None, True, False]),
        }
    ),
    max_size=14,
)
sorts = st.lists(st.sampled_from(COLUMNS), unique=True, max_size=3).flatmap(
    lambda names: st.tuples(*(st.sampled_from([name, f"-{name}"]) for name in names))
)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def library(request, new_database):
    url = new_database(request.param)
    engine = sa.create_engine(url)
    Base.metadata.create_all(engine)
    yield Library(engine)
    engine.dispose()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows_of_items, sort=sorts, size=st.integers(1, 4))
def test_paging_visits_every_row_once_forwards_and_backwards(library, rows, sort, size):
    with library.engine.begin() as connection:
        connection.execute(Item.__table__.delete())
    library.add(Item, *({"part": n % 2, "co,de": f"c{n}", **row} for n, row in enumerate(rows)))
    forwards, backwards = library.walk("Item", sort=sort, size=size)
    keys = [row.key for row in forwards]
    whole = [row.key for row in library.page("Item", sort=sort, size=100).rows]
    assert len(keys) == len(rows)
    assert keys == whole == [row.key for row in backwards]


def test_rows_that_come_before_the_place_move_nothing(library):
    library.add(Item, *({"part": 5, "co,de": f"{n:03}", "order": n // 3} for n in range(12)))
    numbers = iter(range(1000))

    def between():
        library.add(Item, {"part": 1, "co,de": f"{next(numbers)}", "order": -1})

    forwards, _ = library.walk("Item", between, sort=("number",), size=2)
    assert len(forwards) == len({row.key for row in forwards}) == 12


@pytest.mark.parametrize("sort", [(), ("number",), ("-text",)])
def test_a_page_is_three_statements_however_long_it_is(library, sort):
    library.add(Shelf, {"id": 1, "name": "low"}, {"id": 2, "name": "high"})
    library.add(
        Item, *({"part": n, "co,de": "x", "order": n % 3, "text": "t", "shelf_id": 1 + n % 2} for n in range(40))
    )
    sent = []
    sa.event.listen(library.engine, "before_cursor_execute", lambda c, cursor, sql, *more: sent.append(sql))
    for size in (2, 20):
        sent.clear()
        page = library.page("Item", sort=sort, size=size)
        assert page.rows[0].references["shelf_id"].label in ("low", "high")
        statements = [sql for sql in sent if sql.startswith("SELECT")]
        assert len(statements) == 3, statements  # the page, the labels, the count
        assert not any(word in sql for sql in statements for word in ("COUNT(*)", "OFFSET %"))
        assert not any("heavy" in sql for sql in statements)
        assert "data" not in statements[0].replace("database", "")


def test_binary_data_are_cut_and_their_size_is_said(library):
    library.add(Item, {"part": 1, "co,de": "", "data": b"x" * 100})
    row = library.page("Item", columns=("data", "heavy")).rows[0]
    assert row.values["data"]["size"] == 100
    assert len(row.values["data"]["base64"]) < 60
    assert row.key == "1,~0"


@pytest.mark.parametrize("text", ["100%", "a_b", "a/b", "back\\slash", "'quoted'", "Product 42/%7", "424242"])
def test_a_search_finds_its_text_and_no_pattern(library, text):
    library.add(
        Item, {"part": 1, "co,de": "x", "text": f"<{text.upper()}>"}, {"part": 2, "co,de": "y", "text": "100 aXb"}
    )
    assert [row.key for row in library.page("Item", q=text).rows] == ["1,x"]
    found = library.page("Item", filters=(Filter("text", "contains", (text,)),))
    assert [row.key for row in found.rows] == ["1,x"]


@pytest.mark.parametrize("charset, collation", [("utf8mb4", "utf8mb4_bin"), ("latin1", "latin1_general_cs")])
def test_a_search_looks_past_the_case_in_mysqls_other_collations_too(mariadb_url, charset, collation):
    library = Library(sa.create_engine(mariadb_url))
    with library.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE CHARACTER SET {charset} COLLATE {collation}")
    Base.metadata.create_all(library.engine)
    library.add(Shelf, {"id": 1, "name": "LOW"})
    assert [row.key for row in library.page("Shelf", q="low").rows] == ["1"]
    library.engine.dispose()


def test_a_negation_finds_null_as_well(library):
    library.add(Item, {"part": 1, "co,de": "x", "order": 1}, {"part": 2, "co,de": "y"})
    assert [row.key for row in library.page("Item", where='{"not": {"number.eq": 1}}').rows] == ["2,y"]
    assert [row.key for row in library.page("Item", filters=(Filter("number", "ne", (1,)),)).rows] == ["2,y"]


def test_rows_outside_the_sight_are_in_no_list_count_or_label(library):
    library.add(Shelf, {"id": 1, "name": "low"}, {"id": 2, "name": "high"})
    library.add(Item, *({"part": n, "co,de": "x", "shelf_id": n} for n in (1, 2)))
    rules = {"Item": Item.part > 0, "Shelf": Shelf.id == 1}
    sight = Sight(rows=lambda model: rules.get(model.name))
    first, second = library.page("Item", sight).rows
    assert (first.references["shelf_id"].label, dict(second.references)) == ("low", {})
    page = library.page("Shelf", sight)
    assert ([row.key for row in page.rows], page.count.value) == (["1"], 1)


@pytest.mark.parametrize(
    "asked",
    [
        {"columns": ("secret",)},
        {"sort": ("secret",)},
        {"filters": (Filter("secret", "eq", ("x",)),)},
        {"where": '{"secret.isnull": true}'},
    ],
)
def test_a_hidden_column_can_be_asked_for_in_no_way(library, asked):
    with pytest.raises(Refusal) as refused:
        library.page("Item", Sight(hidden=lambda model: frozenset({"secret"})), **asked)
    assert refused.value.code == "not_understood"
    assert "has no column" in refused.value.message


def test_a_hidden_column_is_neither_selected_nor_searched(library):
    library.add(Item, {"part": 1, "co,de": "x", "secret": "treasure"})
    sent = []
    sa.event.listen(library.engine, "before_cursor_execute", lambda c, cursor, sql, *more: sent.append(sql))
    page = library.page("Item", Sight(hidden=lambda model: frozenset({"secret"})), q="treasure")
    assert page.rows == ()
    assert not any("secret" in sql for sql in sent)


def test_a_model_that_may_not_be_seen_is_forbidden(library):
    with pytest.raises(Refusal, match="may not see"):
        library.page("Item", Sight(may=lambda verb, model: model.name != "Item"))


def test_a_class_that_derives_from_another_is_listed_with_its_own_rows(library):
    library.add(
        Animal, *({"id": n, "kind": kind, "name": f"n{n}"} for n, kind in enumerate(("dog", "cat", "animal"), 1))
    )
    library.add(Dog, {"id": 1, "trick": "sit"})
    found = {name: [row.key for row in library.page(name).rows] for name in ("Animal", "Dog", "Cat")}
    assert found == {"Animal": ["1", "2", "3"], "Dog": ["1"], "Cat": ["2"]}
    assert library.page("Dog").rows[0].values["trick"] == "sit"
    assert library.page("Cat").count.value == 1


def test_a_rule_for_a_class_holds_above_and_below_it(library):
    library.add(Animal, *({"id": n, "kind": kind, "name": f"n{n}"} for n, kind in enumerate(("dog", "cat", "dog"), 1)))
    library.add(Dog, {"id": 1, "trick": "sit"}, {"id": 3, "trick": "bite"})
    of_dogs = Sight(rows=lambda model: Dog.trick == "sit" if model.class_ is Dog else None)
    of_animals = Sight(rows=lambda model: Animal.id > 1 if model.class_ is Animal else None)
    assert [row.key for row in library.page("Animal", of_dogs).rows] == ["1", "2"]
    assert [row.key for row in library.page("Dog", of_animals).rows] == ["3"]
    assert [row.key for row in library.page("Cat", of_animals).rows] == ["2"]


def test_a_table_without_a_key_is_paged_as_well(library):
    table = sa.Table("no key", sa.MetaData(), sa.Column("word", sa.String(10)))
    table.create(library.engine)
    with library.engine.begin() as connection:
        connection.execute(table.insert(), [{"word": word} for word in ("a", "a", "b", "a")])
    reflected = Library(library.engine, Models.reflected(library.engine))
    forwards, backwards = reflected.walk("no~20key", sort=("-word",), size=1)
    assert [row.values["word"] for row in forwards] == ["b", "a", "a", "a"]
    assert len(backwards) == 4
    assert {row.key for row in forwards} == {None}


def test_a_value_that_does_not_belong_to_its_column_hides_no_page(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'odd.db'}")
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            'INSERT INTO "an item" (part, "co,de", day, price)'
            " VALUES (1, 'x', 'someday', 'dear'), (2, 'y', NULL, 1)"
        )
    forwards, backwards = Library(engine).walk("Item", sort=("day", "-price"), size=1)
    assert [row.key for row in forwards] == [row.key for row in backwards] == ["2,y", "1,x"]
    assert forwards[1].values["day"] == "someday"
    engine.dispose()


def test_a_query_that_takes_too_long_is_stopped_and_says_why(library):
    library.add(Item, *({"part": n, "co,de": "x", "text": str(n)} for n in range(3)))
    endless = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        "postgresql": "SELECT 1 FROM pg_sleep(60)",
        "mariadb": "SELECT BENCHMARK(1000000000000, MD5(part))",
    }[library.engine.dialect.name]
    slow = Sight(rows=lambda model: sa.text(f"({endless}) > 0") if model.class_ is Item else None)
    bounded = Library(library.engine, records_seconds=0.2)
    begun = time.monotonic()
    with pytest.raises(Refusal) as refused:
        bounded.page("Item", slow, sort=("text",))
    assert refused.value.code == "overloaded"
    assert refused.value.message == "The sort by text has no index: stopped after 0.2 s."
    assert time.monotonic() - begun < 30
    assert len(bounded.page("Item").rows) == 3


def test_a_mariadb_whose_address_says_mysql_is_read_within_the_same_time(mariadb_url):
    Base.metadata.create_all(sa.create_engine(mariadb_url))
    library = Library(sa.create_engine(sa.make_url(mariadb_url).set(drivername="mysql+pymysql")), records_seconds=0.2)
    library.add(Shelf, {"id": 1, "name": "low"})
    slow = Sight(rows=lambda model: sa.text("(SELECT BENCHMARK(1000000000000, MD5(shelf.id))) > 0"))
    with pytest.raises(Refusal) as refused:
        library.page("Shelf", slow)
    assert refused.value.code == "overloaded"
    assert [row.key for row in library.page("Shelf", q="low").rows] == ["1"]
    library.engine.dispose()


@pytest.mark.parametrize("sort", [(), ("-part", "code"), ("number",), ("-text",)])
def test_a_search_counts_on_from_its_page(library, sort):
    library.add(Item, *({"part": n // 3, "co,de": f"c{n}", "order": n % 4 or None, "text": "lamp"} for n in range(30)))
    library.add(Item, {"part": 0, "co,de": "other", "text": "rug"})
    patient = Library(library.engine, search_count_seconds=10.0)
    page = patient.page("Item", q="LAMP", sort=sort, size=5)
    assert (len(page.rows), page.count) == (5, Count(30, True))
    assert patient.page("Item", q="lamp", sort=sort, size=30).count == Count(30, True)
    bounded = Library(library.engine, search_count_seconds=10.0, records_count=12)
    assert bounded.page("Item", q="lamp", sort=sort, size=5).count == Count(12, False)
    forwards, backwards = patient.walk("Item", q="lamp", sort=sort, size=7)
    assert len({row.key for row in forwards}) == len(forwards) == len(backwards) == 30


def test_a_search_that_counts_too_long_says_that_there_are_more(library):
    library.add(Item, *({"part": n, "co,de": "x", "text": "lamp " * 50} for n in range(3_000)))
    hurried = Library(library.engine, search_count_seconds=0.000_001)
    slow = {
        "mariadb": "(SELECT count(*) FROM `an item` AS other WHERE other.part < `an item`.part) >= 0",
    }.get(library.engine.dialect.name, '(SELECT count(*) FROM "an item" o WHERE o.part < "an item".part) >= 0')
    sight = Sight(rows=lambda model: sa.text(slow) if model.class_ is Item else None)
    page = hurried.page("Item", sight, q="lamp", size=5)
    assert (len(page.rows), page.count) == (5, Count(5, False))
