"""schemathesis reads /openapi.json and sends what fits it and what does not, as each role, to a real server."""

from __future__ import annotations

import os
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

pytestmark = [
    pytest.mark.soak,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of schemathesis's own imports
]

SOAK = bool(os.environ.get("SOAK"))
EXAMPLES = 120 if SOAK else 2
"""Of each operation, for each role, of what fits and of what does not."""
LEFT_OUT = ("/stream", "/logout", "/link/", "/account/")


@pytest.fixture(scope="module")
def server(poolhouse_server):
    settings = {"DASHBOARD_DEMO": "off", "DASHBOARD_HEAVY_REQUESTS": "100000", "DASHBOARD_TOKENS": "100000"}
    return poolhouse_server("-w 2", settings=settings)


def test_what_is_sent_by_the_description_is_never_a_fault(server):
    admin = server.token("admin")
    made = {"admin": admin}
    for role in ("viewer", "editor"):
        answer = server.request("POST", "/accounts/tokens/", token=admin, data={"name": role, "role": role})
        made[role] = answer.json["token"]
    document = server.request("GET", "/openapi.json", token=admin).json
    schema = schemathesis.openapi.from_dict(document)
    statuses, fitting = Counter(), Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.startswith(LEFT_OUT):
            continue
        for role, token in made.items():
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                for case in _cases(operation, mode, EXAMPLES):
                    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
                    answer = case.call(base_url=server.url, headers=headers, timeout=60, allow_redirects=False)
                    statuses[answer.status_code] += 1
                    if mode is GenerationMode.POSITIVE and answer.status_code not in (401, 403):
                        fitting[answer.status_code < 400] += 1
                    assert answer.status_code < 500 or answer.status_code == 503, (role, case, answer.text[:500])
                    assert "Traceback" not in answer.text
    assert statuses.total() >= (20_000 if SOAK else 200), statuses
    assert fitting[True] >= 0.2 * fitting.total(), (fitting, statuses)
    assert "Traceback" not in server.output(), server.output()[-3_000:]


def _cases(operation, mode, count):
    """So many of them; an operation of which nothing can be wrong has none that does not fit."""
    cases = []

    @settings(
        max_examples=count,
        derandomize=not SOAK,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.data())
    def collect(data):
        cases.append(data.draw(operation.as_strategy(generation_mode=mode)))

    try:
        collect()
    except Exception as error:
        if "Unsatisfiable" not in type(error).__name__ and "negat" not in str(error).lower():
            raise
    return cases
