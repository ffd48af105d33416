"""Do the commands work as they stand, for a person who has just cloned the project?"""

from __future__ import annotations

import http.client
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.journeys.processes import Program
from tests.journeys.server import Server, environment
from tests.journeys.waiting import free_port, until
from tests.parts import ROOT

COMMANDS = {"run", "test", "check", "bench", "soak", "compat", "screenshots", "help"}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a clone would hold: every file that git knows or would take, and no environment."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for path in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines():
        if (ROOT / path).is_file():
            (tmp_path / "clone" / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, tmp_path / "clone" / path)
    return tmp_path / "clone"


def test_make_help_lists_every_command():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make (\w+)", shown, re.MULTILINE)) >= COMMANDS


def test_make_run_in_a_fresh_clone_prints_its_link_and_answers_within_a_minute(clone, tmp_path):
    port = free_port()
    env = environment(clone / "instance", port, {})
    env.pop("DASHBOARD_INSTANCE")
    with Program(["make", "run"], log=tmp_path / "make.log", env=env, folder=clone) as program:
        address = re.compile(rf"http://127\.0\.0\.1:{port}/link/\S+")
        until(lambda: address.search(program.output()) or program.ended(), seconds=60, what="the sign-in link")
        assert address.search(program.output()), program.output()
        until(lambda: answers(port), seconds=60, what="/healthz")
    assert (clone / "instance" / "demo.db").exists()


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.mark.parametrize(
    "settings, says",
    [
        ({"DASHBOARD_AUTH": "nonsense"}, "DASHBOARD_AUTH is 'nonsense'; allowed: one of password, proxy, none"),
        ({"DASHBOARD_DEMO": "maybe"}, "DASHBOARD_DEMO is 'maybe'; allowed: on or off"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(settings, says, tmp_path):
    with Server(tmp_path, settings=settings, ready=False) as server:
        assert server.process.wait(30) != 0
        assert [line for line in server.output().splitlines() if not line.startswith("[")] == [says]


def test_eight_workers_start_at_once_on_an_empty_folder_and_say_the_link_once(poolhouse_server):
    server = poolhouse_server("-w 8")
    until(lambda: server.output().count("Booting worker") == 8, what="eight workers")
    assert server.output().count(server.link()) == 1
    assert "Traceback" not in server.output()
    server.stop()
    assert "ERROR" not in server.output()


def test_the_sign_in_link_speaks_of_the_address_that_is_really_listened_on(tmp_path):
    env = environment(tmp_path / "instance", free_port(), {})
    command = ["gunicorn", "wsgi:app", "--bind", "127.0.0.1:0"]
    with Program(command, log=tmp_path / "gunicorn.log", env=env, folder=ROOT) as program:
        link = re.compile(r"http://127\.0\.0\.1:(\d+)/link/")
        said = until(lambda: link.search(program.output()) or program.ended(), what="the sign-in link")
        assert said is not True, program.output()
        assert f"Listening at: http://127.0.0.1:{said.group(1)} " in program.output()


def test_switched_off_it_leaves_no_file(poolhouse_server):
    server = poolhouse_server(settings={"DASHBOARD_ENABLED": "off"}, ready=False)
    until(lambda: "Booting worker" in server.output(), what="a worker")
    assert server.stop() == 0
    assert not server.instance.exists()
