"""What may this actor see and do in a workspace?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from ..records.models import Model
from ..refusal import Refusal


@dataclass(frozen=True)
class Sight:
    """Three questions that are asked of whoever decides; by default everything is allowed.

    may: whether this verb is allowed on this model. rows: the condition that a row must meet to be loaded,
    None for all rows.
    hidden: the attributes that are neither shown nor taken.
    restricts: whether any of the three may depend on the model; then nothing is shown of a model that is not known.
    """

    may: Callable[[str, Model], bool] = lambda verb, model: True
    rows: Callable[[Model], sa.ColumnElement[bool] | None] = lambda model: None
    hidden: Callable[[Model], frozenset[str]] = lambda model: frozenset()
    restricts: bool = True

    def sees(self, model: Model) -> bool:
        return bool(self.may("read", model))

    def permit(self, verb: str, *models: Model) -> None:
        """Refusal("forbidden") for a model that the actor may not see, or not do this with. Whoever decides is also
        asked what is hidden: who cannot tell refuses, and before anything is done."""
        for model in models:
            self.hidden(model)
            if not (self.sees(model) and self.may(verb, model)):
                raise Refusal("forbidden", f"You may not {verb} {model.title}.", remedy="Ask somebody who may.")
