"""Which label values have series of their own, the same ones in all processes? The first come, within one budget.

The registers lie in the ledger and are only ever added to; a register that has refused a value is closed for good: so
no value moves between its own series and `__other__`, and no counter falls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from . import loads, watching
from .scopes import NONE
from .snapshot import Said, add
from .tables import OTHER

SERIES = 1_000
SERIES_OF_A_POOL = 500
"""The budget for all families: so many for the first pool, and so many more for each further one."""
MOST = {"endpoint": 20, "path": 50, "error": 30, "database": 20, "registry": SERIES}
"""Values of one register; endpoints and errors have one for each pool. What bounds registries is the budget."""
COSTS = {"fixed": 250, "pool": 394, "registry": 44, "endpoint": 4, "path": 3, "error": 1, "database": 1}
"""The series that each value has, at most. fixed: what is there without any; a pool's are with its `__none__` and
`__other__`."""
OTEL_COST = 181
"""What a pool has more with the OpenTelemetry names beside ours."""
CLOSED = ""
"""Stands in a register that has refused a value."""
FREE = frozenset({NONE, OTHER})
PREFIXES = {
    "endpoint|": "endpoint",
    "endpoint statements|": "endpoint",
    "statement errors|": "error",
    "loads|lazy|": "path",
    "loads|eager|": "path",
    "n_plus_one|": "path",
}
"""Numbers whose names end in a label value, by what they begin with: the register's kind."""
_NAME = re.compile(f"({'|'.join(map(re.escape, PREFIXES))})(.*)", re.DOTALL).fullmatch
OF_A_POOL = ("endpoint", "error")

Labels = dict[str, set[str]]
"""The values of each register, by its name: the kind, and for `endpoint` and `error` the pool behind a `|`."""


def admit(agreed: Labels, said: Said, both_names: bool = False) -> list[tuple[str, str]]:
    """Enters the values of this process that are new, first come, and answers the entries. both_names: the series of
    OpenTelemetry count against the budget too.

    >>> agreed = {}
    >>> admit(agreed, {"pools": {"shop": {"numbers": {"endpoint|index": [1, 0.1]}}}})
    [('pool', 'shop'), ('endpoint|shop', 'index')]
    """
    new = []
    for register, value in _values(said):
        known = agreed.setdefault(register, set())
        if value in known or value in FREE or CLOSED in known:
            continue
        kind = register.partition("|")[0]
        if kind != "pool" and (len(known) >= MOST[kind] or COSTS[kind] > left(agreed, both_names)):
            value = CLOSED
        known.add(value)
        new.append((register, value))
    return new


def left(agreed: Labels, both_names: bool = False) -> int:
    """What is left of the budget, in series."""
    pools = len(agreed.get("pool", ()))
    spent = COSTS["fixed"] + pools * OTEL_COST * both_names
    for register, values in agreed.items():
        spent += COSTS[register.partition("|")[0]] * (len(values) - (CLOSED in values))
    return SERIES + SERIES_OF_A_POOL * max(0, pools - 1) - spent


def refused(agreed: Labels, said: Said) -> set[tuple[str, str]]:
    """The values of this process that have no series of their own."""
    return {
        (register, value)
        for register, value in _values(said)
        if value not in FREE and value not in agreed.get(register, ())
    }


def apart(own: Labels, known: Labels, said: Said, both: bool) -> Said:
    """The word of a process that cannot reach the others: it alone decides which new values have series. own: those it
    has decided on by now; known: what was agreed before."""
    for register, values in known.items():
        own.setdefault(register, set()).update(values)
    admit(own, said, both)
    return folded(said, own)


def folded(said: Said, agreed: Labels) -> Said:
    """The same word, with every value that is in no register under `__other__`."""
    registries: dict[str, Any] = {}
    for name, item in said.get("registries", {}).items():
        _merge(registries, name if name in agreed.get("registry", ()) else OTHER, item)
    engines: dict[str, int] = {}
    for database, number in said.get("engines", {}).items():
        key = database if database in agreed.get("database", ()) else OTHER
        engines[key] = max(engines.get(key, 0), number)
    return {
        **said,
        "pools": {name: _pool(name, item, agreed) for name, item in said.get("pools", {}).items()},
        "own": {name: _numbers("", item, agreed) for name, item in said.get("own", {}).items()},
        "registries": registries,
        "engines": engines,
    }


def tell(agreed: Labels) -> None:
    """The pools of this process count what all have agreed on by name, whether or not they met it first."""
    for watch in list(watching.active):
        watch.endpoints.agreed = agreed.get(f"endpoint|{watch.name}", frozenset())
        watch.errors.agreed = agreed.get(f"error|{watch.name}", frozenset())
    loads.paths.agreed = agreed.get("path", frozenset())


def _values(said: Said) -> Iterator[tuple[str, str]]:
    for pool in said.get("pools", {}):
        yield "pool", pool
    for registry in said.get("registries", {}):
        yield "registry", registry
    for database in said.get("engines", {}):
        yield "database", database
    for pool, item in said.get("pools", {}).items():
        yield from _values_in(pool, item["numbers"])
        for endpoint in item.get("endpoints", ()):
            yield f"endpoint|{pool}", endpoint
    for item in said.get("own", {}).values():
        yield from _values_in("", item["numbers"])


def _values_in(pool: str, numbers: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in numbers:
        found = _NAME(name)
        if found is not None:
            prefix, value = found.groups()
            yield _register(PREFIXES[prefix], pool), value


def _register(kind: str, pool: str) -> str:
    return f"{kind}|{pool}" if kind in OF_A_POOL else kind


def _pool(pool: str, item: Said, agreed: Labels) -> Said:
    item = _numbers(pool, item, agreed)
    if "endpoints" in item:
        held: dict[str, int] = {}
        for endpoint, number in item["endpoints"].items():
            key = endpoint if endpoint in FREE or endpoint in agreed.get(f"endpoint|{pool}", ()) else OTHER
            held[key] = held.get(key, 0) + number
        item["endpoints"] = held
    return item


def _numbers(pool: str, item: Said, agreed: Labels) -> Said:
    sums: dict[str, Any] = {}
    for name, value in item["numbers"].items():
        found = _NAME(name)
        if found is not None:
            prefix, label = found.groups()
            if label not in FREE and label not in agreed.get(_register(PREFIXES[prefix], pool), ()):
                name = prefix + OTHER
        if name in sums:
            add(sums, {name: value})
        else:
            sums[name] = value
    return {**item, "numbers": sums}


def _merge(registries: dict[str, Any], name: str, item: Said) -> None:
    before = registries.get(name)
    if before is None:
        registries[name] = {**item, "numbers": dict(item["numbers"])}
        return
    add(before["numbers"], item["numbers"])
    for key, value in item.items():
        if isinstance(value, (int, float)):
            before[key] = before.get(key, 0) + value
