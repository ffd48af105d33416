"""How does a test run Poolhouse as a person does? Real gunicorn by the Procfile's line, on its own instance folder."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import subprocess
import sys
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.journeys.processes import Program
from tests.journeys.waiting import free_port, until
from tests.parts import ROOT

OURS = ("DASHBOARD_", "FLASK_", "GUNICORN_", "PROMETHEUS_", "DATABASE_", "WEB_CONCURRENCY", "HOST", "PORT")


@dataclass(frozen=True)
class Answer:
    """What came back for one request; redirects are not followed."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def environment(folder: Path, port: int, settings: Mapping[str, str]) -> dict[str, str]:
    """The machine's environment without what could steer Poolhouse, and this Python's commands first."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    return {**env, "PYTHONUNBUFFERED": "1", "DASHBOARD_INSTANCE": str(folder), "PORT": str(port), **settings}


def web_line(app: str = "wsgi:app") -> str:
    """The Procfile's `web:` line, listening on this machine only."""
    lines = dict(line.split(":", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    return lines["web"].strip().replace("0.0.0.0", "127.0.0.1").replace("wsgi:app", app)


class Server(Program):
    """A running Poolhouse. `url` has no slash at its end; `instance` is its folder.

    arguments: further words for gunicorn, like "-w 4". settings: environment variables, as in README's table.
    checkout: the folder with wsgi.py and the Procfile. app: another WSGI application than wsgi.py's. under: words that
    run gunicorn, like those of `setpriv`.
    """

    def __init__(
        self,
        folder: Path,
        arguments: str = "",
        *,
        settings: Mapping[str, str] | None = None,
        ready: bool = True,
        checkout: Path = ROOT,
        app: str = "wsgi:app",
        under: str = "",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.instance = folder / "instance"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = environment(self.instance, self.port, settings or {})
        self.checkout, self.app = checkout, app.partition(":")[0]
        command = ["sh", "-c", f"exec {under} {web_line(app)} {arguments}"]
        super().__init__(command, log=folder / "gunicorn.log", env=self.env, folder=checkout)
        if ready:
            self.wait_until_ready()

    def wait_until_ready(self, *, seconds: float = 60.0, status: int = 200) -> None:
        """status: what /healthz is to answer; 404 where Poolhouse is switched off."""
        until(lambda: self._answers_or_ended(status), seconds=seconds, what=f"/healthz of {self.url}")
        assert not self.ended(), f"gunicorn ended at once:\n{self.output()}"

    def _answers_or_ended(self, status: int) -> bool:
        try:
            return self.ended() or self.request("GET", "/healthz").status == status
        except OSError:
            return False

    def link(self) -> str:
        """The sign-in link that the start printed."""
        found = until(lambda: re.search(re.escape(self.url) + r"/\S+", self.output()), what="the sign-in link")
        return str(found.group())

    def command(self, words: str, *, stdin: str = "") -> str:
        """What `flask --app wsgi dashboard WORDS` prints, run beside this server on its instance folder."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", self.app, "dashboard", *shlex.split(words)],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.env,
            cwd=self.checkout,
        )
        assert done.returncode == 0, f"dashboard {words} failed:\n{done.stdout}{done.stderr}"
        return done.stdout

    def token(self, role: str = "editor", *, name: str = "") -> str:
        """A bearer token, made by the command of the contract."""
        return self.command(f"token create {name or 'test-' + role} --role {role}").splitlines()[-1]

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str = "",
        data: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> Answer:
        """One request on a connection of its own. data: sent as JSON; form: sent as form fields; JSON is asked for
        unless `headers` says otherwise."""
        sent = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        body = None
        if data is not None:
            sent["Content-Type"], body = "application/json", json.dumps(data)
        elif form is not None:
            sent["Content-Type"], body = "application/x-www-form-urlencoded", urllib.parse.urlencode(form)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {**sent, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def __enter__(self) -> Server:
        return self
