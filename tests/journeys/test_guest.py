"""Does the wheel do in somebody else's app what it promises, and nothing else?"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.journeys.host import Host, laid, take_out_our_lines
from tests.journeys.server import environment
from tests.journeys.visitor import Visitor
from tests.journeys.waiting import until


def snapshot(python: Path, folder: Path, instance: Path) -> dict:
    """What snapshot.py says of the app in a process of its own."""
    command = [str(python), "-B", "snapshot.py"]
    env = environment(instance, 0, {"DASHBOARD_ADMIN_PASSWORD": "correct horse", "PYTHONHASHSEED": "0"})
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def without_guest(seen):
    """A snapshot less what design.md allows: blueprint, teardown, receiver, commands, entry, threads; each by name."""
    if isinstance(seen, dict):
        return {key: without_guest(value) for key, value in seen.items() if not key.startswith("poolhouse")}
    if isinstance(seen, list):
        return [without_guest(item) for item in seen if not is_ours(item)]
    return seen


def is_ours(item) -> bool:
    return isinstance(item, str) and item.startswith(("poolhouse", "/ops/"))


def tables(file: Path) -> list:
    connection = sqlite3.connect(file)
    try:
        return connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
    finally:
        connection.close()


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def shop(installed, tmp_path_factory):
    """The foreign shop with its guest, running; and its instance folder for Poolhouse."""
    place = tmp_path_factory.mktemp("shop")
    with Host(installed, laid(place / "shop"), place / "poolhouse") as host:
        yield host


@pytest.fixture(scope="module")
def token(shop):
    return shop.command("poolhouse", "token", "create", "script", "--role", "editor").splitlines()[-1]


@pytest.fixture
def editor(shop, token):
    visitor = Visitor(shop.url)
    return lambda path, data=None: visitor.json(f"/ops{path}", data, Authorization=f"Bearer {token}")


def test_the_shop_inside_and_outside_is_the_same_with_its_guest_and_without(installed, tmp_path):
    folder, instance = tmp_path / "shop", tmp_path / "poolhouse"
    without = snapshot(installed, laid(folder, with_guest=False), instance)
    assert not instance.exists()
    with_it = snapshot(installed, laid(folder), instance)
    assert instance.exists()
    assert "poolhouse" in with_it["inside"]["blueprints"]
    assert without_guest(with_it) == without
    ours = [hook for hook in with_it["inside"]["teardown_request_funcs"]["None"] if is_ours(hook)]
    assert ours == ["poolhouse.extension.Dashboard.mount.<locals>.serve"]
    heard = [name for name in with_it["inside"]["signals"]["got_request_exception"] if is_ours(name)]
    assert heard == ["poolhouse.host.note_error_of_request"]
    # among the answers: the shop's forms without their token, its own 403, 404, 405 and 500, and its cookies
    assert {"200", "302", "400", "403", "404", "405", "500"} == {answer[3][:3] for answer in without["outside"]}
    assert any(name == "Set-Cookie" for answer in without["outside"] for name, _ in answer[4])


def test_removing_the_lines_and_the_folder_leaves_no_trace(installed, tmp_path):
    folder, instance = tmp_path / "shop", tmp_path / "poolhouse"
    before = snapshot(installed, laid(folder, with_guest=False), instance)
    pristine, schema = tree(folder), tables(folder / "instance" / "shop.db")
    with Host(installed, laid(folder), instance) as host:
        token = host.command("poolhouse", "token", "create", "script", "--role", "editor").splitlines()[-1]
        asked = {"Authorization": f"Bearer {token}"}
        visitor = Visitor(host.url)
        assert visitor.json("/ops/workspaces/", {"name": "w"}, **asked).status == 201
        made = visitor.json("/ops/workspaces/w/load", {"model": "Customer", "key": "1"}, **asked)
        assert made.status == 200
    take_out_our_lines(folder / "app.py")
    shutil.rmtree(instance)
    assert tree(folder) == pristine
    assert tables(folder / "instance" / "shop.db") == schema
    assert snapshot(installed, folder, instance) == before
    assert not instance.exists()


def test_nothing_of_the_shop_collides_with_its_guest(shop, editor):
    visitor = Visitor(shop.url)
    page = visitor.get("/")
    assert "The corner shop" in page.text
    assert "the shop&#39;s page" in page.text
    assert [cookie.name for cookie in visitor.cookies] == []
    assert "Sold: 0.00" in visitor.get("/dashboard/").text
    assert "the shop" in visitor.get("/static/base.css").text
    assert shop.command("dashboard", "print") == "the shop's own dashboard\n"
    ours = visitor.get("/ops/login")
    assert "The corner shop" not in ours.text
    assert "Poolhouse" in ours.text
    stylesheet = ours.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert stylesheet.startswith("/ops/static/base.css")
    assert "the shop" not in visitor.get(stylesheet).text
    assert "The shop is sorry: 404" in visitor.get("/nowhere").text
    assert editor("/nowhere").json["error"]["code"] == "not_found"


def test_a_person_signs_in_to_the_shop_and_to_poolhouse_with_two_cookies_on_two_paths(shop):
    visitor = Visitor(shop.url)
    form = visitor.get("/sign-in")
    fields = {"name": "ada", "password": "lovelace", "csrf_token": form.token("csrf_token")}
    assert visitor.post("/sign-in", fields).location == "/orders"
    assert visitor.get("/ops/").location == "/ops/login?next=/ops/"
    link = shop.command("poolhouse", "link").strip()
    welcome = visitor.post(link, {"csrf": visitor.get(link).token()})
    assert (welcome.status, welcome.location) == (303, "/ops/")
    assert {(cookie.name, cookie.path) for cookie in visitor.cookies} == {("shop", "/"), ("poolhouse", "/ops")}
    csrf = visitor.get("/ops/workspaces/").token()
    made = visitor.post("/ops/workspaces/", {"name": "of-a-person", "csrf": csrf})
    assert (made.status, made.location) == (303, "/ops/workspaces/of-a-person/")
    fields = {"model": "Customer", "values.name": "Jane", "csrf": csrf}
    assert visitor.post("/ops/workspaces/of-a-person/objects/", fields).status == 303
    assert visitor.post("/ops/workspaces/of-a-person/commit", {"csrf": csrf}).status == 303
    assert "<li>Jane</li>" in visitor.get("/").text
    assert visitor.post("/ops/logout", {"csrf": csrf}).status == 303
    assert visitor.get("/orders").status == 200  # still signed in to the shop


def test_the_shops_models_pools_and_sessions_are_what_is_shown(shop, editor):
    assert editor("/workspaces/", {"name": "models"}).status == 201
    loaded = editor("/workspaces/models/load", {"model": "Customer", "key": "1"})
    assert loaded.json["objects"][0]["label"] == "Emma"  # its __str__
    assert editor("/workspaces/models/load", {"model": "Visit", "key": "1"}).status == 404  # of the other bind
    assert editor("/workspaces/", {"name": "visits", "database": "visits"}).status == 201
    assert editor("/workspaces/visits/load", {"model": "Visit", "key": "1"}).json["objects"][0]["values"]["path"] == "/"

    def checkouts():
        found = {pool["name"]: pool["totals"]["checkouts"] for pool in editor("/pools/").json["pools"]}
        return found["default"], found["visits"]

    def visits():
        moves = editor("/sessions/").json["transitions"]
        return sum(
            m["count"] for m in moves if (m["registry"], m["from"], m["to"]) == ("default", "pending", "persistent")
        )

    pools, sessions = checkouts(), visits()
    for _ in range(3):  # one Session each, a visit written to the one bind, customers read from the other
        assert Visitor(shop.url).get("/").status == 200
    assert checkouts() == (pools[0] + 3, pools[1] + 3)
    assert visits() == sessions + 3


def test_whatever_goes_wrong_the_shop_serves_and_our_pages_say_why(installed, tmp_path):
    (tmp_path / "poolhouse").write_text("a file where the folder should be")
    with Host(installed, laid(tmp_path / "shop"), tmp_path / "poolhouse") as host:
        visitor = Visitor(host.url)
        assert visitor.get("/").status == 200
        answer = visitor.get("/ops/pools/")
        assert answer.status == 503
        assert "DASHBOARD_INSTANCE" in answer.text
        assert visitor.post("/ops/workspaces/", {}).status == 503
        assert visitor.get("/nowhere").status == 404
        said = [line for line in host.output().splitlines() if "poolhouse" in line.lower()]
        assert len(said) == 1
        assert said[0].startswith("poolhouse could not start: ")


def test_an_app_that_was_made_before_its_workers_were_forked_shows_each_of_them(installed, tmp_path):
    with Host(installed, laid(tmp_path / "shop"), tmp_path / "poolhouse", "--preload", "--workers", "2") as host:
        token = host.command("poolhouse", "token", "create", "script", "--role", "editor").splitlines()[-1]
        asked, visitor = {"Authorization": f"Bearer {token}"}, Visitor(host.url)

        def workers():
            assert visitor.get("/").status == 200
            return len(visitor.json("/ops/", **asked).json["workers"]) == 2

        until(workers, what="two workers that serve")
        for number in range(4):  # either of them
            assert visitor.json("/ops/workspaces/", {"name": f"w{number}"}, **asked).status == 201
            loaded = visitor.json(f"/ops/workspaces/w{number}/load", {"model": "Customer", "key": "1"}, **asked)
            assert loaded.status == 200
        assert "Traceback" not in host.output()
