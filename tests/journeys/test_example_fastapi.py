"""Does the FastAPI example do what its text says: an AsyncEngine, published to a Poolhouse beside it?"""

from __future__ import annotations

import json
import shutil
import urllib.request

import pytest

from tests.journeys.exposition import scraped, summed
from tests.journeys.processes import Program
from tests.journeys.server import environment
from tests.journeys.waiting import free_port, until
from tests.parts import ROOT


@pytest.fixture(scope="module")
def server(poolhouse_server):
    return poolhouse_server(settings={"DATABASE_URL": "none"})


@pytest.fixture(scope="module")
def example(installed, server, tmp_path_factory):
    """Its URL; uvicorn serves it."""
    folder = tmp_path_factory.mktemp("fastapi") / "app"
    shutil.copytree(ROOT / "examples" / "fastapi_sidecar", folder)
    port = free_port()
    command = [str(installed), "-m", "uvicorn", "app:app", "--port", str(port)]
    env = environment(server.instance, port, {"POOLHOUSE": str(server.instance)})
    with Program(command, log=folder / "uvicorn.log", env=env, folder=folder) as program:
        until(lambda: program.ended() or "running on" in program.output(), what="uvicorn")
        assert not program.ended(), program.output()
        yield f"http://127.0.0.1:{port}"


def ask(url, method="GET"):
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=30) as answer:
        return json.loads(answer.read())


def test_a_fastapi_program_appears_on_pools_with_what_it_did(example, server):
    assert [ask(f"{example}/invoices/{name}", "POST") for name in ("ada", "bob")] == [1, 2]
    assert ask(f"{example}/invoices") == ["ada", "bob"]
    token = server.token("viewer")
    until(lambda: server.request("GET", "/pools/invoices", token=token).status == 200, what="the program's pool")
    pool = server.request("GET", "/pools/invoices", token=token).json
    assert (pool["class"], pool["limits"]["size"]) == ("AsyncAdaptedQueuePool", 5)
    until(
        lambda: (
            summed(scraped(server), "sqlalchemy_session_transactions_total", registry="invoices", outcome="commit") == 2
        ),
        what="two commits",
    )
    until(
        lambda: (
            {"add an invoice", "list invoices"}
            <= {row["endpoint"] for row in server.request("GET", "/pools/invoices", token=token).json["endpoints"]}
        ),
        what="the program's endpoints",
    )
