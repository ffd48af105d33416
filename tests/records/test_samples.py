"""Do well-known databases that nobody here made work whole? Every table is opened, paged to its end and back, and one
edit is saved and taken back, on all three databases: each of them on one, and on all of them where SOAK is set."""

from __future__ import annotations

import itertools
import os
import re
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from dashboard.app import create_app
from tests.pages.conftest import Browser, Script, close
from tests.pages.drawn import as_dict, fields_of
from tests.records import samples

ROWS, SIZE = 25, 7
PLAIN = ("text", "long text", "integer", "numeric")
pytestmark = pytest.mark.soak


KINDS = ("sqlite", "postgresql", "mariadb")
TRIED = (
    itertools.product(samples.SAMPLES, KINDS) if os.environ.get("SOAK") else zip(samples.SAMPLES, KINDS, strict=True)
)


@pytest.fixture(scope="module", params=TRIED, ids="-".join)
def house(request, tmp_path_factory):
    sample, kind = request.param
    folder = tmp_path_factory.mktemp(sample)
    url = f"sqlite:///{folder / 'sample.db'}" if kind == "sqlite" else request.getfixturevalue(kind).new_database()
    engine = sa.create_engine(url)
    samples.make(engine, sample, ROWS)
    app = create_app({"DASHBOARD_INSTANCE": str(folder / "instance"), "DATABASE_URL": url, "TESTING": True})
    known = app.extensions["poolhouse"].databases["default"].models
    models = [model for model in known if model.mapper.local_table.schema is None]  # MariaDB's account sees others' too
    yield SimpleNamespace(app=app, engine=engine, models=models, browser=Browser(app), editor=Script(app, "editor"))
    close(app)
    engine.dispose()


def counted(house, model):
    with house.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(model.mapper.local_table))


def pages(house, href, direction):
    while href:
        answer = house.editor.get(href)
        assert answer.status_code == 200, answer.text
        yield answer.json
        href = answer.json[direction]


def test_every_table_and_view_is_there(house):
    listed = house.editor.get("/records/").json["models"]
    with house.engine.connect() as connection:
        inspector = sa.inspect(connection)
        names = {*inspector.get_table_names(), *inspector.get_view_names()}
    assert {each["title"] for each in listed} >= names
    assert all(each["count"] is not None and each["problem"] is None for each in listed)


def test_every_table_is_paged_to_its_end_and_back_with_no_row_missing_or_twice(house):
    for model in house.models:
        total = counted(house, model)
        sorts = ["", *(f"&sort={sign}{column.name}" for sign in ("", "-") for column in sortable(model)[:1])]
        for sort in sorts:
            found = list(pages(house, f"/records/{model.name}/?size={SIZE}{sort}", "next"))
            keys = [row["key"] or str(row["values"]) for each in found for row in each["rows"]]
            assert len(keys) == total, (model.name, sort)
            if not model.keyless:
                assert len(set(keys)) == total, (model.name, sort)
            back = list(pages(house, found[-1]["previous"], "previous")) if len(found) > 1 else []
            backwards = [row["key"] or str(row["values"]) for each in reversed(back) for row in each["rows"]]
            assert backwards == keys[: len(backwards)], (model.name, sort)
            assert len(backwards) == total - len(found[-1]["rows"]), (model.name, sort)


def sortable(model):
    from dashboard.records.search import is_sortable

    return [column for column in model.columns if is_sortable(column) and not column.primary_key]


def test_every_table_is_shown_as_a_page_with_a_record_and_its_form(house):
    for model in house.models:
        page = house.browser.get(f"/records/{model.name}/")
        assert page.status_code == 200, page.text
        assert house.browser.get(f"/records/{model.name}/?q=O'Brien").status_code == 200
        for key in re.findall(r'<tr data-key="([^"]+)"', page.text)[:2]:
            for path in ("", "/edit", "/delete"):
                answer = house.browser.get(f"/records/{model.name}/{key}{path}")
                assert answer.status_code == (403 if path and model.read_only else 200), answer.text


def stored(house, model):
    table = model.mapper.local_table
    kept = [column for column in table.columns if column.name not in ("last_update", "location")]
    with house.engine.connect() as connection:
        return sorted(map(repr, connection.execute(sa.select(*kept)).all()))


def test_an_edit_of_every_table_is_saved_and_taken_back(house):
    """What a form shows and gets back writes nothing; one change is written, and History's undo takes it back."""
    edited = []
    for model in (each for each in house.models if not each.read_only):
        before = stored(house, model)
        listed = house.editor.get(f"/records/{model.name}/?size=3").json["rows"]
        assert listed, model.name
        key = listed[-1]["key"]
        path = f"/records/{model.name}/{key}"
        fields = as_dict(fields_of(house.browser.get(path + "/edit").text))
        answer = house.browser.client.post(path, data=fields)
        assert (answer.status_code, stored(house, model)) == (303, before), (model.name, answer.text)
        number = change(house, model, path, fields)
        assert stored(house, model) != before, model.name
        undone = house.editor.post(f"/history/{number}/undo")
        assert undone.status_code == 201, (model.name, undone.text)
        answer = house.editor.post(f"/workspaces/{undone.json['name']}/commit")
        assert answer.status_code == 200, (model.name, answer.text)
        assert stored(house, model) == before, model.name
        edited.append(model.name)
    assert len(edited) >= 11


def change(house, model, path, fields):
    """Edits a text or a number, else a foreign key; what has neither beside its key is deleted."""
    free = [column for column in model.columns if column.editable and not column.primary_key]
    plain = [column for column in free if not column.foreign_key and column.kind.name in PLAIN]
    pointing = [column for column in free if column.foreign_key and not column.unique]
    if plain or pointing:
        name = (plain or pointing)[0].name
        fields.pop(f"null.{name}", None)
        answer = house.browser.client.post(path, data={**fields, f"values.{name}": "7"})
    else:
        answer = house.browser.client.post(path + "/delete", data={"csrf": house.browser.csrf})
    assert answer.status_code == 303, (model.name, answer.text)
    return house.editor.get("/history/").json["change_sets"][0]["number"]
