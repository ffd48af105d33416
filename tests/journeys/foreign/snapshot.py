"""What is the shop, seen from inside and from outside? One JSON object, to be compared with that of another run."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import weakref

import flask.signals
from app import create_app
from flask import Flask
from itsdangerous import base64_decode

HOOKS = [
    "before_request_funcs",
    "after_request_funcs",
    "teardown_request_funcs",
    "teardown_appcontext_funcs",
    "error_handler_spec",
    "template_context_processors",
    "url_value_preprocessors",
    "url_default_functions",
    "shell_context_processors",
    "url_build_error_handlers",
]
CLASSES = ["json", "session_interface", "request_class", "response_class", "aborter", "url_map", "test_client_class"]
REQUESTS = [
    ("GET", "/", {}),
    ("POST", "/", {}),
    ("GET", "/dashboard/", {}),
    ("GET", "/static/base.css", {}),
    ("GET", "/nowhere", {}),
    ("GET", "/fails", {}),
    ("GET", "/orders", {}),
    ("POST", "/orders", {"customer_id": "1", "cents": "700"}),
    ("GET", "/sign-in", {}),
    ("POST", "/sign-in", {"name": "ada", "password": "lovelace"}),
    ("POST", "/sign-in", {"name": "ada", "password": "wrong", "csrf_token": "of the page"}),
    ("POST", "/sign-in", {"name": "ada", "password": "lovelace", "csrf_token": "of the page"}),
    ("GET", "/orders", {}),
    ("POST", "/orders", {"customer_id": "1", "cents": "700", "csrf_token": "of the page"}),
    ("DELETE", "/orders", {}),
    ("OPTIONS", "/orders", {}),
    ("HEAD", "/", {}),
]
TOKEN = re.compile(r'(name="csrf_token" value=")([^"]*)')


def named(value):
    """Functions by their names, so that two runs can be compared."""
    if isinstance(value, dict):
        return {str(key): named(item) for key, item in value.items() if item}
    if isinstance(value, list | tuple | set):
        return [named(item) for item in value]
    return (
        f"{value.__module__}.{value.__qualname__}" if callable(value) and hasattr(value, "__qualname__") else str(value)
    )


def receivers(signal) -> list[str]:
    """Who listens, by name; blinker keeps them weakly or not, as they asked."""
    found = [kept() if isinstance(kept, weakref.ref) else kept for kept in signal.receivers.values()]
    return sorted(f"{each.__module__}.{each.__qualname__}" for each in found if each is not None)


def inside(app: Flask) -> dict:
    """All that Flask keeps for the app; of Poolhouse what its name says, apart."""
    environment = app.jinja_env
    return {
        **{name: named(getattr(app, name)) for name in HOOKS},
        "config": {key: str(value) for key, value in app.config.items()},
        "jinja": {
            **{name: sorted(getattr(environment, name)) for name in ("globals", "filters", "tests", "extensions")},
            "templates": sorted(environment.list_templates()),
            "folders": [str(loader) for loader in app.jinja_loader.searchpath],
        },
        "classes": {name: type(getattr(app, name)).__name__ for name in CLASSES},
        "routes": sorted(f"{rule.rule} {sorted(rule.methods)} {rule.endpoint}" for rule in app.url_map.iter_rules()),
        "blueprints": sorted(app.blueprints),
        "extensions": sorted(app.extensions),
        "commands": sorted(app.cli.commands),
        "signals": {
            name: receivers(signal) for name, signal in vars(flask.signals).items() if hasattr(signal, "receivers")
        },
        "logging": [
            (logger.name, logger.level, logger.disabled, [type(handler).__name__ for handler in logger.handlers])
            for logger in (
                logging.getLogger(),
                app.logger,
                logging.getLogger("werkzeug"),
                logging.getLogger("sqlalchemy"),
            )
        ],
    }


def cookie(text: str) -> str:
    """A session cookie by what it holds: its moment and its random token differ from run to run."""
    name, _, rest = text.partition("=")
    value, _, attributes = rest.partition(";")
    kept = sorted(json.loads(base64_decode(value.split(".")[0]))) if "." in value else value
    return f"{name}={kept};{attributes}"


def outside(app: Flask) -> list:
    """The answers of all its own routes to one browser, one after the other."""
    client, token, answers = app.test_client(), "", []
    for method, path, form in REQUESTS:
        sent = {key: token if value == "of the page" else value for key, value in form.items()}
        answer = client.open(path, method=method, data=sent)
        found = TOKEN.search(answer.text)
        token = found.group(2) if found else token
        headers = sorted((k, cookie(v) if k == "Set-Cookie" else v) for k, v in answer.headers if k != "Date")
        answers.append([method, path, sorted(form), answer.status, headers, TOKEN.sub(r"\1", answer.text)])
    return answers


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.CRITICAL)
    app = create_app()
    seen = {"inside": inside(app), "outside": outside(app), "inside afterwards": inside(app)}
    seen["threads"] = sorted(thread.name for thread in threading.enumerate())
    sys.stdout.write(json.dumps(seen))
