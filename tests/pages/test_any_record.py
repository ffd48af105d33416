"""Of any value and any key: what is shown and sent back writes nothing, what fits is stored, a delete takes one row."""

from __future__ import annotations

import os
import threading
from datetime import date, datetime, time
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dashboard.app import create_app
from dashboard.records.keys import encode
from tests.pages import gallery
from tests.pages.conftest import Browser, Script, close
from tests.pages.drawn import as_dict, fields_of
from tests.pages.inputs import JUNK, values_of

pytestmark = pytest.mark.soak
SOAK = bool(os.environ.get("SOAK"))
EXAMPLES = 300 if SOAK else 10
SAVES = 1_000 if SOAK else 40
slow = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
COLUMNS = {
    column.name: column
    for column in gallery.Piece.__table__.columns
    if column.computed is None and column.name not in ("id",)
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def house(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    url = f"sqlite:///{folder / 'gallery.db'}"
    if request.param != "sqlite":
        url = request.getfixturevalue(request.param).new_database()
    engine = sa.create_engine(url)
    gallery.Base.metadata.create_all(engine)
    app = create_app(
        {
            "DASHBOARD_INSTANCE": str(folder / "instance"),
            "DATABASE_URL": url,
            "DASHBOARD_MODELS": "tests.pages.gallery",
            "TESTING": True,
        }
    )
    yield SimpleNamespace(app=app, engine=engine, browser=Browser(app), editor=Script(app, "editor"))
    close(app)
    engine.dispose()


@pytest.fixture(scope="module")
def statements(house):
    found = []
    workspaces = house.app.extensions["poolhouse"].workspaces
    engine = workspaces._lives.registry("default").main.engine

    def before(connection, cursor, statement, *rest):
        if statement.split(" ", 1)[0].upper() in ("INSERT", "UPDATE", "DELETE"):
            found.append(statement)

    sa.event.listen(engine, "before_cursor_execute", before)
    return found


def new_row(house, values):
    with house.engine.begin() as connection:
        made = connection.execute(sa.insert(gallery.Piece).values(values))
        return made.inserted_primary_key[0]


def stored(house, key):
    with house.engine.connect() as connection:
        statement = sa.select(gallery.Piece.__table__).where(gallery.Piece.id == int(key))
        return dict(connection.execute(statement).mappings().one())


def pieces():
    return st.fixed_dictionaries({name: values_of(column) for name, column in COLUMNS.items()})


@slow
@given(piece=pieces())
def test_what_is_shown_and_sent_back_writes_nothing(house, statements, piece):
    key = new_row(house, {name: sent.python for name, sent in piece.items()})
    before = stored(house, key)
    page = house.browser.get(f"/records/Piece/{key}/edit")
    assert page.status_code == 200, page.text
    statements.clear()
    answer = house.browser.client.post(f"/records/Piece/{key}", data=as_dict(fields_of(page.text)))
    assert answer.status_code == 303, answer.text
    shown = house.editor.get(f"/records/Piece/{key}").json["values"]
    for body in ({"values": shown}, {"values": shown, "base": shown}):
        assert house.editor.post(f"/records/Piece/{key}", body).status_code == 200
    assert statements == []
    assert stored(house, key) == before


@slow
@given(name=st.sampled_from(sorted(COLUMNS)), data=st.data())
def test_what_fits_is_stored_and_shown_as_it_was_sent(house, name, data):
    sent = data.draw(values_of(COLUMNS[name]))
    assume(house.engine.name != "mariadb" or name != "span" or sent.text is None or ".000000S" in sent.text)
    answer = house.editor.post("/records/Piece/", {"values": {name: sent.json}})
    assert answer.status_code == 201, answer.text
    key = answer.json["key"]
    other = new_row(house, {})
    fields = as_dict(fields_of(house.browser.get(f"/records/Piece/{other}/edit").text))
    changed = as_form(name, sent, fields)  # which takes the tick of NULL out of the fields
    house.browser.client.post(f"/records/Piece/{other}", data={**fields, **changed})
    with_json, with_form = stored(house, key), stored(house, other)
    is_null = sent.python is sa.JSON.NULL or isinstance(sent.python, sa.sql.elements.Null)  # both read as None
    expected = None if is_null else sent.python
    for found in (with_json, with_form):
        assert found[name] == pytest.approx(expected) if isinstance(expected, float) else found[name] == expected
    again = house.editor.get(f"/records/Piece/{key}").json["values"][name]
    assert house.editor.get(f"/records/Piece/{other}").json["values"][name] == again


def test_a_value_that_the_database_alone_refuses_is_422_at_its_field(house):
    odd = "3dcc1aca-5989-b65b-259e-5c82261029ee"  # MariaDB takes no UUID of a version that nobody has defined
    answer = house.editor.post("/records/Piece/", {"values": {"token": odd}})
    if house.engine.name == "mariadb":
        assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, ["token"]), answer.text
    else:
        assert answer.json["values"]["token"] == odd


def as_form(name, sent, fields):
    if sent.text is None:
        return {f"null.{name}": "1"}
    if name == "data":  # as text, where no file can be sent
        return {f"values.{name}": sent.text}
    fields.pop(f"null.{name}", None)
    return {f"values.{name}": sent.text.replace("\r\n", "\n")}


@slow
@given(name=st.sampled_from(sorted(set(COLUMNS))), junk=st.sampled_from(JUNK))
def test_what_does_not_fit_is_422_at_its_field(house, statements, name, junk):
    assume(not (name == "document" and isinstance(junk, dict)))
    statements.clear()
    answer = house.editor.post("/records/Piece/", {"values": {name: junk}})
    assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, [name]), answer.text
    key = new_row(house, {})
    answer = house.editor.post(f"/records/Piece/{key}", {"values": {name: junk}})
    assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, [name]), answer.text
    assert statements == []


# keys

WORDS = [
    "export",
    "new",
    "~",
    "a,b",
    "a",
    "b",
    "a/b",
    "%",
    "50%",
    "..",
    ".",
    "'",
    '"',
    "a\nb",
    "🙂",
    "",
    " ",
    "a ",
    "é",
    "~0",
]
words = st.sampled_from(WORDS) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@slow
@given(keys=st.lists(words, min_size=2, max_size=5, unique=True))
def test_a_delete_of_a_key_of_any_text_touches_exactly_that_row(house, keys):
    with house.engine.begin() as connection:
        connection.execute(sa.delete(gallery.Word))
        connection.execute(sa.insert(gallery.Word), [{"word": key, "meaning": "m"} for key in keys])
    gone = f"/records/Word/{encode([keys[0]])}"
    assert house.editor.get(gone).json["values"]["word"] == keys[0]
    assert house.editor.get(gone + "/edit").status_code == 200
    assert house.editor.get(gone + "/delete").json["key"] == encode([keys[0]])
    assert house.editor.post(gone, {"values": {"meaning": "changed"}}).json["values"]["meaning"] == "changed"
    assert house.editor.post(gone + "/delete").status_code == 200
    assert house.editor.get(gone).status_code == 404
    with house.engine.connect() as connection:
        left = connection.execute(sa.select(gallery.Word.word, gallery.Word.meaning)).all()
    assert sorted(left) == sorted((key, "m") for key in keys[1:])


@slow
@given(shelf=words, day=st.dates(), token=st.uuids(version=4), data=st.binary(max_size=30))
def test_keys_of_several_parts_and_of_bytes_round_trip(house, shelf, day, token, data):
    with house.engine.begin() as connection:
        for class_ in (gallery.Place, gallery.Blob):
            connection.execute(sa.delete(class_))
        connection.execute(sa.insert(gallery.Place), [{"shelf": shelf, "day": day, "token": token}])
        connection.execute(sa.insert(gallery.Blob), [{"data": data}, {"data": data + b"\0"}])
    listed = house.editor.get("/records/Place/").json["rows"]
    assert house.editor.post(f"/records/Place/{listed[0]['key']}/delete").status_code == 200
    assert house.editor.get("/records/Place/").json["rows"] == []
    for row in house.editor.get("/records/Blob/").json["rows"][:1]:
        assert house.editor.post(f"/records/Blob/{row['key']}", {"values": {"meaning": "m"}}).status_code == 200
        assert house.editor.post(f"/records/Blob/{row['key']}/delete").status_code == 200
    with house.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(gallery.Blob)) == 1


# lost updates


@pytest.mark.parametrize("way", ["form", "workspace"])
def test_no_update_is_lost_among_many_who_read_and_save(house, way):
    """Form against form, and form against workspace: each retries what it is refused."""
    with house.engine.begin() as connection:
        connection.execute(sa.delete(gallery.Counter))
        connection.execute(sa.insert(gallery.Counter), [{"id": 1, "count": 0}])
    done, left, guard = [], list(range(SAVES)), threading.Lock()

    def work(number):
        editor = Script(house.app, "editor")
        edit = by_form if way == "form" or number % 2 else by_workspace
        while True:
            with guard:
                if not left:
                    return
                left.pop()
            while not edit(editor, f"{way}-{number}"):
                pass
            done.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with house.engine.connect() as connection:
        assert (connection.scalar(sa.select(gallery.Counter.count)), len(done)) == (SAVES, SAVES)


REFUSED = (409, 423, 503)


def by_form(editor, name):
    now = editor.get("/records/Counter/1").json["values"]["count"]
    answer = editor.post("/records/Counter/1", {"values": {"count": now + 1}, "base": {"count": now}})
    assert answer.status_code in (200, *REFUSED), answer.text
    return answer.status_code == 200


def by_workspace(editor, name):
    editor.post("/workspaces/", {"name": name})
    loaded = editor.post(f"/workspaces/{name}/load", {"model": "Counter", "key": "1"}).json
    ref = loaded["ref"]
    editor.post(f"/workspaces/{name}/objects/{ref}/refresh")
    now = editor.get(f"/workspaces/{name}/").json["objects"][0]["values"].get("count")
    staged = editor.post(f"/workspaces/{name}/objects/{ref}/values", {"values": {"count": now + 1}})
    assert staged.status_code == 200, staged.text
    answer = editor.post(f"/workspaces/{name}/commit")
    assert answer.status_code in (200, *REFUSED), answer.text
    editor.post(f"/workspaces/{name}/discard")
    return answer.status_code == 200


def test_kinds_are_drawn_with_their_own_controls(house):
    values = {"day": date(2026, 1, 2), "clock": time(3, 4), "moment": datetime(2026, 1, 2, 3, 4), "document": {"a": 1}}
    page = house.browser.get(f"/records/Piece/{new_row(house, values)}/edit").text
    for sign in ('value="2026-01-02"', 'value="03:04:00"', 'value="2026-01-02T03:04:00"', "<option>dark_green"):
        assert sign in page
    assert 'name="values.doubled"' not in page
    assert 'data-column="doubled"' in page
