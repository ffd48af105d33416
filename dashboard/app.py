"""create_app(): the standalone host, a Flask app around one database, the demo's own when no other is named."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import Blueprint, Flask
from flask_sqlalchemy import SQLAlchemy
from werkzeug.middleware.proxy_fix import ProxyFix

from . import first_start
from .config import Config
from .extension import Dashboard
from .refusal import Refusal
from .runtime import Service
from .telemetry import scope
from .telemetry.ledger import Ledger
from .urls import SIDECAR, must_be_there, with_drivers

if TYPE_CHECKING:  # the demo is not loaded where it is not shown: a worker would keep 3 MB of it
    from .demo.faulty import Shop

log = logging.getLogger("poolhouse")
DEMO_FILE = "demo.db"
DEMO_THRESHOLDS = {"overdue_seconds": 4.0, "idle_in_transaction_seconds": 3.0, "stuck_seconds": 2.0}


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """The dashboard as an application of its own, mounted at `/`.

    config: settings that come before the environment's; keys as in README's table. Raises WrongSetting, naming the key,
    the value and what is allowed.
    """
    given = {**os.environ, **(config or {})}
    settings = Config.read(given)
    demo = not settings.database_url
    if demo:
        settings = Config.read(
            given, **{k: v for k, v in DEMO_THRESHOLDS.items() if not given.get(f"DASHBOARD_{k.upper()}")}
        )
    app = Flask("poolhouse", static_folder=None, template_folder=None)
    app.testing = bool(given.get("TESTING"))
    if not settings.enabled:
        return app
    if settings.proxies:
        trusted = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=0)
        app.wsgi_app = trusted  # type: ignore[method-assign]
    settings = with_drivers(settings)
    db = None if settings.database_url == SIDECAR else _database(app, settings)
    dashboard = Dashboard(url_prefix="/")
    try:
        beside, more = _demo(app, db, settings) if demo and db else ((), ())
        dashboard.mount(app, dashboard.wire(app, db, settings, alone=True, beside=beside), more)
    except Refusal as reason:  # the pages say it, and the commands are there: one of them may be the remedy
        log.error("poolhouse could not start: %s %s", reason, reason.remedy)
        dashboard.apologise(app, reason, settings)
    return app


def sign_in_link(config: Config) -> str:
    """A new one-time link to the server of these settings; made by gunicorn's master, or by `flask dashboard link`."""
    with first_start.lock(config):
        store = first_start.open_store(config)
        try:
            token = first_start.open_accounts(store, config).new_link()
        finally:
            store.engine.dispose()
    return f"http://{config.host}:{config.port}/link/{token}"


def announce() -> str:
    """What a server's master prints before it has a worker: the link to sign in with. Makes what the first start needs.

    Raises WrongSetting, as create_app does.
    """
    config = Config.read()
    if not config.enabled:
        return "Poolhouse is switched off (DASHBOARD_ENABLED)."
    with_drivers(config)
    if config.auth != "password":
        return f"Poolhouse: http://{config.host}:{config.port}/"
    try:
        link = sign_in_link(config)
    except Refusal as refusal:
        if not first_start.may_come_back(refusal):
            raise
        return f"Poolhouse: {refusal} When it is back, `flask dashboard link` prints a link to sign in with."
    return f"Poolhouse: sign in once, within {config.link_seconds / 60:.0f} minutes, at\n  {link}"


def _database(app: Flask, config: Config) -> SQLAlchemy:
    """Flask-SQLAlchemy around the settings' database; its models are the demo's, those of DASHBOARD_MODELS, or
    reflected."""
    own = f"sqlite:///{(config.instance / DEMO_FILE).absolute()}"
    app.config["SQLALCHEMY_DATABASE_URI"] = config.database_url or own
    app.config["SQLALCHEMY_BINDS"] = dict(config.databases or {})
    db = SQLAlchemy() if config.database_url else _of_demo()
    db.init_app(app)
    with app.app_context():
        for bind, engine in db.engines.items():
            if engine.dialect.name == "sqlite" and (bind or config.database_url):  # the demo's own file is made
                sa.event.listen(engine, "do_connect", must_be_there)
    return db


def _of_demo() -> SQLAlchemy:
    from .demo.models import Base

    return SQLAlchemy(model_class=Base)


def _demo(app: Flask, db: SQLAlchemy, config: Config) -> tuple[tuple[Service, ...], tuple[Blueprint, ...]]:
    """The demo's data, laid once by whoever comes first; its traffic, and the faults that can be switched on."""
    from .demo import faults_page
    from .demo.faults import Faults
    from .demo.seed import seed
    from .demo.traffic import Traffic

    with app.app_context():
        engine = db.engine
    sa.event.listen(engine, "connect", _prepare_sqlite)
    try:
        with first_start.lock(config):
            seed(engine)
    except sa.exc.DBAPIError as error:  # its disk may be full: a server with one worker less must not end by that
        log.error("the demo's data could not be laid: %s", type(error).__name__)
    engine.dispose()
    if config.demo is False:
        return (), ()
    traffic = Traffic(db.session.session_factory, around=app.app_context, rate=config.demo_rate)
    faults = Faults(config.instance, _shop(app, db, engine, config))
    running = () if app.testing else (Service(traffic.start, traffic.stop), Service(faults.start, faults.stop))
    return running, (faults_page.blueprint(faults),)


def _shop(app: Flask, db: SQLAlchemy, engine: sa.Engine, config: Config) -> Shop:
    from .demo.faulty import Shop

    def publish() -> None:
        ledger = Ledger(config.instance, config)
        ledger.join()
        ledger.leave()

    return Shop(engine, db.session.session_factory, _request_of(app), publish)


def _request_of(app: Flask) -> Callable[[str], AbstractContextManager[None]]:
    """A Flask-SQLAlchemy Session needs its app's context."""

    @contextmanager
    def request_of(endpoint: str) -> Iterator[None]:
        with app.app_context(), scope(endpoint):
            yield

    return request_of


def _prepare_sqlite(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
