"""The pool was exhausted, its worker was killed, and somebody comes when it is over: what does the incident tell?"""

from __future__ import annotations

import os
import signal
import time
from datetime import datetime
from html import unescape

from tests.journeys.waiting import until

AFTERWARDS = 300.0 if os.environ.get("SOAK") else 0.0
"""Seconds until somebody comes."""
SECONDS = 60.0


def incident_with(server, token, *findings):
    """The newest incident in which all of these began, whole."""

    def look():
        answer = server.request("GET", "/incidents/?about=default", token=token).json
        for one in answer["incidents"]:
            if all(any(key.startswith(finding) for key in one["keys"]) for finding in findings):
                return server.request("GET", f"/incidents/{one['number']}", token=token).json
        return None

    return until(look, seconds=20, what=f"an incident with {findings}")


def test_the_incident_names_the_line_and_has_the_last_minute_of_each_connection(poolhouse_server):
    server = poolhouse_server("-w 2", settings={"DASHBOARD_INCIDENT_SECONDS": str(SECONDS)})
    token = server.token("admin")
    assert server.request("POST", "/demo/faults/pool-too-small", token=token, data={"on": True}).status == 200
    begun = incident_with(server, token, "PoolSaturated")
    assert "crowd" in begun["line"]
    overview = server.request("GET", "/", token=token).json
    worker = next(one for one in overview["workers"] if one["worker"] == begun["worker"])
    os.kill(worker["pid"], signal.SIGKILL)
    server.request("POST", "/demo/faults/pool-too-small", token=token, data={"on": False})
    time.sleep(AFTERWARDS)  # this is what is tried: nothing of it may be forgotten meanwhile
    incident = incident_with(server, token, "PoolSaturated", "WorkerDied")
    assert incident["number"] == begun["number"]
    last = next(one for one in incident["pictures"] if one["began"][0]["finding"] == "WorkerDied")
    assert f"process {worker['pid']}" in last["began"][0]["sentence"]
    assert "crowd" in last["began"][0]["line"]
    (pool,) = last["pools"]
    used = [one for one in pool["connections"] if one["state"] == "used"]
    assert min(len(used), pool["counts"]["used"], len(pool["holders"])) >= 10
    kinds = [{event["kind"] for event in one["events"]} for one in used]
    assert all("checked_out" in one for one in kinds)
    assert any("given_back" in one for one in kinds)  # those beyond the pool's size are new each time
    for connection in used:
        events = connection["events"]
        ages = [seconds_between(event["at"], last["at"]) for event in events]
        assert ages == sorted(ages, reverse=True)
        assert max(ages) <= SECONDS + 1
    page = server.request("GET", f"/incidents/{incident['number']}", token=token, headers={"Accept": "text/html"}).text
    assert all(f'data-connection="{one["worker"]}-{one["number"]}"' in page for one in used)
    assert last["began"][0]["line"] in unescape(page)


def seconds_between(earlier, later):
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
