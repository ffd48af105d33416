"""May the actor see this very row? A rule about a subclass also holds where its rows are loaded as those of its base,
whose SELECT knows nothing of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..records.models import Model
from ..refusal import Refusal
from . import tape
from .session import criteria
from .sight import Sight

if TYPE_CHECKING:
    from .live import Live

WHY = "sight"


def got(live: Live, model: Model, parts: tuple[Any, ...], sight: Sight | None = None) -> Any:
    """`session.get`; None also for a row that is of a subclass and out of sight. sight: where a whole subclass may be
    out of it."""
    obj = live.session.get(model.class_, parts if len(parts) > 1 else parts[0])
    if obj is None or type(obj) is model.class_:
        return obj
    if sight is not None and not sight.sees(live.board.model(obj)):
        return None
    return obj if _is_in_sight(live, obj, model.class_) else None


def must_be(live: Live, objects: Iterable[Any], class_: type) -> None:
    """class_: as which they were loaded. Raises Refusal("forbidden")."""
    if not all(_is_in_sight(live, obj, class_) for obj in objects if type(obj) is not class_):
        raise Refusal(
            "forbidden", "It holds something that you may not see.", remedy="Ask somebody who sees all of it."
        )


def _is_in_sight(live: Live, obj: Any, class_: type) -> bool:
    state: Any = sa.inspect(obj)
    own = [rule for of, rule, _ in criteria.get() if isinstance(obj, of) and not issubclass(class_, of)]
    if not own or state.key is None:
        return True
    connection = live.session.connection(bind_arguments={"mapper": state.mapper})
    same = [column == part for column, part in zip(state.mapper.primary_key, state.identity, strict=True)]
    statement = sa.select(sa.literal(1)).select_from(type(obj)).where(*same, *own)
    with tape.because(WHY):
        return connection.execute(statement).first() is not None
