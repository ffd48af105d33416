"""How many records are there, within bounds?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..config import Config
from .models import Model, Models
from .reading import Stopped, limited
from .sight import Seen, Sight, seen


@dataclass(frozen=True)
class Count:
    """value: how many there are, or at least; exact: which of both."""

    value: int
    exact: bool


def count_of(session: sa_orm.Session, model: Model, models: Models, sight: Sight, config: Config) -> Count | None:
    """How many records the person may see, within bounds; None where that took too long."""
    view = seen(model, models, sight)
    try:
        with limited(session, config.records_seconds, model):
            return bounded(session, view.narrow(keys_of(view)), config.records_count)
    except Stopped:
        return None


def bounded(session: sa_orm.Session, statement: Any, most: int) -> Count:
    """SELECT count(*) of at most one row more than is counted."""
    inner = statement.order_by(None).limit(most + 1).subquery()
    found = int(session.scalar(sa.select(sa.func.count()).select_from(inner)) or 0)
    return Count(min(found, most), found <= most)


def keys_of(view: Seen) -> Any:
    """The statement of what is counted."""
    names = view.key if not view.model.keyless else [view.attribute(next(iter(view.columns)))]
    return sa.select(*names).select_from(view.model.class_)
