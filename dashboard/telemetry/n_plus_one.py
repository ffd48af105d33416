"""Where was one relationship loaded again and again within one request, and which loader option cures it?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import orm as sa_orm

from .examples import Examples

examples = Examples()


def cure_of(path: tuple[Any, ...]) -> str:
    """The loader option, as one writes it into `select(...).options(...)`.

    path: mappers and relationships in turn, as SQLAlchemy has them; what stands before the last relationship is how
    the object itself was loaded.
    """
    *before, last = (part for part in path if isinstance(part, sa_orm.RelationshipProperty))
    if last.mapper.common_parent(last.parent):
        return f"selectinload({_written(last)}, recursion_depth=-1)"
    option = "joinedload" if last.direction is sa_orm.MANYTOONE else "selectinload"
    steps = [f"defaultload({_written(part)})" for part in before]
    return ".".join([*steps, f"{option}({_written(last)})"])


def _written(relationship: Any) -> str:
    return f"{relationship.parent.class_.__name__}.{relationship.key}"
