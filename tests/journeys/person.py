"""How does a person read pages without a browser? Signed in by name and password, with their cookie, as HTML."""

from __future__ import annotations

import re

from tests.journeys.server import Answer, Server

PASSWORD = "correct horse battery staple"


class Person:
    """Signed in on a running server. Raises AssertionError where that is refused."""

    def __init__(self, server: Server, name: str, password: str = PASSWORD) -> None:
        self.server = server
        form = self._sent(server.request("GET", "/login", headers={"Accept": "text/html"}))
        csrf = re.search(r'name="csrf" value="([^"]+)"', form.text)
        assert csrf, form.text
        fields = {"csrf": csrf[1], "username": name, "password": password}
        answer = self._sent(server.request("POST", "/login", form=fields, headers={"Cookie": self.cookie}))
        assert answer.status == 303, f"{name} was not signed in: {answer.text}"

    def _sent(self, answer: Answer) -> Answer:
        self.cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]
        return answer

    def get(self, path: str, *, timeout: float = 5.0) -> Answer:
        """The page, which must come in time."""
        headers = {"Accept": "text/html", "Cookie": self.cookie}
        return self.server.request("GET", path, headers=headers, timeout=timeout)
