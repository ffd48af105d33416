"""Who may do what: every route with each of its methods, once, in one table. tests/pages/test_walk.py walks it.

Kinds: open (nobody need sign in), read, edit, administer (by role), own (a person in a browser, not a token), metrics.
The status is that of whoever may. `{w}` is a workspace of the one who asks, `{link}` a sign-in link, `{book}` and
`{author}` records that nobody else asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

OPEN, READ, EDIT, ADMINISTER, OWN, METRICS = "open", "read", "edit", "administer", "own", "metrics"
FORM = {"values": {"name": "Walker"}}


@dataclass(frozen=True)
class Row:
    """method and rule: of the route. path: that is asked, with `given` as JSON. status: of the answer to who may."""

    method: str
    rule: str
    kind: str
    path: str
    status: int = 200
    given: Any = None


ROWS = (
    # signing in
    Row("GET", "/login", OPEN, "/login"),
    Row("POST", "/login", OPEN, "/login", 422, {"username": "nobody", "password": "guess"}),
    Row("GET", "/link/<token>", OPEN, "/link/nothing", 404),
    Row("POST", "/link/<token>", OPEN, "/link/nothing", 404),
    # what is live
    Row("GET", "/", READ, "/"),
    Row("GET", "/pools/", READ, "/pools/"),
    Row("GET", "/pools/<path:name>", READ, "/pools/default"),
    Row("GET", "/pools/<path:name>/server", READ, "/pools/default/server", 503),
    Row("POST", "/pools/<path:name>/refresh", ADMINISTER, "/pools/nothing/refresh", 404),
    Row(
        "POST",
        "/pools/<path:name>/connections/<int:worker>-<int:number>/replace",
        ADMINISTER,
        "/pools/nothing/connections/1-1/replace",
        404,
    ),
    Row(
        "POST",
        "/pools/<path:name>/sessions/<int:process>/cancel",
        ADMINISTER,
        "/pools/nothing/sessions/1/cancel",
        404,
    ),
    Row("POST", "/pools/<path:name>/sessions/<int:process>/end", ADMINISTER, "/pools/nothing/sessions/1/end", 404),
    Row("GET", "/sessions/", READ, "/sessions/"),
    Row("GET", "/statements/", READ, "/statements/"),
    Row("GET", "/statements/<key>", READ, "/statements/nothing", 404),
    Row("POST", "/statements/<key>/plan", EDIT, "/statements/nothing/plan", 404),
    Row("GET", "/openapi.json", READ, "/openapi.json"),
    Row("GET", "/incidents/", READ, "/incidents/"),
    Row("GET", "/incidents/<number>", READ, "/incidents/999", 404),
    Row("GET", "/incidents/<number>/markdown", READ, "/incidents/999/markdown", 404),
    Row("GET", "/search", READ, "/search?q=book"),
    Row("GET", "/stream", READ, "/stream?topics=nothing", 400),
    Row("GET", "/stream/now", READ, "/stream/now?topics=overview"),
    Row("GET", "/monitoring/", READ, "/monitoring/"),
    Row("GET", "/monitoring/charts", READ, "/monitoring/charts", 503),
    Row("GET", "/monitoring/grafana.json", READ, "/monitoring/grafana.json"),
    Row("GET", "/monitoring/alerts.yml", READ, "/monitoring/alerts.yml"),
    Row("GET", "/monitoring/prometheus.yml", READ, "/monitoring/prometheus.yml"),
    Row("GET", "/metrics", METRICS, "/metrics"),
    Row("GET", "/healthz", OPEN, "/healthz"),
    Row("GET", "/readyz", OPEN, "/readyz"),
    Row("GET", "/demo/faults/", READ, "/demo/faults/"),
    Row("POST", "/demo/faults/<name>", ADMINISTER, "/demo/faults/survivors", 200, {"on": False}),
    # about the page
    Row("GET", "/about/components", READ, "/about/components"),
    Row("GET", "/about/keys", READ, "/about/keys"),
    Row("POST", "/about/theme", READ, "/about/theme", 422, {"theme": "none"}),
    Row("GET", "/static/<path:filename>", OPEN, "/static/base.css"),
    Row("GET", "/<path:path>", OPEN, "/nowhere", 404),
    # records
    Row("GET", "/records/", READ, "/records/"),
    Row("GET", "/records/<model>/", READ, "/records/Book/"),
    Row("GET", "/records/<model>/<key>", READ, "/records/Book/1"),
    Row("GET", "/records/<model>/<key>/file/<column>", READ, "/records/Book/1/file/cover", 404),
    Row("GET", "/records/<model>/~/lookup", READ, "/records/Book/~/lookup?q="),
    Row("GET", "/records/<model>/~/export", READ, "/records/Tag/~/export?format=csv"),
    Row("GET", "/records/<model>/<key>/history", READ, "/records/Book/1/history"),
    Row("GET", "/records/<model>/<key>/related/<name>", READ, "/records/Author/1/related/books"),
    Row("POST", "/records/~/zone", READ, "/records/~/zone", 422, {"zone": "Nowhere"}),
    Row("GET", "/records/<model>/~/new", EDIT, "/records/Author/~/new"),
    Row("GET", "/records/<model>/<key>/edit", EDIT, "/records/Author/1/edit"),
    Row("GET", "/records/<model>/<key>/delete", EDIT, "/records/Author/1/delete"),
    Row("GET", "/records/<model>/~/import", EDIT, "/records/Author/~/import"),
    Row("GET", "/records/<model>/~/views", READ, "/records/Book/~/views"),
    Row("POST", "/records/<model>/~/views", READ, "/records/Book/~/views", 422, {"name": ""}),
    Row("POST", "/records/<model>/~/views/forget", READ, "/records/Book/~/views/forget", 404, {"name": "nothing"}),
    Row("POST", "/records/<model>/~/columns", READ, "/records/Book/~/columns", 400, {"columns": ["nothing"]}),
    Row("GET", "/records/~/progress/<job>", READ, "/records/~/progress/nothing"),
    Row("GET", "/records/<model>/<key>/cells/<column>", EDIT, "/records/Book/1/cells/title", 303),
    Row("POST", "/records/<model>/<key>/cells/<column>", EDIT, "/records/Book/1/cells/nothing", 303, {"value": "x"}),
    Row("POST", "/records/<model>/", EDIT, "/records/Author/", 201, FORM),
    Row("POST", "/records/<model>/<key>", EDIT, "/records/Author/{author}", 200, {"values": {"name": "Changed"}}),
    Row("POST", "/records/<model>/<key>/delete", EDIT, "/records/Author/{author}/delete"),
    Row("POST", "/records/<model>/<key>/open", EDIT, "/records/Book/2/open", 200, {"workspace": "{w}"}),
    Row("POST", "/records/<model>/~/bulk", EDIT, "/records/Author/~/bulk", 400, {"action": "nothing"}),
    Row("POST", "/records/<model>/~/import", EDIT, "/records/Author/~/import", 400),
    # workspaces
    Row("GET", "/staged/", READ, "/staged/"),
    Row("GET", "/workspaces/", READ, "/workspaces/"),
    Row("POST", "/workspaces/", EDIT, "/workspaces/", 409, {"name": "{w}"}),
    Row("GET", "/workspaces/<name>/", READ, "/workspaces/{w}/"),
    Row("GET", "/workspaces/<name>/review", READ, "/workspaces/{w}/review"),
    Row("GET", "/workspaces/<name>/tape.py", READ, "/workspaces/{w}/tape.py"),
    Row("GET", "/workspaces/<name>/tape.sql", READ, "/workspaces/{w}/tape.sql"),
    Row("GET", "/workspaces/<name>/test_tape.py", READ, "/workspaces/{w}/test_tape.py"),
    Row("POST", "/workspaces/<name>/objects/", EDIT, "/workspaces/{w}/objects/", 201, {"model": "Author", **FORM}),
    Row("POST", "/workspaces/<name>/objects/<ref>/<verb>", EDIT, "/workspaces/{w}/objects/Author:new-1/expunge"),
    Row("POST", "/workspaces/<name>/<verb>", EDIT, "/workspaces/{w}/expunge-all"),
    Row("GET", "/history/", READ, "/history/"),
    Row("GET", "/history/<number>", READ, "/history/1"),
    Row("POST", "/history/<number>/undo", EDIT, "/history/999/undo", 404),
    # people
    Row("GET", "/account/", READ, "/account/"),
    Row("POST", "/account/password", OWN, "/account/password", 422, {"current": "guess", "password": "long enough"}),
    Row("POST", "/account/sign-ins/<id>/end", OWN, "/account/sign-ins/nothing/end", 404),
    Row("POST", "/account/sign-ins/end", OWN, "/account/sign-ins/end"),
    Row("POST", "/account/tokens/", OWN, "/account/tokens/", 201, {"name": "own", "role": "viewer"}),
    Row("POST", "/account/tokens/<id>/revoke", OWN, "/account/tokens/nothing/revoke", 404),
    Row("GET", "/accounts/", ADMINISTER, "/accounts/"),
    Row(
        "POST",
        "/accounts/",
        ADMINISTER,
        "/accounts/",
        409,
        {"name": "ada", "role": "viewer", "password": "long enough"},
    ),
    Row("POST", "/accounts/<key>/role", ADMINISTER, "/accounts/spare/role", 200, {"role": "viewer"}),
    Row("POST", "/accounts/<key>/password", ADMINISTER, "/accounts/spare/password", 200, {"password": "long enough"}),
    Row("POST", "/accounts/<key>/end-sign-ins", ADMINISTER, "/accounts/spare/end-sign-ins"),
    Row("POST", "/accounts/<key>/remove", ADMINISTER, "/accounts/nobody/remove", 404),
    Row("POST", "/accounts/sign-ins/<id>/end", ADMINISTER, "/accounts/sign-ins/nothing/end", 404),
    Row("POST", "/accounts/tokens/", ADMINISTER, "/accounts/tokens/", 201, {"name": "new", "role": "viewer"}),
    Row("POST", "/accounts/tokens/<id>/revoke", ADMINISTER, "/accounts/tokens/nothing/revoke", 404),
    Row("GET", "/audit/", ADMINISTER, "/audit/"),
    Row("GET", "/audit/export", ADMINISTER, "/audit/export"),
    Row("POST", "/logout", READ, "/logout", 303),
)

MAY = {
    "nobody": (OPEN,),
    "viewer": (OPEN, READ, METRICS),
    "editor": (OPEN, READ, METRICS, EDIT),
    "admin": (OPEN, READ, METRICS, EDIT, ADMINISTER),
    "metrics token of an admin": (OPEN, METRICS),
    "read token of an admin": (OPEN, READ, METRICS),
    "write token of an admin": (OPEN, READ, METRICS, EDIT),
    "viewer in a browser": (OPEN, READ, METRICS, OWN),
    "editor in a browser": (OPEN, READ, METRICS, EDIT, OWN),
    "admin in a browser": (OPEN, READ, METRICS, EDIT, ADMINISTER, OWN),
}
"""Who may do which kinds. All others are told 401 where they are signed out, else 403."""
THEIRS = (
    # what somebody else's workspace answers: to who may read, and to who may edit (editors work together)
    ("GET", "/workspaces/theirs/", 200, 200),
    ("GET", "/workspaces/theirs/review", 200, 200),
    ("GET", "/workspaces/theirs/tape.py", 200, 200),
    ("POST", "/workspaces/theirs/expunge-all", 403, 200),
    ("POST", "/workspaces/theirs/take-over", 403, 200),
    ("POST", "/workspaces/theirs/commit", 403, 200),
    ("POST", "/workspaces/theirs/discard", 403, 200),
    ("POST", "/workspaces/theirs/objects/Book:1/expunge", 403, 200),
)
