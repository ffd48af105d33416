"""The form that a page draws for the values of an object: one control for each column that may be set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..records.columns import Column
from ..records.models import Model
from ..refusal import Refusal
from .controls import hint_of

FIRST = 3
"""Fields of a form that needs none, that are not folded where there is little room."""
NAMED_MOST = 20
"""Models that are named where they are left out; of more, their number is told."""


@dataclass(frozen=True)
class Field:
    """One control of a form. control: text, area, switch, choice, relation. text: what it holds; null: whether NULL is
    chosen. base: what it held when it was first drawn, None for NULL. problem: what is wrong with what was sent."""

    name: str
    control: str
    text: str
    null: bool
    nullable: bool
    required: bool
    hint: str
    choices: tuple[str, ...] = ()
    base: str | None = ""
    problem: str = ""


@dataclass(frozen=True)
class Form:
    """The form for a new object (ref None) or for an object's values."""

    model: str
    ref: str | None
    label: str
    fields: tuple[Field, ...]

    @property
    def first(self) -> tuple[Field, ...]:
        """What is needed, or wrong."""
        return tuple(each for each in self.fields if each.required or each.problem) or self.fields[:FIRST]

    @property
    def further(self) -> tuple[Field, ...]:
        """The rest, which is folded where there is little room."""
        return tuple(each for each in self.fields if each not in self.first)


def blank_form(model: Model, hidden: frozenset[str]) -> Form:
    fields = [_field(column, "", False) for column in model.columns if column.editable and column.name not in hidden]
    return Form(model.name, None, model.name, (*fields, *_relations(model, hidden)))


def form_of(model: Model, ref: str, label: str, values: Mapping[str, Any], hidden: frozenset[str]) -> Form:
    """For the values that are loaded; what is not loaded is not offered, since nobody sees what it would replace."""
    fields = [
        _field(column, column.text(values[column.name]), values[column.name] is None)
        for column in model.columns
        if column.editable and column.name in values and column.name not in hidden
    ]
    return Form(model.name, ref, label, (*fields, *_relations(model, hidden)))


def _field(column: Column, text: str, null: bool) -> Field:
    choices = tuple(getattr(column.kind, "choices", ()))
    control = (
        "choice"
        if choices
        else {"boolean": "switch", "long text": "area", "json": "area"}.get(column.kind.name, "text")
    )
    base = None if null else text
    return Field(column.name, control, text, null, column.nullable, column.required, hint_of(column), choices, base)


def as_sent(form: Form, sent: Mapping[str, str], refusal: Refusal) -> Form:
    """The form with what was sent in it, and at each field what the refusal says of it."""
    return replace(form, fields=tuple(_as_sent(each, sent, refusal.fields.get(each.name, "")) for each in form.fields))


def _as_sent(field: Field, sent: Mapping[str, str], problem: str) -> Field:
    """Its base stays what the person had before them: what they left alone must not count as touched now."""
    if (text := sent.get(f"values.{field.name}")) is None:
        return replace(field, problem=problem)
    base = None if f"base-null.{field.name}" in sent else sent.get(f"base.{field.name}", field.base)
    return replace(field, text=text, null=f"null.{field.name}" in sent, base=base, problem=problem)


@dataclass(frozen=True)
class LeftOut:
    """Models that are not offered for one reason. names: as people say them, the first of them."""

    names: tuple[str, ...]
    more: int
    reason: str


def left_out(models: Iterable[Model]) -> tuple[LeftOut, ...]:
    """The models without a key that can be written in an address, by reason."""
    found: dict[str, list[str]] = {}
    for model in models:
        if model.keyless is not None:
            found.setdefault(model.keyless, []).append(model.title)
    return tuple(
        LeftOut(tuple(names[:NAMED_MOST]), max(0, len(names) - NAMED_MOST), reason) for reason, names in found.items()
    )


def _relations(model: Model, hidden: frozenset[str]) -> list[Field]:
    return [
        Field(r.name, "relation", "", False, True, False, f"key or ref of {r.target}")
        for r in model.relationships
        if not r.viewonly and not r.uselist and r.name not in hidden
    ]
