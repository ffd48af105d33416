"""Does a wrong setting stop a start in one line, and does each command of `flask dashboard` do what it says?"""

from __future__ import annotations

import sqlite3

import pytest

from dashboard import create_app
from dashboard.config import WrongSetting
from dashboard.runtime import Runtime
from tests.journeys.person import PASSWORD, Person
from tests.journeys.server import Server
from tests.journeys.waiting import until

WRONG = [
    ({"DASHBOARD_STACKS": "many"}, "DASHBOARD_STACKS is 'many'; allowed: one of off, line, full"),
    ({"DASHBOARD_TAPE": "0"}, "DASHBOARD_TAPE is '0'; allowed: a whole number from 1 to 10000000"),
    (
        {"DATABASE_URL": "shop.db"},
        "DATABASE_URL is (hidden); allowed: a URL like postgresql+psycopg://user@host/name",
    ),
    (
        {"DATABASE_URL": "foo://me:secret@host/name"},
        "DATABASE_URL begins with 'foo'; allowed: sqlite, postgresql, mysql, mariadb, or the name of an installed "
        "dialect",
    ),
    (
        {"DASHBOARD_STORE_URL": "oracle://me:secret@host/name"},
        "DASHBOARD_STORE_URL begins with 'oracle'; allowed: a driver that is installed (oracledb is not)",
    ),
]


@pytest.fixture
def command(tmp_path):
    """`command("store status", DATABASE_URL=...)` runs `flask dashboard store status`, in this process."""
    apps = []

    def run(words, stdin="", **settings):
        app = create_app({"DASHBOARD_INSTANCE": str(tmp_path / "instance"), "DATABASE_URL": "none", **settings})
        apps.append(app)
        return app.test_cli_runner().invoke(args=["dashboard", *words.split()], input=stdin)

    run.instance = str(tmp_path / "instance")
    yield run
    for app in apps:
        runtime = app.extensions.get("poolhouse")
        if isinstance(runtime, Runtime):
            runtime.close()
            for database in runtime.databases.values():
                database.engine.dispose()


@pytest.mark.parametrize("settings, says", WRONG, ids=["choice", "bound", "no-url", "dialect", "driver"])
def test_a_wrong_setting_is_said_with_its_key_its_value_and_what_is_allowed(settings, says, tmp_path):
    with pytest.raises(WrongSetting) as wrong:
        create_app({"DASHBOARD_INSTANCE": str(tmp_path), "DATABASE_URL": "none", **settings})
    assert str(wrong.value) == says


@pytest.mark.parametrize(
    "url, driver",
    [
        ("postgres://me@host/shop", "psycopg"),  # as platforms write it
        ("postgresql://me@host/shop", "psycopg"),
        ("postgresql+asyncpg://me@host/shop", "psycopg"),  # as the program's own settings may have it
        ("sqlite+aiosqlite:///shop.db", "pysqlite"),
        ("mysql://me@host/shop", "pymysql"),
    ],
)
def test_a_url_gets_a_synchronous_driver_that_is_there(url, driver, tmp_path):
    app = create_app({"DASHBOARD_INSTANCE": str(tmp_path), "DATABASE_URL": url})
    runtime = app.extensions["poolhouse"]
    runtime.close()
    assert runtime.databases["default"].engine.dialect.driver == driver


@pytest.mark.parametrize("arguments, number", [("", 3), ("--preload", 0)])
def test_a_wrong_setting_stops_a_server_with_that_one_line(arguments, number, tmp_path):
    settings, says = WRONG[number]
    with Server(tmp_path, arguments, settings=settings, ready=False) as server:
        assert server.process.wait(30) != 0
        assert said(server) == [says]


def test_a_folder_that_cannot_be_used_is_said_in_one_line(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    settings = {"DASHBOARD_INSTANCE": str(tmp_path / "file" / "instance")}
    with Server(tmp_path, settings=settings, ready=False) as server:
        assert server.process.wait(30) != 0
        (line,) = said(server)
    assert "DASHBOARD_INSTANCE" in line


def said(server):
    """What a person reads, but for gunicorn's own lines."""
    return [line for line in server.output().splitlines() if not line.startswith("[")]


def test_switched_off_nothing_is_served_and_nothing_is_made(tmp_path, command):
    with Server(tmp_path, settings={"DASHBOARD_ENABLED": "0"}, ready=False) as server:
        server.wait_until_ready(status=404)
        assert server.request("GET", "/").status == 404
        assert server.stop() == 0
    assert command("doctor", DASHBOARD_ENABLED="0").exit_code != 0
    assert not (tmp_path / "instance").exists()


def test_people_sign_in_as_settings_and_commands_say(tmp_path):
    settings = {
        "DATABASE_URL": "none",
        "DASHBOARD_ADMIN_PASSWORD": PASSWORD,
        "DASHBOARD_ACCOUNTS_COPY_SECONDS": "0.2",
    }
    with Server(tmp_path, settings=settings) as server:
        assert Person(server, "admin").get("/").status == 200
        with pytest.raises(AssertionError, match="do not go together"):
            Person(server, "admin", "something else")
        made = server.command("user add Zoë --role viewer --password-stdin", stdin=PASSWORD + "\n")
        assert made == "Zoë may sign in as viewer.\n"
        zoe = Person(server, "Zoë")
        assert zoe.get("/").status == 200
        server.command("user add Zoë --role editor --password-stdin", stdin="a new one")
        until(lambda: zoe.get("/").status == 303, what="the end of the sign-in with the older password")
        assert Person(server, "Zoë", "a new one").get("/").status == 200
        token = server.command("token create robot --role viewer").splitlines()[-1]
        assert server.request("GET", "/", token=token).status == 200
        assert server.request("POST", "/workspaces/", token=token, data={"name": "w"}).status == 403
        link = server.command("link").strip()
        assert server.request("GET", link.removeprefix(server.url)).status == 200
        doctor = server.command("doctor")
        assert "Nothing is wrong." in doctor
        assert PASSWORD not in doctor


@pytest.mark.parametrize(
    "words, stdin",
    [
        ("user add ann --role viewer --password-stdin", "\n"),
        (f"user add {'a' * 101} --role viewer --password-stdin", PASSWORD),
        ("user add ann --role king --password-stdin", PASSWORD),
        (f"token create {'a' * 101} --role viewer", ""),
        ("user add admin --role viewer --password-stdin", PASSWORD),
    ],
)
def test_what_a_command_cannot_do_it_says_in_words(words, stdin, command):
    done = command(words, stdin)
    assert done.exit_code in (1, 2)
    assert "Error: " in done.output
    assert isinstance(done.exception, SystemExit)


def test_what_an_admin_does_by_command_is_in_the_audit_without_any_secret(command, monkeypatch):
    monkeypatch.setenv("LOGNAME", "operator")
    said = [
        command("user add ann --role editor --password-stdin", PASSWORD).output,
        command("token create ci --role viewer --scope metrics").stdout.strip(),
        command("link").output.strip(),
    ]
    app = create_app({"DASHBOARD_INSTANCE": command.instance, "DATABASE_URL": "none"})
    runtime = app.extensions["poolhouse"]
    deeds = list(reversed(runtime.audit.newest(most=9)))
    runtime.close()
    assert [(each.act, each.subject, dict(each.details)) for each in deeds] == [
        ("accounts.add", "ann", {"role": "editor"}),
        ("accounts.create_token", "ci", {"role": "viewer", "scope": "metrics"}),
        ("accounts.link", "admin", {}),
    ]
    assert {(each.who, each.address, each.outcome) for each in deeds} == {("operator", "command line", "done")}
    assert not [secret for secret in (PASSWORD, said[1], said[2].rpartition("/")[2]) if secret in repr(deeds)]


def test_the_doctor_says_what_is_there_and_what_is_wrong(tmp_path, command):
    shop = tmp_path / "shop.db"
    with sqlite3.connect(shop) as connection:
        connection.execute("CREATE TABLE book (id INTEGER PRIMARY KEY)")
    connection.close()
    good = command("doctor", DATABASE_URL=f"sqlite:///{shop}")
    assert (good.exit_code, good.stderr) == (0, "")
    assert "Database default: sqlite answers; 1 models." in good.output
    assert "store.db: version 1" in good.output
    assert good.output.endswith("Nothing is wrong.\n")
    bad = command("doctor", DATABASE_URL="postgresql+psycopg://me:secret@127.0.0.1:1/shop")
    assert bad.exit_code == 1
    assert "WRONG: Database default does not answer (OperationalError)" in bad.output
    assert "secret" not in bad.output


def test_a_sqlite_file_that_is_not_there_is_away_and_is_not_made(tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command("doctor", DATABASE_URL="sqlite:///shop.db").exit_code == 1
    assert not list(tmp_path.rglob("shop.db"))
    with sqlite3.connect("shop.db") as connection:
        connection.execute("CREATE TABLE book (id INTEGER PRIMARY KEY)")
    connection.close()
    assert "1 models" in command("doctor", DATABASE_URL="sqlite:///shop.db").output  # where SQLAlchemy looks for it


def test_the_store_on_a_server_database_is_made_looked_at_and_dropped_by_command(tmp_path, command, postgresql_url):
    kept = {"DASHBOARD_STORE_URL": postgresql_url}
    assert "no tables yet" in command("store status", **kept).output
    for words in ("token create robot --role viewer", "link", "store upgrade"):
        refused = command(words, **kept)
        assert refused.exit_code == 1
        assert refused.output.splitlines()[-1].endswith("Run `flask dashboard store create`.")
    assert "WRONG: The store has no tables yet." in command("doctor", **kept).output
    sql = command("store create --sql", **kept).output
    assert "CREATE TABLE poolhouse_account" in sql
    assert "no tables yet" in command("store status", **kept).output  # printed, not done
    settings = {"DATABASE_URL": "none", **kept}
    with Server(tmp_path, settings=settings, ready=False) as server:
        assert server.process.wait(30) != 0
        assert said(server) == ["The store has no tables yet. Run `flask dashboard store create`."]
    assert command("store create", **kept).output == "The store is there, version 1.\n"
    assert "version 1. This Poolhouse knows version 1." in command("store status", **kept).output
    assert "there is no newer one" in command("store upgrade", **kept).output
    with Server(tmp_path, settings=settings) as server:
        assert server.request("GET", "/", token=server.token("viewer")).status == 200
    assert "DROP TABLE poolhouse_account" in command("store drop --sql", **kept).output
    assert command("store drop", "n\n", **kept).exit_code == 1  # it asks, and that was a no
    assert "version 1." in command("store status", **kept).output
    assert command("store drop --yes", **kept).output == "The store's tables are gone.\n"
    assert "no tables yet" in command("store status", **kept).output
