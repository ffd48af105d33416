"""How is a conflict settled, attribute by attribute: mine stays, over what the row holds now, or theirs is taken?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from ..records.models import Model
from ..refusal import Refusal
from . import checking
from .checking import Row
from .conflicts import Conflict
from .live import Live
from .python import variable
from .request import Done, Plan, Request, writable
from .reverting import revert
from .shape import shown
from .writing import Staged, staged

MINE, THEIRS = "mine", "theirs"
SHAPE = 'resolve is {"resolve": {REF: {COLUMN: "mine" or "theirs"}}}.'
MOST = 1_000

Words = Mapping[str, str]


def resolve(request: Request) -> Plan:
    """Everything half-valid is refused here, or by `run` before anything is touched."""
    wanted = _understood(request)
    models = {ref: request.models.find(request.snapshot.find(ref)["model"]) for ref in wanted}
    request.sight.permit(request.verb, *models.values())
    problems = {
        f"{ref}.{name}": f"{models[ref].title} has no such column."
        for ref, words in wanted.items()
        for name in words
        if not models[ref].has_column(name) or name in request.sight.hidden(models[ref])
    }
    if problems:
        raise _invalid(problems)
    for model in models.values():
        writable(model)

    def run(live: Live) -> Done:
        _settle(live, wanted)
        return Done()

    touched = tuple((models[ref].name, name) for ref, words in wanted.items() for name in words)
    return Plan(run, "\n".join(_source(wanted)), touched, tuple(models.values()))


def _source(wanted: Mapping[str, Words]) -> list[str]:
    return [
        f'session.refresh({variable(ref)}, ["{name}"])' if word == THEIRS else f"# {variable(ref)}.{name}: mine stays"
        for ref, words in wanted.items()
        for name, word in words.items()
    ]


def _understood(request: Request) -> dict[str, dict[str, str]]:
    given = request.arguments.get("resolve")
    is_shaped = isinstance(given, Mapping) and all(isinstance(words, Mapping) and words for words in given.values())
    if not is_shaped or not given or sum(map(len, given.values())) > MOST:
        raise Refusal("not_understood", SHAPE, fields={"resolve": "An object is expected: ref to column to word."})
    wrong = {
        f"{ref}.{name}"[:80]: "mine or theirs"
        for ref, words in given.items()
        for name, word in words.items()
        if word not in (MINE, THEIRS)
    }
    if wrong:
        raise Refusal("not_understood", SHAPE, fields=wrong, remedy="Nothing was changed.")
    return {ref: dict(words) for ref, words in given.items()}


def _invalid(problems: Mapping[str, str]) -> Refusal:
    first = next(iter(problems.items()))
    return Refusal("invalid", f"{first[0][:80]}: {first[1]}", problems, "Nothing was changed.")


def _settle(live: Live, wanted: Mapping[str, Words]) -> None:
    by_state = {each.state: each for each in staged(live)}
    found = {ref: _staged(live, by_state, ref) for ref in wanted}
    rows = checking.read(live, found.values(), lock=False)
    present = {ref: rows.get(each.state.key) for ref, each in found.items()}
    problems: dict[str, str] = {}
    for ref, each in found.items():
        problems.update(_problems(ref, each, wanted[ref], present[ref]))
    if problems:
        raise _invalid(problems)
    _check_seen(live, found, present, wanted)
    for ref, each in found.items():
        _settle_one(live, each, present[ref], wanted[ref])
        live.seen.pop(ref, None)


def _staged(live: Live, by_state: Mapping[Any, Staged], ref: str) -> Staged:
    each = by_state.get(sa.inspect(live.board.objects[ref]))
    if each is None:
        message = f"{ref} has no change that could be in conflict."
        raise Refusal("wrong_state", message, remedy="Only what is modified or marked to be deleted can be settled.")
    return each


def _problems(ref: str, each: Staged, words: Words, row: Row | None) -> dict[str, str]:
    problems = {}
    for name in words:
        if not each.marked and name not in each.mine:
            problems[f"{ref}.{name}"] = "You have not changed this."
    if (row is None or each.marked) and len(set(words.values())) > 1:
        problems |= {f"{ref}.{name}": "A record that is deleted is wholly mine or theirs." for name in words}
    if row is None and not each.marked and MINE in words.values():
        missing = [name for name in _stored(each.model) if name not in each.state.dict]
        if missing:
            sentence = f"It cannot be made anew: {', '.join(missing[:5])} was never loaded. Take theirs, or expunge it."
            problems |= {f"{ref}.{name}": sentence for name in words}
    return problems


def _stored(model: Model) -> list[str]:
    """The columns that a new row of this would lack if nobody knew their values."""
    return [column.name for column in model.columns if not column.generated and not column.version]


def _check_seen(
    live: Live, found: Mapping[str, Staged], present: Mapping[str, Row | None], wanted: Mapping[str, Words]
) -> None:
    """Mine stays only over what the person was shown: a row that was changed again is shown again."""
    conflict = Conflict()
    for ref, each in found.items():
        row, seen = present[ref], live.seen.get(ref, {})
        again = {
            name
            for name, word in wanted[ref].items()
            if word == MINE
            and name in seen
            and row is not None
            and shown(each.model.column(name), row[name]) != seen[name]
        }
        conflict.differences += [
            one for one in checking.differences(live, each, row) if one.column in again and not one.deleted
        ]
    if conflict.differences:
        for ref, seen in conflict.seen().items():
            live.seen.setdefault(ref, {}).update(seen)
        raise conflict


def _settle_one(live: Live, each: Staged, row: Row | None, words: Words) -> None:
    obj, theirs = each.state.obj(), THEIRS in words.values()
    if row is None:
        if each.marked:
            live.session._expunge_states([each.state])
        elif theirs:
            live.session.expunge(obj)
        else:
            sa_orm.make_transient(obj)
            live.session.add(obj)
        return
    if each.marked:
        if theirs:
            live.session.add(obj)  # takes the mark away
        checking.take_over(each, row)
        return
    for name, word in words.items():
        if word == THEIRS:
            _take_theirs(each, name, row[name])
        else:
            _keep_mine(each, name, row[name])
    untouched = {name: value for name, value in row.items() if name not in each.mine}
    checking.take_over(each, untouched)


def _keep_mine(each: Staged, name: str, theirs: Any) -> None:
    state = each.state
    if name in state.committed_state:
        state.committed_state[name] = theirs
    elif name in state.dict:  # a relationship changes it: its column is filled in the flush
        sa_orm.attributes.set_committed_value(state.obj(), name, theirs)


def _take_theirs(each: Staged, name: str, theirs: Any) -> None:
    state, columns = each.state, set(each.state.mapper.column_attrs[name].columns)
    related = [
        prop.key
        for prop in state.mapper.relationships
        if prop.direction is sa_orm.RelationshipDirection.MANYTOONE and columns & prop.local_columns
    ]
    revert(state.obj(), [name, *related])
    state._expire_attributes(state.dict, [key for key in related if key in state.dict])
    sa_orm.attributes.set_committed_value(state.obj(), name, theirs)
    state.manager.dispatch.refresh(state, None, [name])
