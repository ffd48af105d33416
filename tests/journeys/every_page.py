"""Which pages are there, with something on each? Tests walk through all of them; `make screenshots` takes them."""

from __future__ import annotations

from tests.journeys.server import Server

SETTINGS = {"DASHBOARD_AUTH": "none"}
SIGNED_IN = {
    "overview": "/",
    "pools": "/pools/",
    "pool": "/pools/default",
    "pool-24h": "/pools/default?span=24h",
    "sessions": "/sessions/",
    "statements": "/statements/",
    "incidents": "/incidents/",
    "pool-forgotten": "/pools/default?hold=1-1-1-1",
    "records": "/records/",
    "list": "/records/Book/",
    "list-narrowed": "/records/Book/?q=em&f.price.gt=5&sort=-price",
    "list-no-match": "/records/Book/?q=zzzzz",
    "record": "/records/Book/3",
    "form": "/records/Book/3/edit",
    "form-new": "/records/Book/~/new",
    "delete": "/records/Author/1/delete",
    "import": "/records/Book/~/import",
    "workspaces": "/workspaces/",
    "workspace": "/workspaces/prices/?view=changes",
    "workspace-board": "/workspaces/prices/?view=board",
    "workspace-board-empty": "/workspaces/empty/?view=board",
    "workspace-form": "/workspaces/prices/?new=User",
    "workspace-empty": "/workspaces/empty/?view=changes",
    "review": "/workspaces/prices/review",
    "review-conflict": "/workspaces/conflict/review",
    "tour": "/workspaces/tour-local/?view=board",
    "beside": "/workspaces/prices/?beside=empty",
    "history": "/history/",
    "change-set": "/history/1",
    "monitoring": "/monitoring/",
    "account": "/account/",
    "accounts": "/accounts/",
    "audit": "/audit/",
    "search": "/search?q=boo",
    "keys": "/about/keys",
    "components": "/about/components",
    "staged": "/staged/",
    "faults": "/demo/faults/",
    "error": "/records/Nothing/",
}


def furnish(server: Server) -> None:
    """A workspace with an object of each badge, a committed change set, the tour, and an empty workspace."""

    def post(path: str, **data: object) -> None:
        answer = server.request("POST", path, token=token, data=data)
        assert answer.status in (200, 201), f"{path}: {answer.text}"

    token = server.token("admin", name="local")
    for name in ("prices", "empty", "conflict"):
        post("/workspaces/", name=name)
    post("/workspaces/", name="tour-local", sandbox=True)
    for key in ("3", "4", "5", "6", "7"):
        post("/workspaces/prices/load", model="Book", key=key)
    post("/workspaces/prices/objects/Book:3/values", values={"price": "7.50"})
    post("/workspaces/prices/commit", note="Austen is dearer")
    post("/workspaces/prices/objects/Book:3/values", values={"price": "9.00"})
    post("/workspaces/prices/objects/", model="User", values={"name": "Ada", "email": "ada@example.org"})
    post("/workspaces/prices/objects/", model="User", values={"name": "Bob", "email": "bob@example.org"}, add=False)
    post("/workspaces/prices/objects/Book:5/delete")
    post("/workspaces/prices/objects/Book:6/expunge")
    post("/workspaces/prices/objects/Book:7/refresh")
    post("/workspaces/conflict/load", model="Book", key="20")
    post("/workspaces/conflict/objects/Book:20/values", values={"price": "8.00"})
    post("/workspaces/conflict/objects/", model="User", values={"name": "Nobody", "email": "ada@example.org"})
    post("/records/Book/20", values={"price": "3.33"})
