"""How does a test work in a workspace over HTTP? It opens one and sends verbs; each answer is the workspace's JSON."""

from __future__ import annotations

import itertools
from typing import Any

from tests.journeys.server import Answer, Server

NUMBERS = itertools.count(1)


class Desk:
    """One workspace of its own on a running server. Every verb answers the workspace as it is then."""

    def __init__(self, server: Server, token: str, **settings: Any) -> None:
        self.server, self.token = server, token
        self.name = f"desk-{next(NUMBERS)}"
        self.now = self._sent("/workspaces/", {"name": self.name, **settings}, 201)

    def post(self, path: str, data: dict[str, Any] | None = None) -> Answer:
        return self.server.request("POST", f"/workspaces/{self.name}/{path}", token=self.token, data=data or {})

    def do(self, verb: str, ref: str | None = None, **given: Any) -> dict[str, Any]:
        """A verb of the workspace, or of one of its objects; it must succeed."""
        path = f"objects/{ref}/{verb}" if ref else verb
        self.now = self._sent(f"/workspaces/{self.name}/{path}", given, 200)
        return self.now

    def new(self, model: str, *, add: bool = True, **values: Any) -> str:
        """The ref of a new object."""
        self.now = self._sent(f"/workspaces/{self.name}/objects/", {"model": model, "values": values, "add": add}, 201)
        return str(self.now["ref"])

    def load(self, model: str, key: str) -> str:
        return str(self.do("load", model=model, key=key)["ref"])

    def get(self) -> dict[str, Any]:
        answer = self.server.request("GET", f"/workspaces/{self.name}/", token=self.token)
        assert answer.status == 200, answer.text
        self.now = answer.json
        return self.now

    def object(self, ref: str) -> dict[str, Any]:
        return next(shown for shown in self.now["objects"] if shown["ref"] == ref)

    def badge(self, ref: str) -> str:
        return str(self.object(ref)["badge"])

    @property
    def last(self) -> dict[str, Any]:
        """The newest entry of the tape."""
        return self.now["tape"][-1]

    def sent(self) -> list[str]:
        """The statements of the last action, as their first word and their table: `INSERT user`."""
        return [_short(statement["sql"]) for statement in self.last["statements"]]

    def _sent(self, path: str, data: dict[str, Any], status: int) -> dict[str, Any]:
        answer = self.server.request("POST", path, token=self.token, data=data)
        assert answer.status == status, f"{path} {data} answered {answer.status}: {answer.text}"
        return answer.json


def _short(sql: str) -> str:
    words = sql.replace('"', "").replace("\n", " ").split()
    before_table = {"INSERT": "INTO", "UPDATE": "UPDATE", "DELETE": "FROM", "SELECT": "FROM"}
    verb = words[0].upper()
    return f"{verb} {words[words.index(before_table[verb]) + 1]}" if verb in before_table else verb
