"""How does a test host Poolhouse in an app of its own, and ask it as a script or as a browser?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Flask

from dashboard.runtime import Runtime

JSON = {"Accept": "application/json"}


def runtime_of(app: Flask, name: str = "poolhouse") -> Runtime:
    found = app.extensions[name]
    assert isinstance(found, Runtime), found
    return found


def script(app: Flask, role: str = "editor", name: str = "poolhouse") -> dict[str, str]:
    """The headers of a script with a token of this role."""
    accounts = runtime_of(app, name).accounts
    assert accounts is not None
    return {**JSON, "Authorization": f"Bearer {accounts.new_token(f'test-{role}', role)}"}  # type: ignore[arg-type]


def token_in(html: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    assert found, html
    return found.group(1)


def signed_in(app: Flask, prefix: str = "/ops", name: str = "poolhouse", **environment: Any) -> tuple[Any, str]:
    """A browser that followed a link, and the token of its forms. environment: of each of its requests."""
    client = app.test_client()
    accounts = runtime_of(app, name).accounts
    assert accounts is not None
    link = f"{prefix}/link/{accounts.new_link()}"
    csrf = token_in(client.get(link, **environment).text)
    answer = client.post(link, data={"csrf": csrf}, **environment)
    assert answer.status_code == 303, answer.text
    return client, token_in(client.get(f"{prefix}/workspaces/", **environment).text)


def worked(
    client: Any, prefix: str, headers: Mapping[str, str], model: str, values: Mapping[str, Any], **how: Any
) -> Any:
    """A new object of this model, committed through a workspace; the workspace afterwards."""
    assert client.post(f"{prefix}/workspaces/", json={"name": "w", **how}, headers=headers).status_code == 201
    made = client.post(f"{prefix}/workspaces/w/objects/", json={"model": model, "values": values}, headers=headers)
    assert made.status_code == 201, made.text
    done = client.post(f"{prefix}/workspaces/w/commit", json={}, headers=headers)
    assert done.status_code == 200, done.text
    return done.json
