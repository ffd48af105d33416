"""Who works in several workspaces at once, by a seed, while workers are killed, and checks what is left of them?"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import threading

from tests.journeys.intended import Intended, Thing
from tests.journeys.waiting import until

ENDS = (OSError, http.client.HTTPException)


class Clerk:
    """names: of the users that are his to load, in the database already, by key. badges: those of the objects on the
    boards of workspaces whose worker he killed."""

    def __init__(
        self, server, token, names: dict[str, str], *, seed: int, one_writer: bool, workspaces: int = 4
    ) -> None:
        self.server, self.token, self.unloaded = server, token, names
        self.chance, self.one_writer = random.Random(seed), one_writer
        self.intended = {f"w{number}": Intended() for number in range(workspaces)}
        self.pages: dict[str, dict] = {}
        self.killed: set[int] = set()
        self.counts: dict[str, int] = {}
        self.badges: set[str] = set()
        self.made = 0
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        for name in self.intended:
            made = self.ask("POST", "/workspaces/", {"name": name})
            assert made[0] == 201
            self.pages[name] = made[1]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.connection.close()

    # HTTP

    def ask(self, method, path, data=None):
        """Status, JSON, worker; on a connection that stays with its worker as long as that lives."""
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self.token}"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            self.connection.request(method, path, None if data is None else json.dumps(data), headers)
            answer = self.connection.getresponse()
            return answer.status, json.loads(answer.read()), int(answer.headers["X-Worker"])
        except ENDS:
            self.connection.close()
            raise

    def look(self, path):
        """A page, whoever gives it, as soon as somebody does."""

        def asked():
            try:
                status, page, worker = self.ask("GET", path)
            except ENDS:
                return None
            return (page, worker) if status == 200 else None

        return until(asked, seconds=60, what=path)

    # what he does

    def choose(self, name):
        """An action that the states allow: its path, what is sent, and what it does to what is intended."""
        mine = self.intended[name]
        ins = {ref: each for ref, each in mine.things.items() if each.place == "in" and each.want is not None}
        clean = {ref: each for ref, each in ins.items() if each.sent == "(unsent)"}
        aways = _away(mine)
        actions = [self.create, self.create]
        if self.unloaded:
            actions.append(self.load)
        if ins:
            actions += [self.edit, self.edit]
        if any(each.db is not None for each in clean.values()):
            actions.append(self.delete)
        if clean:
            actions.append(self.expunge)
        if aways:
            actions.append(self.add)
        others = any(each.holder for other, each in self.intended.items() if other != name)
        if mine.things and not (self.one_writer and others):
            actions += [self.flush, self.flush, self.commit]
        if mine.holder:
            actions += [self.rollback, self.commit]
        return self.chance.choice(actions)(mine)

    def token_of(self):
        self.made += 1
        return f"clerk-{self.made}"

    def create(self, mine):
        name, add = self.token_of(), self.chance.random() < 0.8
        data = {"model": "User", "values": {"name": name, "email": f"{name}@example.com"}, "add": add}
        return (
            "objects/",
            data,
            lambda after, page, by: after.things.update(
                {_newest(after, page): Thing(None, name, "in" if add else "loose")}
            ),
        )

    def load(self, mine):
        key = self.chance.choice(sorted(self.unloaded))
        name = self.unloaded.pop(key)
        return (
            "load",
            {"model": "User", "key": key},
            lambda after, page, by: after.things.update({_newest(after, page): Thing(name, name)}),
        )

    def edit(self, mine):
        refs = [ref for ref, each in mine.things.items() if each.place == "in" and each.want is not None]
        ref, name = self.chance.choice(refs), self.token_of()
        change = {"values": {"name": name}}
        return f"objects/{ref}/values", change, lambda after, page, by: setattr(after.things[ref], "want", name)

    def delete(self, mine):
        refs = [ref for ref, each in mine.things.items() if _is_clean(each) and each.db is not None]
        ref = self.chance.choice(refs)
        return f"objects/{ref}/delete", {}, lambda after, page, by: setattr(after.things[ref], "want", None)

    def expunge(self, mine):
        ref = self.chance.choice([ref for ref, each in mine.things.items() if _is_clean(each)])
        place = "loose" if mine.things[ref].db is None else "out"
        return f"objects/{ref}/expunge", {}, lambda after, page, by: setattr(after.things[ref], "place", place)

    def add(self, mine):
        ref = self.chance.choice(_away(mine))
        return f"objects/{ref}/add", {}, lambda after, page, by: setattr(after.things[ref], "place", "in")

    def flush(self, mine):
        return "flush", {}, lambda after, page, by: after.flush(by)

    def commit(self, mine):
        return "commit", {}, lambda after, page, by: after.commit(by)

    def rollback(self, mine):
        return "rollback", {}, lambda after, page, by: after.rollback(by)

    # a round

    def act(self, name, *, kill=False):
        """One action. kill: whoever serves it, or has the transaction, at a random moment of it."""
        page, by = self.look(f"/workspaces/{name}/")
        before = self.intended[name]
        path, data, does = self.choose(name)
        self.counts[path.rpartition("/")[2] or "objects"] = self.counts.get(path.rpartition("/")[2] or "objects", 0) + 1
        timer = None
        if kill:
            holder = before.holder if before.holder not in self.killed else None
            victim = holder if holder and self.chance.random() < 0.5 else by
            self.killed.add(victim)
            self.badges |= {each["badge"] for each in page["objects"]}
            timer = threading.Timer(self.chance.random() * 0.02, os.kill, (victim, signal.SIGKILL))
            timer.start()
        try:
            status, answer, _ = self.ask("POST", f"/workspaces/{name}/{path}", {**data, "version": page["version"]})
        except ENDS as end:
            status, answer = 0, {"error": repr(end)}
        if timer is not None:
            timer.join()
        if status in (200, 201):
            self.pages[name] = answer
            self.intended[name] = _done(before, does, answer, by)
        else:
            assert kill, (name, path, status, answer)
        return does, by, status in (200, 201)

    def check(self, name, unknown=None):
        """unknown: an action of which nobody has heard whether it was done: what it does, and who was asked."""
        page, _ = self.look(f"/workspaces/{name}/")
        told = {notice["code"] for notice in page["notices"]}
        uncertain = "commit_uncertain" in told
        if uncertain or unknown is not None:
            page = until(lambda: self._fenced(name, told), seconds=60, what="an answer")
        candidates = [self.intended[name]]
        if unknown is not None and page["version"] > self.pages[name]["version"]:
            does, by = unknown
            candidates.append(_done(self.intended[name], does, page, by))
        was_open = self.intended[name].holder in self.killed
        for each in candidates:
            if each.holder in self.killed:
                each.lost()
        fitting = [each for each in candidates if each.is_shown(page)]
        assert fitting, (name, self.intended[name], unknown is not None, page["objects"], page["transaction"], told)
        assert page["version"] >= self.pages[name]["version"]
        if was_open and not uncertain and fitting[0] is candidates[0]:
            assert told & {"transaction_lost", "commit_found"}, (name, told, page["tape"][-3:])
        kept = {entry["number"]: entry["python"] for entry in page["tape"]}
        acknowledged = [e for e in self.pages[name]["tape"] if e["number"] > page["tape"][-1]["number"] - len(kept)]
        assert all(kept.get(entry["number"]) == entry["python"] for entry in acknowledged)
        self.pages[name] = page
        return fitting

    def _fenced(self, name, told):
        """The workspace after an action on the version that was seen: what had been sent to the killed worker before,
        and was not done yet, is not done any more. An announced commit is settled by it."""
        page, _ = self.look(f"/workspaces/{name}/")
        told |= {notice["code"] for notice in page["notices"]}
        load = {"model": "Author", "key": "1", "version": page["version"]}
        try:
            status, answer, _ = self.ask("POST", f"/workspaces/{name}/load", load)
        except ENDS:
            return None
        return answer if status == 200 else None


def _is_clean(thing):
    return thing.place == "in" and thing.want is not None and thing.sent == "(unsent)"


def _away(mine):
    return [ref for ref, each in mine.things.items() if each.place in ("out", "loose") and each.want is not None]


def _newest(after, page):
    return next((c["ref"] for c in page["objects"] if c["model"] == "User" and c["ref"] not in after.things), "(none)")


def _done(before, does, page, by):
    after = before.copy()
    does(after, page, by)
    return after
