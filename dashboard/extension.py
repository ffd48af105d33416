"""class Dashboard: wires the rooms together inside a Flask app, as a good guest, and does nothing else."""

from __future__ import annotations

import itertools
import logging
import os
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Flask, got_request_exception

from . import first_start, host, pages
from .access import Access
from .access.pace import Pace
from .cli import dashboard_group
from .config import Config, WrongSetting
from .pages import apology
from .peers.answering import Answering
from .records.names import named_apart
from .records.told import Records, told
from .refusal import Refusal
from .runtime import NotStarted, Runtime, Service, Services, Streams
from .store.audit import Audit
from .store.engine import Store
from .telemetry import set_scope_reader, set_stacks
from .telemetry.ledger import Ledger
from .telemetry.long_range import Prometheus
from .workspaces.committing import IN_DATABASE, begin_history
from .workspaces.history import History
from .workspaces.reading import Readers
from .workspaces.registry import Workspaces

log = logging.getLogger("poolhouse")  # asking for app.logger would give a host a handler that it may not want
NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
PREFIX = re.compile(r"(/[^/<>?#\s]+)+")
GROUP = "dashboard"


class Dashboard:
    """The dashboard as a guest in somebody's Flask app.

    app, db: as for init_app; both may come later. access: the host's sign-in and rules (Access); without one, Poolhouse
    has accounts of its own. records: how the records of a class are shown and edited (Records). url_prefix: where it is
    mounted. name: of the blueprint, the cookie and the entry in `app.extensions`; give another one to mount it twice.

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
        records: Mapping[type, Records] | None = None,
        url_prefix: str = "/dashboard",
        name: str = "poolhouse",
    ) -> None:
        self.access, self.records, self.name = access, records, name
        self.url_prefix = "/" + str(url_prefix or "").strip("/")
        if app is not None:
            self.init_app(app, db)

    def init_app(self, app: Flask, db: Any = None) -> None:
        """Mounts the dashboard on a host's app. What goes wrong is logged in one line and answered 503 on our pages;
        the host starts.

        db: a Flask-SQLAlchemy, an Engine, a sessionmaker or a scoped_session;
        for Flask-SQLAlchemy, after its own init_app.
        """
        config = None
        try:
            config = _config_of(app)
            if not config.enabled:
                return
            _must_be_free(app, self.name)
            _must_be_a_place(self.url_prefix)
            runtime = self.wire(app, db, config, alone=False)
            try:
                self.mount(app, runtime)
            except BaseException:
                runtime.close()
                raise
        except Exception as error:
            log.error("poolhouse could not start: %s", _in_one_line(error))
            with suppress(Exception):  # where there is no place for an apology, the line in the log is all
                _must_be_a_place(self.url_prefix)
                self.apologise(app, _reason(error), config)

    def wire(self, app: Flask, db: Any, config: Config, *, alone: bool, beside: tuple[Service, ...] = ()) -> Runtime:
        """The rooms, furnished and connected; where one cannot be, the others are left as they were found.
        beside: what else shall run in each process, begun last."""
        with ExitStack() as undo:
            with app.app_context():
                engines = host.engines_of(db)
            host.keep_apart(first_start.store_url(config), engines)
            with first_start.lock(config):
                store, accounts = first_start.begin_store(config, people=self.access is None)
                undo.callback(store.engine.dispose)
                key = first_start.secret_key(config)
            store.engine.dispose()  # no connection of ours shall lie open when a server forks
            databases = named_apart(told(host.databases_of(db, engines, config), self.records), config.names_seconds)
            watches = []
            for watch in host.begin_watching(db, engines, self._label(app)):
                undo.callback(watch.stop)
                watches.append(watch)
            ledger = Ledger(config.instance, config)
            workspaces = Workspaces(databases, store, config, worker=_worker_of(ledger)) if databases else None
            readers = Readers(databases, workspaces, config) if workspaces else None
            history = History(databases, store, workspaces, readers, config) if workspaces and readers else None
            if config.change_sets == IN_DATABASE:
                begin_history(databases.values())
            answering = Answering(workspaces, self.access, key, config, app.app_context) if workspaces else None
            undo.pop_all()
        set_scope_reader(host.scope_of_request)
        set_stacks(config.stacks)
        return Runtime(
            name=self.name,
            config=config,
            alone=alone,
            ledger=ledger,
            store=store,
            audit=Audit(store, config.audit_kept),
            databases=databases,
            workspaces=workspaces,
            access=self.access,
            accounts=accounts,
            secret_key=key,
            services=Services((*_services(store, ledger, workspaces, readers, answering, app), *beside)),
            bulkhead=threading.BoundedSemaphore(config.database_pages),
            exports=threading.BoundedSemaphore(min(config.exports, max(1, config.records_connections - 1))),
            streams=Streams(config.streams),
            pace=Pace(config.heavy_requests),
            watches=tuple(watches),
            readers=readers,
            history=history,
            prometheus=Prometheus(config.prometheus_url, config.prometheus_seconds) if config.prometheus_url else None,
        )

    def mount(self, app: Flask, runtime: Runtime, more: tuple[Blueprint, ...] = ()) -> None:
        """All that is ever registered on the app: one blueprint, one teardown, one receiver of got_request_exception,
        one group of commands, one entry. more: further pages, behind the same gate."""
        self._register(app, pages.blueprint(self.name, more), runtime)

        def serve(error: BaseException | None = None) -> None:
            host.end_scope_of_request()
            if not app.testing:  # asked each time: many hosts say so after they were made
                _begin(runtime)  # whoever ends a request serves: from now on this process publishes

        app.teardown_request(serve)
        got_request_exception.connect(host.note_error_of_request, app)

    def apologise(self, app: Flask, reason: Refusal, config: Config | None) -> None:
        """In place of the pages: 503 with the reason. The commands are there all the same: one may be the remedy."""
        self._register(app, apology.blueprint(_free_name(app, self.name)), NotStarted(reason, config))

    def _register(self, app: Flask, blueprint: Blueprint, entry: Runtime | NotStarted) -> None:
        blueprint.url_prefix = self.url_prefix.rstrip("/") or None
        app.register_blueprint(blueprint)
        app.extensions[blueprint.name] = entry
        if dashboard_group not in app.cli.commands.values():
            app.cli.add_command(dashboard_group, GROUP if GROUP not in app.cli.commands else blueprint.name)

    def _label(self, app: Flask) -> str:
        """The pool of a second dashboard is not "default" as well, unless it is the same pool."""
        second = any(isinstance(entry, Runtime) for entry in app.extensions.values())
        return self.name if second else host.MAIN


def _must_be_free(app: Flask, name: str) -> None:
    """Raises Refusal for a name under which something of the host would be replaced."""
    if not NAME.fullmatch(name):
        raise Refusal("unavailable", f"name={name!r} is no name.", remedy="Letters, digits, _ and - make one.")
    if name in app.extensions or name in app.blueprints:
        raise Refusal("unavailable", f"The name {name!r} is taken in this app.", remedy="Give Dashboard another name=.")


def _must_be_a_place(url_prefix: str) -> None:
    """Raises Refusal for a prefix below which the host's own routes and 404s are, or which takes values."""
    if not PREFIX.fullmatch(url_prefix.rstrip("/")):
        message = f"url_prefix={url_prefix!r} is no place for a guest."
        raise Refusal("unavailable", message, remedy="Give Dashboard a prefix of its own, like '/ops'.")


def _free_name(app: Flask, name: str) -> str:
    names = itertools.chain([name], (f"poolhouse-{number}" for number in itertools.count(2)))
    return next(each for each in names if NAME.fullmatch(each) and each not in {*app.extensions, *app.blueprints})


def _config_of(app: Flask) -> Config:
    """A guest's settings. HOST, PORT and DATABASE_URL are the host's own affair."""
    given = {**os.environ, **app.config}
    return Config.read({key: value for key, value in given.items() if key.startswith(("DASHBOARD_", "PROMETHEUS_"))})


def _reason(error: Exception) -> Refusal:
    """What may be said to everybody: never a driver's own words, which may hold addresses and passwords."""
    if isinstance(error, Refusal):
        return error
    words = str(error) if isinstance(error, WrongSetting) else f"{type(error).__name__}."
    return Refusal("unavailable", words, remedy="The log of the application has the line that says why.")


def _in_one_line(error: Exception) -> str:
    if isinstance(error, sa.exc.ArgumentError):  # a URL that is none; older SQLAlchemys quote it, password and all
        return type(error).__name__
    words = f"{error} {error.remedy}" if isinstance(error, Refusal) else f"{type(error).__name__}: {error}"
    return " ".join(words.split())


def _begin(runtime: Runtime) -> None:
    """Never fails: an exception at the end of a request would be the host's."""
    try:
        runtime.start()
    except Exception as error:
        log.error("poolhouse does not publish this process: %s", _in_one_line(error))


def _worker_of(ledger: Ledger) -> Callable[[], int]:
    """The number by which all pages know this process; its pid while it is in no ledger (a test, a ledger that is
    away)."""
    return lambda: ledger.worker() or os.getpid()


def _services(
    store: Store,
    ledger: Ledger,
    workspaces: Workspaces | None,
    readers: Readers | None,
    answering: Answering | None,
    app: Flask,
) -> tuple[Service, ...]:
    wired_in = os.getpid()

    def forget_inherited_connections() -> None:
        if os.getpid() != wired_in:
            store.engine.dispose(close=False)

    def join() -> None:
        if not app.testing:
            ledger.join()

    services = [Service(forget_inherited_connections, lambda: None), Service(join, ledger.leave)]
    if workspaces is not None:
        services.append(Service(lambda: None, workspaces.close))
    if readers is not None:
        services.append(Service(lambda: None, readers.close))
    if answering is not None:  # last: it ends before the workspaces that it acts on
        services.append(Service(lambda: None, answering.close))
    return tuple(services)
