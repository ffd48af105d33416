"""What does a host's `db` bring: which pools to watch, which databases with which models to work on?"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from flask import has_request_context, request
from sqlalchemy import orm as sa_orm

from .config import Config
from .records.models import Database, Model, Models
from .refusal import Refusal
from .telemetry import scopes, sessions, watch, watch_sessions
from .telemetry.faults import fault
from .telemetry.scopes import NONE, Scope, endpoint_of
from .telemetry.watches import MARK
from .telemetry.watching import Watch

MAIN = "default"
"""The name of a host's only database, and of Flask-SQLAlchemy's unnamed bind."""
log = logging.getLogger("poolhouse")
T = TypeVar("T")
_NAMES: dict[Any, str] = {None: MAIN, MAIN: f"{MAIN}-bind"}
_BIND_KEYS: dict[str, Any] = {name: key for key, name in _NAMES.items()}


def engines_of(db: Any) -> dict[str, sa.Engine]:
    """The engines behind `db`, by name. Called inside an app context: Flask-SQLAlchemy asks for one.

    Raises Refusal("unavailable") for what is no database, with what to give instead.
    """
    if db is None:
        return {}
    if _has_binds(db):
        return _engines_by_bind(db)
    engine = _sync(db if _is_engine(db) else _maker_of(db).kw.get("bind"))
    if not isinstance(engine, sa.Engine):
        raise _wrong("This sessionmaker has no engine of its own.", "Give Dashboard sessionmaker(bind=engine).")
    return {MAIN: engine}


def databases_of(db: Any, engines: Mapping[str, sa.Engine], config: Config) -> Mapping[str, Database]:
    """The databases that workspaces and records work on, by name; empty where there is none (the sidecar)."""
    if not engines:
        return {}
    maker = _maker(db, engines)
    return {name: Database(name, engine, maker, _models(db, engine, name, config)) for name, engine in engines.items()}


def begin_watching(db: Any, engines: Mapping[str, sa.Engine], name: str = MAIN) -> Iterator[Watch]:
    """Each Watch that was begun. A pool or Session class that the host watches itself stays the host's.

    name: of the pool and the registry, where "default" is another dashboard's already.
    """
    for bind, engine in engines.items():
        known = MARK in engine.pool.__dict__
        begun = watch(engine, name=None if known else _label(name, bind))
        if not known:
            yield begun
    # Nobody tells whose Sessions use an Engine: then all of the process are counted.
    target = sa_orm.Session if _is_engine(db) else None if db is None else _maker_of(db)
    if target is not None and sessions.class_of(target) not in sessions.registered:
        yield watch_sessions(target, registry=name)


def keep_apart(store_url: str, engines: Mapping[str, sa.Engine]) -> None:
    """Raises Refusal where the store's SQLite file is one that is looked at: an open workspace would lock it."""
    store = _file(sa.make_url(store_url))
    if store is not None and any(_file(engine.url) == store for engine in engines.values()):
        raise _wrong(
            f"{store} is a database of the application; Poolhouse keeps its own things in another one.",
            "Give DASHBOARD_INSTANCE another folder, or DASHBOARD_STORE_URL another database.",
        )


SCOPE = "poolhouse.scope"
"""Where a request keeps its Scope: in its own WSGI environment."""


def scope_of_request() -> Scope | None:
    """The Scope of the request that is being served, made when somebody first takes a connection in it."""
    if not has_request_context():
        return None
    scope: Scope | None = request.environ.get(SCOPE)
    if scope is None and request.url_rule is not None:
        scope = request.environ[SCOPE] = Scope(str(request.url_rule.endpoint))
    return scope


def end_scope_of_request() -> None:
    scope = request.environ.pop(SCOPE, None)
    if scope is not None:
        scopes.end(scope)


def note_error_of_request(app: Any, exception: BaseException, **_: Any) -> None:
    """For Flask's got_request_exception: nobody handles this one. Never raises."""
    try:
        scopes.failed(exception, endpoint_of(scope_of_request()) or NONE)
    except Exception:
        fault("got_request_exception")


def _wrong(message: str, remedy: str) -> Refusal:
    return Refusal("unavailable", message, remedy=remedy)


# what was given


def _has_binds(db: Any) -> bool:
    """A Flask-SQLAlchemy. Its class is asked: the attribute itself raises outside its app."""
    return hasattr(type(db), "engines")


def _is_engine(db: Any) -> bool:
    return isinstance(_sync(db), sa.Engine)


def _sync(engine: Any) -> Any:
    """The Engine inside an AsyncEngine; anything else as it is."""
    return getattr(engine, "sync_engine", engine)


def _engines_by_bind(db: Any) -> dict[str, sa.Engine]:
    try:
        main_first = sorted(db.engines.items(), key=lambda item: item[0] is not None)
        return {_NAMES.get(key, key): engine for key, engine in main_first}
    except RuntimeError:
        message = "This Flask-SQLAlchemy is not registered with the app yet."
        raise _wrong(message, "Call db.init_app(app) before Dashboard.") from None


def _maker_of(db: Any) -> Any:
    """The sessionmaker behind a Flask-SQLAlchemy, a scoped_session or itself; an async one behind their async kin."""
    registry = db.session if _has_binds(db) else db
    factory = getattr(registry, "session_factory", registry)
    if not (hasattr(factory, "class_") and hasattr(factory, "kw")):
        raise _wrong(
            f"db is of the type {type(db).__name__}, which Poolhouse does not know as a database.",
            "Give Dashboard a Flask-SQLAlchemy, an Engine, a sessionmaker or a scoped_session.",
        )
    return factory


def _maker(db: Any, engines: Mapping[str, sa.Engine]) -> sa_orm.sessionmaker[Any]:
    """What makes the Sessions of workspaces: synchronous ones, of the host's own class where it has one."""
    if _is_engine(db):
        return sa_orm.sessionmaker(engines[MAIN])
    maker = _maker_of(db)
    if isinstance(maker, sa_orm.sessionmaker):
        return maker
    options = {key: value for key, value in maker.kw.items() if key not in ("bind", "sync_session_class")}
    return sa_orm.sessionmaker(class_=sessions.class_of(maker), bind=engines[MAIN], **options)


def _label(name: str, bind: str) -> str:
    return bind if name == MAIN else name if bind == MAIN else f"{name}.{bind}"


def _file(url: sa.URL) -> Path | None:
    """The file of a SQLite database; None for one in memory or on a server."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Path(url.database.removeprefix("file:")).resolve()


# its models


def _models(db: Any, engine: sa.Engine, name: str, config: Config) -> Models:
    """Found when they are first asked for: a host may import its models after the dashboard, and a database may be
    away."""

    def find() -> list[Model]:
        source = _found(lambda: import_module(config.models)) if config.models else getattr(db, "Model", None)
        declared = _found(lambda: list(Models.of_registry(source, dialect=engine.dialect, database=name)))
        here = [model for model in declared if not _has_binds(db) or _bind_of(model) == name]
        return here or _reflected(db, engine, name)

    return Models(find)


def _found(find: Callable[[], T]) -> T:
    """Whatever goes wrong in a host's own models is not Poolhouse's mistake, and is said in words."""
    try:
        return find()
    except Exception as error:
        log.error("the models cannot be read: %s", error)
        message = f"The application's models cannot be read ({type(error).__name__})."
        raise _wrong(message, "The log says which one; set DASHBOARD_MODELS to the module that holds them.") from error


def _bind_of(model: Model) -> str:
    """The name of the database in which Flask-SQLAlchemy keeps this model's table."""
    tables = (table for table in model.mapper.tables if isinstance(table, sa.Table))
    key = next((table.metadata.info.get("bind_key") for table in tables), None)
    return _NAMES.get(key, str(key))


def _reflected(db: Any, engine: sa.Engine, name: str) -> list[Model]:
    if engine.dialect.is_async:
        message = "The tables of an asynchronous engine cannot be read without their models."
        raise _wrong(message, "Set DASHBOARD_MODELS to the module that holds the mapped classes.")
    models = list(Models.reflected(engine, database=name))
    for model in models if _has_binds(db) else ():
        for table in model.mapper.tables:
            if isinstance(table, sa.Table):  # by this Flask-SQLAlchemy's Sessions find the engine
                table.metadata.info["bind_key"] = _BIND_KEYS.get(name, name)
    return models
