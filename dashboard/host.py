"""What does a host's `db` bring: which pools to watch, which databases with which models to work on?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import sqlalchemy as sa
from flask import has_request_context, request
from sqlalchemy import orm as sa_orm

from .config import Config
from .records.models import Database, Models


def targets_of(db: Any, config: Config) -> Iterator[tuple[Any, str]]:
    """The engines to watch, with the names of their pools. Called inside an app context: Flask-SQLAlchemy asks for
    one."""
    for name, engine in _engines(db).items():
        yield engine, name


def databases_of(db: Any, config: Config) -> Mapping[str, Database]:
    """The databases that workspaces and records work on, by name; empty where there is none (the sidecar)."""
    engines = _engines(db)
    maker = _maker(db, engines)
    if maker is None:
        return {}
    name, engine = next(iter(engines.items()))
    return {name: Database(name, engine, maker, _models(db, engine, name, config))}


def scope_of_request() -> str | None:
    """The endpoint of the request that is being served, for whoever takes a connection in it."""
    if has_request_context() and request.url_rule is not None:
        return str(request.url_rule.endpoint)
    return None


def _engines(db: Any) -> dict[str, Any]:
    if db is None:
        return {}
    if hasattr(db, "engines"):  # Flask-SQLAlchemy: the unnamed bind is None
        return {name or "default": engine for name, engine in db.engines.items()}
    if isinstance(db, sa.Engine):
        return {"default": db}
    bind = _maker(db, {}).kw.get("bind")  # type: ignore[union-attr]
    if not isinstance(bind, sa.Engine):
        raise TypeError("this sessionmaker has no bind; give Dashboard the Engine or a sessionmaker(bind=engine)")
    return {"default": bind}


def _maker(db: Any, engines: Mapping[str, Any]) -> sa_orm.sessionmaker[Any] | None:
    if isinstance(db, sa_orm.sessionmaker):
        return db
    if isinstance(db, sa_orm.scoped_session):
        return _maker(db.session_factory, engines)
    if isinstance(db, sa.Engine):
        return sa_orm.sessionmaker(db)
    if hasattr(db, "session"):
        return _maker(db.session, engines)
    if db is None:
        return None
    raise TypeError(
        f"db is a {type(db).__name__}; it takes a Flask-SQLAlchemy, an Engine, a sessionmaker or a scoped_session"
    )


def _models(db: Any, engine: sa.Engine, name: str, config: Config) -> Models:
    """Found when they are first asked for: a host may import its models after the dashboard, and a database may be
    away."""

    def find() -> Models:
        if config.models:
            return Models.of_registry(import_module(config.models), dialect=engine.dialect, database=name)
        declared = getattr(db, "Model", None)
        if declared is not None and list(declared.registry.mappers):
            return Models.of_registry(declared, dialect=engine.dialect, database=name)
        return Models.reflected(engine, database=name)

    return Models(find)
