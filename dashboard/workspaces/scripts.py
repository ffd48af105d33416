"""How is a tape copied: as a Python script that runs by itself, as SQL, as a pytest test?"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator
from keyword import iskeyword
from typing import Any

from ..records.labels import REFLECTED
from ..records.models import Model
from ..refusal import Refusal
from . import rendering, walks
from .walks import Walk

_HEAD = '''\
"""The workspace {name}, as a {kind}.

{usage}
It does to the database what the workspace did: give it a copy.
"""

import datetime
import os
import sys
import uuid
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy import JSON, null
from sqlalchemy.orm import Session, make_transient
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key
'''
_STATE = '''

def state(obj):
    """transient, pending, persistent, deleted or detached."""
    found = sa.inspect(obj)
    return next(name for name in ("transient", "pending", "persistent", "deleted", "detached") if getattr(found, name))


def engine_of(url):
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", lambda connection, record: connection.execute("PRAGMA foreign_keys = ON"))
    return engine
'''
_MAIN = """

def main(url):
    engine = engine_of(url)
    map_tables(engine)
    with Session(engine, autoflush={autoflush}, expire_on_commit={expire_on_commit}) as session:
        for ref, obj in replay(session).items():
            print(ref, state(obj))
    engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.environ["DATABASE_URL"])
"""
_TEST = """

EXPECTED = {expected}


def test_{name}():
    engine = engine_of(os.environ["DATABASE_URL"])
    map_tables(engine)
    with Session(engine, autoflush={autoflush}, expire_on_commit={expire_on_commit}) as session:
        found = {{ref: state(obj) for ref, obj in replay(session).items()}}
    engine.dispose()
    assert found == EXPECTED
"""
_REFLECT = '''

TABLES = {tables}
RELATED = {related}


def map_tables(engine):
    """The tables are reflected, as the workspace's were."""
    metadata = sa.MetaData()
    for schema in {schemas}:
        metadata.reflect(engine, schema=schema)
    mapped = sa_orm.registry(metadata=metadata)
    for name, (table, columns, key) in TABLES.items():
        class_, found = type(name, (), {{}}), metadata.tables[table]
        properties = {{attribute: found.c[column] for attribute, column in columns.items()}}
        mapped.map_imperatively(class_, found, properties=properties, primary_key=[found.c[each] for each in key])
        globals()[name] = class_
    for owner, attribute, target, local, remote, many, back in RELATED:
        one, other = (globals()[each].__mapper__ for each in (owner, target))
        pairs = [(one.local_table.c[a], other.local_table.c[b]) for a, b in zip(local, remote, strict=True)]
        foreign = [b if many else a for a, b in pairs]
        one.add_property(attribute, sa_orm.relationship(
            other, primaryjoin=sa.and_(*(a == b for a, b in pairs)), foreign_keys=foreign,
            remote_side=[b for _, b in pairs], back_populates=back, **({{"passive_deletes": "all"}} if many else {{}}),
        ))
    mapped.configure()
'''


def script(walk: Walk) -> str:
    """`python FILE URL`, or with the URL in DATABASE_URL. It prints each object's ref and state."""
    usage = "Run it: python FILE URL, or with the URL in DATABASE_URL."
    return _body(walk, "script", usage) + _MAIN.format(**walk.settings)


def test(walk: Walk) -> str:
    """A pytest test: the states at the end are what it asserts."""
    name = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in walk.name.lower())
    expected = json.dumps({ref: state for ref, (_, _, state) in walk.objects.items()}, indent=4)
    usage = "Run it: DATABASE_URL=... pytest FILE."
    return _body(walk, "pytest test", usage) + _TEST.format(name=name, expected=expected, **walk.settings)


def _body(walk: Walk, kind: str, usage: str) -> str:
    for entry in walk.entries:
        if not _is_replayed(entry):
            what = f"Action {entry['number']} ({entry['action']})"
            raise Refusal("wrong_state", f"{what} has no line of Python that does the same by itself.")
    lines = walks.lines(walk)
    for name in _odd_names(walk):  # of a column, which may be called like a line of Python that nobody has written
        if any(f".{name}" in line or f"{name}=" in line for line in lines):
            raise Refusal("wrong_state", f"{name[:80]!r} is no name that Python takes.", remedy="Copy it as SQL.")
    names = [name for name, _, _ in walk.objects.values()]
    if len({*names}) < len(names):
        raise Refusal("wrong_state", "Two objects of this workspace would have the same variable in Python.")
    objects = "".join(f"        {json.dumps(ref)}: {name},\n" for ref, (name, _, _) in walk.objects.items())
    held = f"{{\n{objects}    }}" if objects else "{}"
    body = "".join(f"    {line}\n" for line in lines)
    replay = f'\n\ndef replay(session):\n    """What was done, in its order."""\n{body}    return {held}\n'
    return _HEAD.format(name=walk.name, kind=kind, usage=usage) + _models(walk) + _STATE + replay


def _odd_names(walk: Walk) -> Iterator[str]:
    for model in walk.models:
        for name in (*(each.name for each in model.columns), *(each.name for each in model.relationships)):
            if not name.isidentifier() or iskeyword(name):
                yield name


def _models(walk: Walk) -> str:
    models = [model for model in walk.models if model.keyless is None]
    if any(model.class_.__module__ == REFLECTED for model in models):
        return _reflected(models)
    names = {model.class_.__module__: set[str]() for model in models}
    for model in models:
        names[model.class_.__module__].add(model.class_.__qualname__.partition(".")[0])
        for enumeration in _enums(model):
            names.setdefault(enumeration.__module__, set()).add(enumeration.__qualname__.partition(".")[0])
    imports = (f"from {module} import {', '.join(sorted(found))}\n" for module, found in sorted(names.items()))
    return "\n" + "".join(imports) + "\n\ndef map_tables(engine):\n    pass\n"


def _enums(model: Model) -> Iterator[type[enum.Enum]]:
    for column in model.mapper.columns:
        found = getattr(column.type, "enum_class", None)
        if found is not None:
            yield found


def _reflected(models: list[Model]) -> str:
    if any(not model.class_.__name__.isidentifier() for model in models):
        models = [model for model in models if model.class_.__name__.isidentifier()]
    names = {model.mapper: model.class_.__name__ for model in models}
    tables: dict[str, Any] = {}
    related = []
    for model in models:
        mapper = model.mapper
        columns = {prop.key: prop.columns[0].name for prop in mapper.column_attrs}
        table = mapper.local_table
        tables[names[mapper]] = (str(table), columns, [column.name for column in mapper.primary_key])
        for prop in mapper.relationships:
            if prop.mapper in names:
                pairs = [(a.name, b.name) for a, b in prop.local_remote_pairs or ()]
                local, remote = [a for a, _ in pairs], [b for _, b in pairs]
                back = prop.back_populates
                related.append((names[mapper], prop.key, names[prop.mapper], local, remote, bool(prop.uselist), back))
    schemas = sorted({model.mapper.local_table.schema or "" for model in models})
    return _REFLECT.format(tables=tables, related=related, schemas=[schema or None for schema in schemas])


def sql(walk: Walk, dialect: str) -> str:
    """All that was sent and holds, with its parameters in it; each action's Python line is a comment."""
    if walk.secret:
        raise Refusal("forbidden", "Its statements have values that you may not see.")
    text, is_open = [f"-- The workspace {walk.name}, as SQL for {dialect}."], False
    for entry in walk.entries:
        text += [f"\n-- {line}" for line in entry["python"].splitlines()]
        statements = [_statement(each, dialect) for each in entry["statements"] if "why" not in each]
        if statements and not is_open:
            text.append("BEGIN;")
            is_open = True
        text += statements
        if is_open and entry["action"] in _ENDS:
            text.append(_ENDS[entry["action"]])
            is_open = False
    return "\n".join([*text, *(["\n-- Not committed there either.\nROLLBACK;"] if is_open else [])]) + "\n"


_ENDS = {"commit": "COMMIT;", "rollback": "ROLLBACK;", "close": "ROLLBACK;"}


def _statement(statement: Any, dialect: str) -> str:
    sets = statement["parameters"] or [()]
    text = "\n".join(f"{rendering.rendered(statement['sql'], each, dialect)};" for each in sets)
    values = [value for each in sets for value in each]
    if statement.get("masked"):
        return "-- some of its values are not kept:\n" + "\n".join(f"-- {line}" for line in text.splitlines())
    if "…" in statement["sql"] or any(isinstance(value, str) and _is_cut(value) for value in values):
        return "-- too long to be kept whole:\n" + "\n".join(f"-- {line}" for line in text.splitlines())
    return text


def _is_cut(value: str) -> bool:
    return value.endswith("…") or (value.startswith("(") and value.endswith(" bytes)"))


def _is_replayed(entry: Any) -> bool:
    """Lines for people stand for some: a search, a set of rows, a relationship as it was."""
    lines = str(entry["python"]).splitlines()
    is_told = entry["action"] == "revert" and any(line.startswith("#") for line in lines)
    return not (is_told or entry["action"] == "load-many" or any("(...)" in line for line in lines))


FILES = ("tape.py", "tape.sql", "test_tape.py")


def copied(walk: Walk, file: str, dialect: str) -> str:
    """The text of one of FILES."""
    if file == "tape.sql":
        return sql(walk, dialect)
    return script(walk) if file == "tape.py" else test(walk)
