"""What does it cost that any worker serves any workspace? Passing an action on, and keeping 200 workspaces open.

usage: python -m tests.benchmarks.workers    N actions of each kind (101); WORKSPACES (200), each with OBJECTS (10)
Four workers of the real gunicorn on the demo's data without its traffic.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.benchmarks import machine
from tests.journeys.server import Server

N = int(os.environ.get("N") or 101)
WORKSPACES, OBJECTS = int(os.environ.get("WORKSPACES") or 200), int(os.environ.get("OBJECTS") or 10)
IN_ONE = 100
MIB = 2**20


class Caller:
    """A connection that stays with one worker."""

    def __init__(self, server: Server, token: str) -> None:
        self.headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.worker = self.ask("GET", "/healthz")[1]

    def ask(self, method: str, path: str, data: object = None) -> tuple[bytes, int]:
        headers = self.headers if data is None else {**self.headers, "Content-Type": "application/json"}
        self.connection.request(method, path, None if data is None else json.dumps(data), headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status not in (200, 201):
            raise SystemExit(f"{path} answered {answer.status}: {body[:500]!r}")
        return body, int(answer.headers["X-Worker"])


def forwarding(server: Server, token: str) -> None:
    """The same action, asked of the worker that holds the transaction and of another one, in turn."""
    callers: dict[int, Caller] = {}
    while len(callers) < 2:
        caller = Caller(server, token)
        callers.setdefault(caller.worker, caller)
    holder, other = callers.values()
    holder.ask("POST", "/workspaces/", {"name": "bench"})
    for number in range(IN_ONE):
        values = {"name": f"User {number}", "email": f"bench-{number}@example.com"}
        holder.ask("POST", "/workspaces/bench/objects/", {"model": "User", "values": values})
    holder.ask("POST", "/workspaces/bench/flush", {})
    took: dict[str, list[tuple[float, float]]] = {"asked of the holder": [], "asked of another worker": []}
    for number in range(N + 3):
        for name, caller in zip(took, (holder, other), strict=True):
            change = {"values": {"name": f"{name} {number}"}}
            ran, begun = _ran(server), time.perf_counter()
            caller.ask("POST", "/workspaces/bench/objects/User:new-1/values", change)
            took[name].append(((time.perf_counter() - begun) * 1e3, _ran(server) - ran))
    print(f"Milliseconds of an action on {IN_ONE} objects in an open transaction, median of {N}; {machine.line()}\n")
    print("| action | until its answer | CPU time of all workers |\n| --- | --- | --- |")
    took = {name: each[3:] for name, each in took.items()}
    pairs = zip(*took.values(), strict=True)
    took["passing it on (of each pair)"] = [(far[0] - near[0], far[1] - near[1]) for near, far in pairs]
    for name, each in took.items():
        print(f"| {name} | {_median(each, 0):.1f} | {_median(each, 1):.1f} |")
    print(flush=True)
    holder.ask("POST", "/workspaces/bench/discard", {})


def _median(each: list[tuple[float, float]], place: int) -> float:
    return statistics.median(pair[place] for pair in each)


def _ran(server: Server) -> float:
    """Milliseconds that all threads of all workers were on a processor."""
    tasks = [task for pid in _workers(server) for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def memory(server: Server, token: str) -> None:
    """What the workers' own memory grows by, each page shared with another process counted in part."""
    _work(server, token, "warm", workspaces=8)
    before = _pss(server)
    _work(server, token, "w", workspaces=WORKSPACES)
    after = _pss(server)
    counts = server.request("GET", "/pools/workspaces", token=token).json["counts"]
    print(f"{WORKSPACES} open workspaces of {OBJECTS} objects, each used in every worker that it came to\n")
    print("| workers | before | after | grown by | connections held |\n| --- | --- | --- | --- | --- |")
    cells = (f"{before / MIB:.0f} MiB", f"{after / MIB:.0f} MiB", f"{(after - before) / MIB:.0f} MiB", counts["used"])
    print(f"| {len(_workers(server))} | " + " | ".join(map(str, cells)) + " |", flush=True)


def _work(server: Server, token: str, name: str, *, workspaces: int) -> None:
    """Each action on a connection of its own: whichever worker takes it."""
    for number in range(workspaces):
        workspace = f"{name}-{number}"
        server.request("POST", "/workspaces/", token=token, data={"name": workspace})
        for key in range(OBJECTS):
            body = {"model": "Book", "key": str((number * OBJECTS + key) % 100 + 1)}
            answer = server.request("POST", f"/workspaces/{workspace}/load", token=token, data=body)
            if answer.status != 200:
                raise SystemExit(f"load answered {answer.status}: {answer.text[:500]}")


def _workers(server: Server) -> list[int]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def _pss(server: Server) -> int:
    def of(pid: int) -> int:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024

    return sum(map(of, _workers(server)))


def main() -> None:
    settings = {"DASHBOARD_DEMO": "off", "DASHBOARD_SQLITE_TRANSACTION_SECONDS": "600"}
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder), settings=settings, app="tests.journeys.marked:app") as server,
    ):
        token = server.token("editor")
        forwarding(server, token)
        memory(server, token)


if __name__ == "__main__":
    main()
