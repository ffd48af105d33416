"""class Dashboard: wires the rooms together inside a Flask app, as a good guest, and does nothing else."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, Response

from . import first_start, pages
from .access import Access
from .cli import dashboard_group
from .config import Config
from .host import databases_of, scope_of_request, targets_of
from .runtime import Runtime, Service, Services
from .store.engine import Store
from .telemetry import set_scope_reader, watch, watch_sessions
from .telemetry.ledger import Ledger
from .workspaces.registry import Workspaces


class Dashboard:
    """The dashboard as a guest in somebody's Flask app.

    app, db: as for init_app; both may come later. access: the host's sign-in and rules (Access); without one, Poolhouse
    has accounts of its own. url_prefix: where it is mounted. name: of the blueprint, the cookie and the entry in
    `app.extensions`; give another one to mount it twice.

    >>> from flask import Flask
    >>> app = Flask("shop")
    >>> app.config["DASHBOARD_ENABLED"] = False      # off: no listener, route, thread or file
    >>> dashboard = Dashboard(app, url_prefix="/ops")
    >>> sorted(rule.rule for rule in app.url_map.iter_rules())
    ['/static/<path:filename>']
    """

    def __init__(
        self,
        app: Flask | None = None,
        db: Any = None,
        *,
        access: Access | None = None,
        records: Mapping[type, Any] | None = None,
        url_prefix: str = "/dashboard",
        name: str = "poolhouse",
    ) -> None:
        self.access, self.records, self.url_prefix, self.name = access, records, url_prefix, name
        if app is not None:
            self.init_app(app, db)

    def init_app(self, app: Flask, db: Any = None) -> None:
        """Mounts the dashboard on a host's app. What goes wrong is logged in one line and answered 503 on our pages;
        the host starts.

        db: a Flask-SQLAlchemy, an Engine, a sessionmaker or a scoped_session;
        for Flask-SQLAlchemy, after its own init_app.
        """
        try:
            config = Config.read({**os.environ, **app.config})
            if not config.enabled:
                return
            runtime = self.wire(app, db, config, alone=False)
        except Exception as error:
            app.logger.error("poolhouse could not start: %s: %s", type(error).__name__, error)
            self._apologise(app, error)
            return
        self.mount(app, runtime)

    def wire(self, app: Flask, db: Any, config: Config, *, alone: bool, beside: tuple[Service, ...] = ()) -> Runtime:
        """The rooms, furnished and connected. beside: what else shall run in each process, begun last."""
        with first_start.lock(config):
            store = first_start.open_store(config)
            accounts = None if self.access else first_start.open_accounts(store, config)
            key = first_start.secret_key(config)
        with app.app_context():
            databases = databases_of(db, config)
            watches = [watch(engine, name=name) for engine, name in targets_of(db, config)]
        watches += [watch_sessions(database.maker, registry=database.name) for database in databases.values()]
        ledger = Ledger(config.instance, config)
        workspaces = Workspaces(databases, store, config) if databases else None
        set_scope_reader(scope_of_request)
        return Runtime(
            name=self.name,
            config=config,
            alone=alone,
            ledger=ledger,
            store=store,
            databases=databases,
            workspaces=workspaces,
            access=self.access,
            accounts=accounts,
            secret_key=key,
            services=Services((*_services(store, ledger, workspaces, app), *beside)),
            bulkhead=threading.BoundedSemaphore(config.database_pages),
            watches=tuple(watches),
        )

    def mount(self, app: Flask, runtime: Runtime) -> None:
        """All that is ever registered on the app: one blueprint, one teardown, one group of commands, one entry."""
        app.register_blueprint(pages.blueprint(self.name), url_prefix=self.url_prefix.rstrip("/") or None)
        app.extensions[self.name] = runtime
        app.cli.add_command(dashboard_group)

        def serve(error: BaseException | None = None) -> None:
            runtime.start()  # whoever ends a request serves: from now on this process publishes

        if not app.testing:
            app.teardown_request(serve)

    def _apologise(self, app: Flask, error: Exception) -> None:
        sorry = Blueprint(self.name, __name__)
        text = f"Poolhouse could not start: {type(error).__name__}. The application's log has the line that says why.\n"

        def apologise(path: str = "") -> Response:
            return Response(text, status=503, mimetype="text/plain")

        for rule in ("/", "/<path:path>"):
            sorry.add_url_rule(rule, "sorry", apologise, methods=["GET", "POST"])
        app.register_blueprint(sorry, url_prefix=self.url_prefix.rstrip("/") or None)


def _services(store: Store, ledger: Ledger, workspaces: Workspaces | None, app: Flask) -> tuple[Service, ...]:
    def forget_inherited_connections() -> None:
        store.engine.dispose(close=False)

    services = [Service(forget_inherited_connections, lambda: None)]
    if not app.testing:
        services.append(Service(ledger.join, ledger.leave))
    if workspaces is not None:
        services.append(Service(lambda: None, workspaces.close))
    return tuple(services)
