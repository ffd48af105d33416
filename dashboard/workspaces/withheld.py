"""What may a refusal say to this actor? Nothing of columns that are hidden from them, nor of models that they may not
see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..records.models import Model, Models
from ..refusal import Refusal
from .sight import Sight

SENTENCE = "Something of it that you may not see does not fit, or holds on to it."
REMEDY = "Ask somebody who sees all of it."


class Withheld(Refusal):
    """It has lost what its actor may not see."""


def withheld(refusal: Refusal, models: Models, sight: Sight, named: Iterable[str]) -> Refusal:
    """The refusal without what is hidden. named: models that the request spoke of."""
    known = [models.find(name) for name in dict.fromkeys((*named, *_of(refusal.details))) if name in models]
    hidden = {name for model in known for each in sight.hidden(model) for name in _names(model, each)}
    unseen = {word for model in models if not sight.sees(model) for word in (model.name, *_tables(model))}
    if not hidden and not unseen:
        return refusal
    fields = {name: sentence for name, sentence in refusal.fields.items() if name not in hidden}
    told = (refusal.message, refusal.remedy, *fields.values(), *map(str, refusal.details.values()))
    if len(fields) == len(refusal.fields) and not any(_speaks(text, hidden | unseen) for text in told):
        return refusal
    fields = {name: text if not _speaks(text, hidden | unseen) else SENTENCE for name, text in fields.items()}
    return Withheld(refusal.code, SENTENCE, fields, REMEDY, {"class": refusal.details.get("class", "")})


def may_count(table: str, models: Models, sight: Sight) -> bool:
    """Whether the actor may be told how many rows of this table go along: not of a model that they may not see, nor of
    one, or between such, of which they see some rows only."""
    owners = (model for model in models if table in (*_tables(model), *_between(model)))
    return all(sight.sees(model) and sight.rows(model) is None for model in owners)


def _between(model: Model) -> list[str]:
    tables = (relationship.secondary for relationship in model.mapper.relationships)
    return [str(getattr(table, "name", "")) for table in tables if table is not None]


def _of(details: Mapping[str, object]) -> list[str]:
    refs = details.get("refs", ())
    return [str(ref).partition(":")[0] for ref in refs] if isinstance(refs, (list, tuple)) else []


def _names(model: Model, name: str) -> set[str]:
    """Of an attribute: its own, and the database's."""
    prop = model.mapper.attrs.get(name)
    return {name, *(getattr(column, "name", "") or "" for column in getattr(prop, "columns", ()))} - {""}


def _tables(model: Model) -> list[str]:
    return [str(getattr(table, "name", "")) for table in model.mapper.tables if getattr(table, "name", "")]


def _speaks(text: str, words: set[str]) -> bool:
    return any(re.search(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", text) for word in words)
