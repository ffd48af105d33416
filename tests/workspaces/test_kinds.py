"""Each kind of class and relationship is staged, restored by another worker, and written as by a plain Session."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.refusal import Refusal
from tests.workspaces import kinds
from tests.workspaces.comparison import Both
from tests.workspaces.desk import Desk
from tests.workspaces.worlds import AnyPlain


@pytest.fixture(params=["never-sqlite", "always-sqlite", "other-postgresql", "always-mariadb"])
def both(request, new_database, tmp_path):
    restore, database = request.param.split("-")
    urls = () if database == "sqlite" else (new_database(database), new_database(database))
    with Both(tmp_path, restore=restore, world=kinds, plain=AnyPlain, urls=urls) as made:
        yield made


@pytest.fixture
def strange(database_url, tmp_path):
    """A workspace on a row whose values no snapshot keeps."""
    with Desk(database_url, f"sqlite:///{tmp_path / 'store.db'}", world=kinds) as desk:
        with sa_orm.Session(desk.engine) as session:
            session.add(kinds.Everything(id=9, words="nine", **kinds.STRANGE))
            session.commit()
        desk.open()
        yield desk


def new(both, model, *, add=True, **values):
    return both.do("objects", model=model, values=values, add=add)


def load(both, model, key):
    return both.do("load", model=model, key=key)


def give(both, ref, **values):
    both.do("values", ref, values=values)


def test_objects_without_a_key_point_to_each_other(both):
    seat = new(both, "Seat", row="C", number=1)
    ticket = new(both, "Ticket", seat=seat)
    other = new(both, "Ticket", add=False)
    give(both, seat, tickets=[ticket, other])
    boss, eve = new(both, "Manager", name="Boss"), new(both, "Engineer", name="Eve")
    give(both, eve, manager=boss, friends=[boss])
    give(both, boss, friends=[eve])
    both.do("flush")
    both.do("rollback")
    both.do("add", eve)
    both.do("commit")
    both.do("read", boss, attribute="team")


def test_a_many_to_many_set_of_the_same_class(both):
    pat, boss = load(both, "Person", "1"), load(both, "Manager", "2")
    both.do("read", boss, attribute="friends")
    give(both, boss, friends=[pat])
    give(both, pat, friends=[boss], friend_of=[boss])
    both.do("flush")
    give(both, boss, friends=[])
    both.do("read", pat, attribute="friend_of")
    both.do("commit")
    both.do("delete", pat)
    both.do("commit")


def test_a_composite_key_that_another_table_points_to(both):
    first, ticket = load(both, "Seat", "A,1"), load(both, "Ticket", "1")
    give(both, ticket, seat=None)
    both.do("flush")
    give(both, ticket, seat="Seat:A,1")
    new(both, "Seat", row="Z", number=9)
    give(both, ticket, seat="Seat:new-1")
    both.do("read", first, attribute="tickets")
    both.do("commit")
    both.do("read", "Seat:new-1", attribute="tickets")


def test_a_natural_key_with_a_default_of_the_server_and_a_dictionary(both):
    country = new(both, "Country", code="f/r,")
    city = new(both, "City", name="Paris", country=country)
    both.do("flush")
    both.do("read", country, attribute="people")
    both.do("read", city, attribute="loud")
    both.do("commit")
    norway = load(both, "Country", "no")
    both.do("read", norway, attribute="cities")
    give(both, norway, cities=[])
    both.do("flush")
    both.do("rollback")
    give(both, norway, capital=None)
    both.do("commit")


def test_a_dictionary_whose_members_are_expired(both):
    country = load(both, "Country", "no")
    both.do("read", country, attribute="cities")
    for each in both.desk.view().objects:
        if each["model"] == "City":
            both.do("expire", each["ref"])
    both.do("read", country, attribute="people")
    both.do("read", country, attribute="cities")
    both.do("commit")


def test_a_dictionary_comes_back_when_its_flush_is_lost(database_url, tmp_path):
    with Desk(database_url, f"sqlite:///{tmp_path / 'store.db'}", world=kinds) as desk:
        desk.open()
        desk.load("Country", "no")
        desk.do("read", "Country:no", attribute="cities")
        desk.make("City", name="Molde", country="Country:no")
        desk.do("flush")
        desk.make("City", name="Hamar", country="Country:no")
        desk.do("expire", "City:new-1")
        desk.forget()
        desk.do("commit")
        names = desk.rows("select name from city where country_code = 'no' order by name")
        assert names == [("Bergen",), ("Hamar",), ("Molde",), ("Oslo",)]


def test_a_natural_key_changes(both):
    country = load(both, "Country", "no")
    both.do("read", country, attribute="cities")
    give(both, country, name="Norge")
    both.do("flush")
    both.do("delete", country)
    both.do("rollback")
    both.do("refresh", country)


def test_joined_inheritance(both):
    assert load(both, "Person", "3") == "Engineer:3"
    boss = load(both, "Manager", "2")
    both.do("read", boss, attribute="team")
    new(both, "Engineer", name="Ede", language="C")
    give(both, "Engineer:new-1", manager=boss)
    both.do("commit")
    give(both, "Engineer:new-1", name="Edith", language="Ada")
    both.do("flush")
    both.do("delete", "Engineer:new-1")
    both.do("commit")
    both.do("merge", new(both, "Manager", add=False, name="Other"))


def test_single_table_inheritance_with_a_version(both):
    truck = load(both, "Truck", "2")
    both.do("read", truck, attribute="trailer")
    give(both, truck, load=9, trailer=None)
    both.do("flush")
    give(both, truck, wheels=6)
    both.do("commit")
    fresh = new(both, "Truck", load=1)
    load(both, "Vehicle", "1")
    give(both, fresh, trailer="Vehicle:1")
    both.do("commit")
    both.do("delete", truck)
    both.do("commit")


def test_concrete_inheritance(both):
    shape, circle = load(both, "Shape", "1"), load(both, "Circle", "1")
    give(both, circle, colour="pink", radius=5)
    give(both, shape, colour="grey")
    both.do("commit")
    new(both, "Circle", colour="new")
    both.do("expunge", circle)
    both.do("commit")


def test_every_column_kind(both):
    full, empty = load(both, "Everything", "1"), load(both, "Everything", "2")
    both.do("read", full, attribute="blob")
    values = {name: value for name, value in both.desk[full]["values"].items() if value is not None and name != "id"}
    give(both, empty, **values)
    new(both, "Everything", **values)
    give(both, full, **dict.fromkeys(values))
    both.do("flush")
    both.do("expire-all")
    for ref in (full, empty, "Everything:new-1"):
        both.do("read", ref, attribute="document")
    both.do("commit")


def test_a_value_that_cannot_be_kept_is_refused_by_name_when_it_is_staged(strange):
    for name in ("pickled", "length"):
        with pytest.raises(Refusal) as refused:
            strange.make("Everything", **{name: "x", "words": "y"})
        assert (refused.value.code, list(refused.value.fields)) == ("invalid", [name])
    assert strange.view().objects == ()


def test_what_the_class_itself_makes_of_a_value_is_refused_by_name_too(strange):
    def strange_length(target, value, oldvalue, initiator):
        target.length = kinds.Length(1)

    sa.event.listen(kinds.Everything.words, "set", strange_length)
    try:
        with pytest.raises(Refusal) as refused:
            strange.make("Everything", words="x")
    finally:
        sa.event.remove(kinds.Everything.words, "set", strange_length)
    assert list(refused.value.fields) == ["length"]
    assert strange.view().objects == ()


def test_a_loaded_value_that_cannot_be_kept_is_read_anew_and_never_written(strange):
    strange.load("Everything", 9)
    assert strange.badge("Everything:9") == "persistent"
    strange.set("Everything:9", words="other")
    strange.forget()
    strange.do("commit")
    assert strange.sql() == ["UPDATE everything"]
    strange.do("read", "Everything:9", attribute="length")
    assert strange["Everything:9"]["values"]["length"] == "3 m"
    with sa_orm.Session(strange.engine) as session:
        found = session.get(kinds.Everything, 9)
        assert (found.pickled, found.length.number, found.words) == ({1, 2}, 3, "other")
