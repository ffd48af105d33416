"""Do mappings that admins stumble over work on every page of records?"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from dashboard.app import create_app
from tests.pages import odd_mappings as odd
from tests.pages.conftest import Browser, Script, close
from tests.pages.drawn import as_dict, fields_of


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def house(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    url = f"sqlite:///{folder / 'odd.db'}"
    url = url if request.param == "sqlite" else request.getfixturevalue(request.param).new_database()
    engine = sa.create_engine(url)
    odd.Base.metadata.create_all(engine)
    with engine.begin() as connection:
        plots = [{"id": n, "kind": "garden" if n == 9 else "plot", "first": f"f{n}", "last": "l", "x": n, "y": 2}
                 for n in range(1, 10)]  # fmt: skip
        connection.execute(odd.Plot.__table__.insert(), [{**each, "notes": "long", "above_id": 1} for each in plots])
        connection.execute(odd.Garden.__table__.insert(), [{"id": 9, "flowers": 3}])
        for class_, many in ((odd.Visit, 30), (odd.Log, 20)):
            connection.execute(class_.__table__.insert(), [{"id": n, "plot_id": 2} for n in range(1, many + 1)])
        connection.execute(odd.Label.__table__.insert(), [{"id": n, "word": f"w{n}", "plot_id": 2} for n in (1, 2)])
        if engine.name == "postgresql":
            connection.exec_driver_sql("SELECT setval('plot_id_seq', 100)")
    settings = {"DASHBOARD_INSTANCE": str(folder / "instance"), "DASHBOARD_MODELS": "tests.pages.odd_mappings"}
    app = create_app({"DATABASE_URL": url, "TESTING": True, **settings})
    yield SimpleNamespace(engine=engine, browser=Browser(app), editor=Script(app, "editor"))
    close(app)
    engine.dispose()


def test_they_are_listed_sorted_filtered_searched_and_exported(house):
    listed = house.editor.get("/records/Plot/?size=4").json
    assert {"whole", "first", "x"} <= set(listed["columns"])
    assert not {"notes", "title", "at", "size", "words"} & set(listed["columns"])
    assert listed["rows"][0]["values"]["whole"] == "f1 l"
    following = house.editor.get(listed["next"]).json
    assert [row["key"] for row in following["rows"]] == ["5", "6", "7", "8"]
    for query in ("sort=-whole", "f.whole.eq=f3+l", "q=f3", "columns=notes,whole", "sort=whole&size=2"):
        answer = house.editor.get(f"/records/Plot/?{query}")
        assert (answer.status_code, len(answer.json["rows"]) > 0) == (200, True), answer.text
    assert len(house.editor.get("/records/Plot/~/export?columns=id,whole,notes").text.splitlines()) == 10
    assert [row["key"] for row in house.editor.get("/records/Garden/").json["rows"]] == ["9"]


def test_their_collections_are_counted_and_paged_and_never_loaded_whole(house):
    related = {each["name"]: each["count"]["value"] for each in house.editor.get("/records/Plot/2").json["related"]}
    assert related == {"labels": 2, "visits": 30, "logs": 20, "below": 0}
    for name, count in (("visits", 30), ("logs", 20)):
        href, seen = f"/records/Plot/2/related/{name}?size=8", []
        while href:
            answer = house.editor.get(href).json
            href, seen = answer["next"], seen + answer["rows"]
        assert len({row["key"] for row in seen}) == count
    assert house.browser.get("/records/Plot/2").status_code == 200


@pytest.mark.parametrize("path", ["Plot/2", "Garden/9", "Visit/1", "Label/1"])
def test_their_forms_are_sent_back_unchanged_and_changed(house, path):
    fields = as_dict(fields_of(house.browser.get(f"/records/{path}/edit").text))
    assert not {"values.whole", "values.size", "values.words", "values.visits", "values.logs"} & set(fields)
    assert house.browser.client.post(f"/records/{path}", data=fields).status_code == 303
    assert house.editor.get(f"/records/{path}").json["history"] == []
    name, text = ("first", "anew") if "values.first" in fields else ("plot_id", "3")
    name = "word" if "values.word" in fields else name
    answer = house.browser.client.post(f"/records/{path}", data={**fields, f"values.{name}": text})
    assert answer.status_code == 303, answer.text
    changed = house.editor.get(f"/records/{path}").json
    assert changed["values"][name] in (text, 3)
    assert len(changed["history"]) == 1


def test_they_are_made_edited_in_bulk_staged_and_deleted(house):
    made = house.editor.post("/records/Garden/", {"values": {"first": "new", "flowers": 2, "x": 1, "y": 1}})
    assert made.status_code == 201, made.text
    key = made.json["key"]
    assert house.editor.get(f"/records/Plot/{key}").json["values"]["kind"] == "garden"
    body = {"action": "edit", "keys": ["3", "4", key], "values": {"last": "all"}}
    assert house.editor.post("/records/Plot/~/bulk", body).status_code == 200
    assert house.editor.get(f"/records/Garden/{key}").json["values"]["last"] == "all"
    house.editor.post("/workspaces/", {"name": "w"})
    for model, of in (("Plot", "5"), ("Garden", key)):
        answer = house.editor.post("/workspaces/w/load", {"model": model, "key": of})
        assert answer.status_code == 200, answer.text
    house.editor.post("/workspaces/w/discard")
    assert house.editor.get(f"/records/Garden/{key}/delete").status_code == 200
    assert house.editor.post(f"/records/Garden/{key}/delete").status_code == 200
    assert house.editor.get(f"/records/Plot/{key}").status_code == 404
