"""The form that a page draws for the values of an object: one control for each column that may be set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..records.columns import Column
from ..records.models import Model


@dataclass(frozen=True)
class Field:
    """One control of a form. control: text, area, switch, choice, relation. text: what it holds; null: it is NULL
    now."""

    name: str
    control: str
    text: str
    null: bool
    nullable: bool
    required: bool
    hint: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Form:
    """The form for a new object (ref None) or for an object's values."""

    model: str
    ref: str | None
    label: str
    fields: tuple[Field, ...]


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
    hint = column.type_name + (f", default {column.default}" if column.default else "")
    return Field(column.name, control, text, null, column.nullable, column.required, hint, choices)


def _relations(model: Model, hidden: frozenset[str]) -> list[Field]:
    return [
        Field(r.name, "relation", "", False, True, False, f"key or ref of {r.target}")
        for r in model.relationships
        if not r.viewonly and not r.uselist and r.name not in hidden
    ]
