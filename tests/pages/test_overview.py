"""Overview's JSON: of each pool what the contract says, and who is a worker."""

import pytest

POOL = {"name", "class", "limits", "counts", "slots", "holders", "waiters"}


@pytest.mark.usefixtures("published")
def test_a_pool_on_overview_is_what_the_contract_says(script):
    viewer = script("viewer")
    shown = viewer.get("/").get_json()
    assert set(shown) == {"verdict", "findings", "pools", "workers", "problem", "incidents"}
    (found,) = (pool for pool in shown["pools"] if pool["name"] == "default")
    assert set(found) == POOL
    whole = viewer.get("/pools/default").get_json()
    assert set(whole) - POOL >= {"totals", "worker", "workers", "waited", "held", "endpoints"}
    assert (whole["name"], whole["class"], whole["limits"]) == (found["name"], found["class"], found["limits"])
