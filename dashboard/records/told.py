"""What does a host say of its models: what they are called, what is listed, searched, hidden, kept from being written,
and what else can be done with their records?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..refusal import Refusal
from .hidden import hidden_with

if TYPE_CHECKING:
    from .models import Database, Model

READ_ONLY = "The application keeps it from being written here."


@dataclass(frozen=True)
class Records:
    """How one model's records are shown and edited; names are of mapped attributes, a to-one relationship's stands for
    its foreign key.

    label: the attribute, or a function of the object, that a record is called by. list: the columns of a list, unless
    the person chooses. search: the text columns that a search looks in. filters: the columns whose filters are offered;
    all of them when empty. formats: by column a function of its value that says how lists and records show it, as text;
    JSON, forms and exports have the value itself. hide: neither shown nor written anywhere. readonly: shown, and not
    written. actions: functions of `(session, objects)`, called with the objects chosen, in the transaction that is
    committed after it;
    their names and the first lines of their docstrings are what people read.

    >>> Records(label="title", list=["title", "price"], readonly=["isbn"]).readonly
    ['isbn']
    """

    label: str | Callable[[Any], str] | None = None
    list: Sequence[str] = ()
    search: Sequence[str] = ()
    filters: Sequence[str] = ()
    formats: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)
    hide: Sequence[str] = ()
    readonly: Sequence[str] = ()
    actions: Sequence[Callable[..., Any]] = ()


def told(databases: Mapping[str, Database], said: Mapping[type, Records] | None) -> dict[str, Database]:
    """The same databases, whose models know what the host says of them. Nothing is looked for before it is asked
    for."""
    from .models import Models  # it builds on this module

    if not said:
        return dict(databases)

    def knowing(database: Database) -> Callable[[], Iterable[Model]]:
        return lambda: _hiding(
            [_told(model, said[model.class_]) if model.class_ in said else model for model in database.models]
        )

    return {name: replace(database, models=Models(knowing(database))) for name, database in databases.items()}


def _hiding(models: Sequence[Model]) -> Iterable[Model]:
    """Each with all that is hidden along with what is said to be."""
    said = {model.mapper: model.told.hide for model in models}
    for model in models:
        hide = hidden_with(model.mapper, lambda mapper: said.get(mapper, ()))
        yield replace(model, told=replace(model.told, hide=tuple(sorted(hide)))) if hide else model


def _told(model: Model, records: Records) -> Model:
    names = {each: _columns(model, each) for each in ("list", "search", "filters", "readonly")}
    _check(model, records.hide, {column.name for column in model.columns} | {each.name for each in model.relationships})
    named: dict[str, Any] = {each: _named(model, getattr(records, each), found) for each, found in names.items()}
    by_column = _columns(model, "formats")
    _check(model, list(records.formats), set(by_column))
    named["formats"] = {by_column[name]: format_ for name, format_ in records.formats.items()}
    known = replace(records, **named)
    fixed = {*known.readonly} - {*records.hide}
    columns = tuple(
        replace(column, editable=False, reason=column.reason or READ_ONLY) if column.name in fixed else column
        for column in model.columns
    )
    if isinstance(records.label, str):
        _check(model, [records.label], {column.name for column in model.columns})
    return replace(model, columns=columns, told=known)


def _columns(model: Model, of: str) -> dict[str, str]:
    """By a name that the host may say, the column that it means."""
    found = {column.name: column.name for column in model.columns}
    for each in model.relationships:
        pairs = model.mapper.relationships[each.name].local_remote_pairs or ()
        if each.direction == "MANYTOONE" and len(pairs) == 1:
            found.setdefault(each.name, model.mapper.get_property_by_column(pairs[0][0]).key)
    return found


def formatted(model: Model, values: Mapping[str, Any]) -> dict[str, str]:
    """By column how the host says that its value is shown; what its function does not take is shown as it is."""
    found = {}
    for name, format_ in model.told.formats.items():
        if values.get(name) is not None:
            try:
                found[name] = str(format_(values[name]))
            except Exception:  # whatever the program's own function raises, the record still has its value
                continue
    return found


def _named(model: Model, given: Sequence[str], known: Mapping[str, str]) -> tuple[str, ...]:
    _check(model, given, set(known))
    return tuple(dict.fromkeys(known[name] for name in given))


def _check(model: Model, given: Sequence[str], known: set[str]) -> None:
    wrong = [name for name in given if name not in known]
    if wrong:
        message = f"Records({model.class_.__name__}): there is no attribute {wrong[0]!r}."
        raise Refusal("unavailable", message, remedy="Name attributes that the class has.")
