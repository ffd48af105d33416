"""What may this actor see and do in a workspace?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from ..records.models import Model


@dataclass(frozen=True)
class Sight:
    """Three questions that are asked of whoever decides; by default everything is allowed.

    may: whether this verb is allowed on this model. rows: the condition that a row must meet to be loaded,
    None for all rows.
    hidden: the attributes that are neither shown nor taken.
    """

    may: Callable[[str, Model], bool] = lambda verb, model: True
    rows: Callable[[Model], sa.ColumnElement[bool] | None] = lambda model: None
    hidden: Callable[[Model], frozenset[str]] = lambda model: frozenset()
