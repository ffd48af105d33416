"""What may be sent to a workspace? Valid, half-valid and any JSON, each with what a plain Session is to do with it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st

from dashboard.demo import models as demo
from dashboard.workspaces.states import OBJECT_VERBS

CLASSES = {
    name: class_
    for name, class_ in sorted(vars(demo).items())
    if isinstance(class_, type) and hasattr(class_, "__mapper__")
}
SESSION_VERBS = (
    "flush", "commit", "rollback", "expire-all", "expunge-all", "close", "savepoint", "rollback-to-savepoint",
)  # fmt: skip
LATER_VERBS = ("review", "__init__", "a~2Fb")
NEEDED = {
    "User": ("name", "email"),
    "Author": ("name",),
    "Book": ("title", "author"),
    "Tag": ("name",),
    "Order": ("user",),
    "OrderLine": ("order", "number", "book"),
    "Review": ("book", "user"),
}
JUNK = [[[1]], {"x": 1}, {"json": "\ud800"}, {"base64": "!"}, {"base64": 5}, [None], [[], {}]]
"""No column and no relationship takes any of these."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
_TEXT = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
_DOCUMENT = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(_TEXT, max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(_TEXT, max_size=4), inner, max_size=3),
    max_leaves=5,
)
_ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))])


@dataclass(frozen=True)
class Sent:
    """A value as it is sent, and as Python has it; text: as a form's field says it."""

    json: Any
    python: Any
    text: str | list[str] | None


@dataclass(frozen=True)
class Call:
    """One POST below the workspace. status: what must come back; None: whatever the state and the data make of it.
    plain: what a plain Session does then, (verb, ref, arguments)."""

    path: str
    body: Any
    plain: tuple[str, str | None, dict[str, Any]] | None = None
    status: int | None = None
    form: dict[str, Any] | None = None
    raw: bytes | None = field(default=None)


def values_of(column: sa.Column[Any]) -> st.SearchStrategy[Sent]:
    """Values that this column takes."""
    null_python = sa.null() if isinstance(column.type, sa.JSON) else None
    values = _of_type(column.type)
    return values | st.just(Sent(None, null_python, None)) if column.nullable else values


def _of_type(kind: Any) -> st.SearchStrategy[Sent]:
    for type_, made in _TYPES:
        if isinstance(kind, type_):
            return made(kind)
    raise NotImplementedError(kind)


def _texts(kind: Any) -> st.SearchStrategy[Sent]:
    return st.text(_TEXT, max_size=min(kind.length or 30, 30)).map(lambda text: Sent(text, text, text))


def _whole(least: int, most: int) -> st.SearchStrategy[Sent]:
    return st.integers(least, most).flatmap(
        lambda number: st.sampled_from([Sent(number, number, str(number)), Sent(str(number), number, str(number))])
    )


def _decimal(number: Decimal) -> Sent:
    return Sent(str(number), number, str(number))


def _iso(value: Any) -> Sent:
    return Sent(value.isoformat(), value, value.isoformat())


def _duration(delta: timedelta) -> Sent:
    text = f"P{delta.days}DT{delta.seconds}.{delta.microseconds:06d}S"
    return Sent(text, delta, text)


def _binary(data: bytes) -> Sent:
    import base64

    coded = base64.b64encode(data).decode()
    return Sent({"base64": coded}, data, coded or '{"base64": ""}')


def _document(document: Any) -> Sent:
    wrapped = {"json": document}
    return Sent(wrapped, sa.JSON.NULL if document is None else document, json.dumps(wrapped))


_TYPES: tuple[tuple[type, Any], ...] = (
    (sa.Enum, lambda kind: st.sampled_from(list(kind.enum_class)).map(lambda m: Sent(m.name, m, m.name))),
    (sa.Boolean, lambda kind: st.booleans().map(lambda on: Sent(on, on, "true" if on else "off"))),
    (sa.Uuid, lambda kind: st.uuids(version=4).map(lambda value: Sent(str(value), value, str(value)))),
    (sa.Interval, lambda kind: st.timedeltas(timedelta(0), timedelta(9999)).map(_duration)),
    (
        demo.UtcDateTime,
        lambda kind: st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1), timezones=_ZONES).map(_iso),
    ),
    (sa.DateTime, lambda kind: st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1)).map(_iso)),
    (sa.Date, lambda kind: st.dates(date(1, 1, 1), date(9999, 12, 31)).map(_iso)),
    (sa.Time, lambda kind: st.times(time(0), time(23, 59, 59, 999999)).map(_iso)),
    (sa.JSON, lambda kind: _DOCUMENT.map(_document)),
    (sa.LargeBinary, lambda kind: st.binary(max_size=12).map(_binary)),
    (sa.Float, lambda kind: st.floats(allow_nan=False, allow_infinity=False).map(lambda x: Sent(x, x, repr(x)))),
    (sa.Numeric, lambda kind: st.decimals(-(10**7), 10**7, places=2).map(_decimal)),
    (sa.SmallInteger, lambda kind: _whole(-(2**15), 2**15 - 1)),
    (sa.BigInteger, lambda kind: _whole(-(2**63), 2**63 - 1)),
    (sa.Integer, lambda kind: _whole(-(2**31), 2**31 - 1)),
    (sa.String, _texts),
)


class Chooser:
    """Draws the next call from hypothesis, knowing what the workspace looks like now."""

    def __init__(self, data: st.DataObject) -> None:
        self.data, self.count = data, 0

    def pick(self, choices: Any) -> Any:
        return self.data.draw(st.sampled_from(list(choices)))

    def call(self, view: Any) -> Call:
        kind = self.pick(["likely"] * 6 + ["half"] * 3 + ["any"])
        if kind == "any":
            return self._any(view)
        call = self._likely(view)
        if kind == "half":
            return self._spoilt(call, view)
        if call.form is not None and self.pick([False, False, True]):
            return replace(call, body=None)
        body = dict(call.body)
        version = self.pick([None, view.version, str(view.version)])
        return replace(call, body=body if version is None else {**body, "version": version})

    # what the state allows

    def _likely(self, view: Any) -> Call:
        objects = [each for each in view.objects if each["actions"]]
        choice = self.pick(
            ["new", "new", "load", "load", "session", "session"] + ["object"] * 6 if objects else ["new", "load"]
        )
        if choice == "new":
            return self._new(view)
        if choice == "load":
            model = self.pick(CLASSES)
            key = f"{self.pick('12')},{self.pick('12')}" if model == "OrderLine" else self.pick("1234")
            body = {"model": model, "key": key}
            return Call("load", body, ("load", None, {"model": model, "key": identity(key)}), form=body)
        if choice == "session":
            verb = self.pick(SESSION_VERBS)
            return Call(verb, {}, (verb, None, {}), form={})
        found = self.pick(objects)
        return self._of_object(self.pick(found["actions"]), found, view)

    def _new(self, view: Any) -> Call:
        model, add = self.pick(CLASSES), self.pick([True, True, False])
        values = {name: self._value(model, name, view) for name in NEEDED[model]}
        for name in self.data.draw(st.lists(st.sampled_from(self._columns(model)), max_size=3, unique=True)):
            values[name] = self._value(model, name, view)
        json_, python, form = _split(values)
        body = {"model": model, "values": json_, "add": add}
        plain = ("objects", None, {"model": model, "values": python, "add": add})
        return Call("objects/", body, plain, form=form and {"model": model, "add": "true" if add else "off", **form})

    def _of_object(self, verb: str, found: Any, view: Any) -> Call:
        ref, model = found["ref"], found["model"]
        path = f"objects/{ref}/{verb}"
        if verb == "read":
            names = [*found["values"], *found["unloaded"], *found["relationships"]]
            body = {"attribute": self.pick(names)}
            return Call(path, body, (verb, ref, body), form=body)
        if verb != "values":
            return Call(path, {}, (verb, ref, {}), form={})
        names = self._columns(model) + list(found["relationships"]) * 2
        chosen = self.data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
        json_, python, form = _split({name: self._value(model, name, view) for name in chosen})
        base = {name: found["values"][name] for name in json_ if name in found["values"] and self.pick([True, False])}
        body = {"values": json_, "base": base} if base else {"values": json_}
        return Call(path, body, (verb, ref, {"values": python}), form=form)

    def _columns(self, model: str) -> list[str]:
        mapper = sa.inspect(CLASSES[model])
        hands_off = {mapper.version_id_col, *mapper.primary_key}
        return [prop.key for prop in mapper.column_attrs if not hands_off & set(prop.columns) and not _is_link(prop)]

    def _value(self, model: str, name: str, view: Any) -> Sent:
        mapper = sa.inspect(CLASSES[model])
        if name in mapper.relationships:
            return self._related(mapper.relationships[name], view)
        self.count += 1
        if (model, name) in (("User", "email"), ("Tag", "name")):
            text = f"{self.count}@test"
            return Sent(text, text, text)
        return self.data.draw(values_of(mapper.column_attrs[name].columns[0]), label=name)

    def _related(self, relationship: Any, view: Any) -> Sent:
        """Keys of what is in the database, and refs of what is on the board."""
        target = relationship.mapper.class_.__name__
        refs = [o["ref"] for o in view.objects if o["model"] == target and o["badge"] not in ("detached", "deleted")]
        keys = ["1,1", "2,1"] if target == "OrderLine" else ["1", "2", "3"]
        if relationship.uselist:
            many = self.data.draw(st.lists(st.sampled_from([*keys, *refs]), max_size=3, unique=True))
            return Sent(many, many, many if len(many) > 1 else None)
        one = self.pick([*keys, *refs])
        return Sent(int(one) if one.isdigit() and self.pick([True, False]) else one, one, one)

    # one thing about it is wrong

    def _spoilt(self, call: Call, view: Any) -> Call:
        ways = [("version", 409), ("odd version", 400), ("body", 400), ("ref", 404), ("verb", 409)]
        if "model" in call.body:
            ways += [("model", 404)] * 2
        if "key" in call.body:
            ways += [("key", 404)] * 2
        if call.body.get("values"):
            ways += [("value", 422)] * 3 + [("column", 422), ("values", 400), ("base", 400)]
        way, status = self.pick(ways)
        return getattr(self, "_spoil_" + way.replace(" ", "_"))(replace(call, status=status, plain=None), view)

    def _spoil_version(self, call: Call, view: Any) -> Call:
        return replace(call, body={**call.body, "version": self.pick([view.version - 1, view.version + 1, 10**17])})

    def _spoil_odd_version(self, call: Call, view: Any) -> Call:
        return replace(call, body={**call.body, "version": self.pick([-1, 1.5, True, [], {}, "x", "²", "9" * 40])})

    def _spoil_body(self, call: Call, view: Any) -> Call:
        return replace(
            call, raw=self.pick([b"", b"[]", b"{", b"\xff", b'{"a":1,"a":1}', b'{"a":' * 999 + b"1" + b"}" * 999])
        )

    def _spoil_ref(self, call: Call, view: Any) -> Call:
        ref = self.pick(["Book:99999", "Book:new-99", "..", "%00", "x" * 300, "Book:1~9"])
        return replace(call, path=f"objects/{ref}/{self.pick(OBJECT_VERBS)}")

    def _spoil_verb(self, call: Call, view: Any) -> Call:
        if not view.objects:
            return replace(call, path=self.pick(LATER_VERBS), status=404)
        found = self.pick(view.objects)
        wrong = [verb for verb in OBJECT_VERBS if verb not in found["actions"]]
        return replace(call, path=f"objects/{found['ref']}/{self.pick(wrong)}")

    def _spoil_model(self, call: Call, view: Any) -> Call:
        return replace(call, body={**call.body, "model": self.pick(["Nothing", "user", "\0", "../User", "__class__"])})

    def _spoil_key(self, call: Call, view: Any) -> Call:
        return replace(
            call, body={**call.body, "key": self.pick(["9999999", "x", "1,1,1", "~", "1\0", "\ud800", "-0"])}
        )

    def _spoil_value(self, call: Call, view: Any) -> Call:
        name = self.pick(call.body["values"])
        return replace(call, body={**call.body, "values": {**call.body["values"], name: self.pick(JUNK)}})

    def _spoil_column(self, call: Call, view: Any) -> Call:
        name = self.pick(["nothing", "__class__", "\0", "\ud800", "x" * 500, "metadata"])
        return replace(call, body={**call.body, "values": {**call.body["values"], name: 1}})

    def _spoil_values(self, call: Call, view: Any) -> Call:
        return replace(call, body={**call.body, "values": self.pick([[], "x", 3, True, [["name", "x"]]])})

    def _spoil_base(self, call: Call, view: Any) -> Call:
        if not call.path.endswith("/values"):
            return self._spoil_values(call, view)
        return replace(call, body={**call.body, "base": self.pick([[], "x", 3, True])})

    # anything

    def _any(self, view: Any) -> Call:
        refs = [each["ref"] for each in view.objects] or ["Book:1"]
        verb = self.pick((*OBJECT_VERBS, *SESSION_VERBS, *LATER_VERBS, "load", "settings", "resolve"))
        path = self.pick([verb, f"objects/{self.pick(refs)}/{verb}", "objects/"])
        names = st.sampled_from(
            ["model", "values", "key", "attribute", "ref", "version", "note", "force", "base", "x", "resolve"]
        )
        body = self.data.draw(st.dictionaries(names, JSON, max_size=4))
        arguments = {"values": {"values": body.get("values", {})}, "read": {"attribute": body.get("attribute")}}
        plain_of = {
            f"objects/{ref}/{verb}": (verb, ref, arguments.get(verb, {})) for ref in refs for verb in OBJECT_VERBS
        }
        return Call(path, body, (plain_of | {verb: (verb, None, {}) for verb in SESSION_VERBS}).get(path))


def identity(key: str) -> Any:
    parts = tuple(int(part) for part in key.split(","))
    return parts if len(parts) > 1 else parts[0]


def _is_link(prop: Any) -> bool:
    return any(column.foreign_keys for column in prop.columns)


def _split(values: dict[str, Sent]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]:
    """The same values as JSON, as Python, and as form fields where a form can say all of them."""
    form: dict[str, Any] = {}
    for name, sent in values.items():
        if sent.json is None:
            form[f"null.{name}"] = "1"
        else:
            form[f"values.{name}"] = sent.text
    can_be_form = all(text is not None and "\r" not in text for text in form.values())
    return (
        {name: sent.json for name, sent in values.items()},
        {name: sent.python for name, sent in values.items()},
        form if can_be_form else None,
    )
