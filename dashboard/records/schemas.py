"""In which schemas of a database are tables of the program, beside the default one?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import sqlalchemy as sa

_MYSQL = frozenset({"information_schema", "mysql", "performance_schema", "sys", "ndbinfo"})
OWN: Mapping[str, frozenset[str]] = {
    "postgresql": frozenset({"information_schema"}),  # SQLAlchemy leaves out its pg_catalog, pg_toast and pg_temp
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "sqlite": frozenset({"temp"}),
}
"""For each dialect the schemas that are the database's own, in small letters."""
Wanted = Callable[[str, sa.MetaData], bool]


def to_read(connection: sa.Connection, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str | None, Wanted]]:
    """Each schema with the question which of its tables to reflect; None is the default one, which comes first."""
    yield None, _only(is_wanted, frozenset())
    inspector = sa.inspect(connection)
    own = OWN.get(connection.dialect.name, frozenset({"information_schema", "sys"}))
    for schema in sorted(inspector.get_schema_names()):
        if schema != inspector.default_schema_name and schema.lower() not in own:
            found = _found_already(connection, schema)
            if found is not None:
                yield schema, _only(is_wanted, found)


def point_home(table: sa.Table, default_schema: str | None) -> None:
    """A foreign key from another schema may name the default one (MySQL's do), whose tables stand without a schema."""
    if table.schema is None or default_schema is None:
        return
    for constraint in list(table.foreign_key_constraints):
        targets = [key.target_fullname.rpartition(".") for key in constraint.elements]
        names = {name for name, _, _ in targets}
        home = names.pop().removeprefix(f"{default_schema}.") if len(names) == 1 else ""
        if f"{default_schema}.{home}" != targets[0][0] or home not in table.metadata.tables:
            continue
        columns = [key.parent for key in constraint.elements]
        forget(table, constraint)
        table.append_constraint(
            sa.ForeignKeyConstraint(
                columns, [f"{home}.{column}" for _, _, column in targets], name=constraint.name, link_to_name=True
            )
        )


def forget(table: sa.Table, constraint: sa.ForeignKeyConstraint) -> None:
    """Takes a foreign key off its table and its columns."""
    table.constraints.discard(constraint)
    for key in constraint.elements:
        key.parent.foreign_keys.discard(key)
        table.foreign_keys.discard(key)


def _only(is_wanted: Callable[[str], bool], found: frozenset[str]) -> Wanted:
    return lambda name, metadata: is_wanted(name) and name not in found


def _found_already(connection: sa.Connection, schema: str) -> frozenset[str] | None:
    """The tables that the default schema's reflection brought along; None for a schema that may not be used.

    PostgreSQL's default is all of the search path, in which `public` may be one of several.
    """
    if connection.dialect.name != "postgresql":
        return frozenset()
    usable = sa.text("SELECT pg_catalog.has_schema_privilege(:schema, 'USAGE')")
    if not connection.scalar(usable, {"schema": schema}):
        return None
    visible = sa.text(
        "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = :schema AND pg_catalog.pg_table_is_visible(c.oid)"
    )
    return frozenset(connection.scalars(visible, {"schema": schema}))
