"""What can be done with any mapped classes? Calls that are allowed now, made of a few numbers."""

from __future__ import annotations

import datetime
import uuid
from types import SimpleNamespace

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.demo import models as demo
from dashboard.records.keys import identity_of
from dashboard.records.models import Models
from dashboard.workspaces.tape import plain
from tests.workspaces import kinds, shop
from tests.workspaces.plain import Plain

MOMENT = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
VALUES = {
    "integer": [0, 1, 7],
    "big integer": ["9007199254740993", 5],
    "numeric": ["1.50", "2.00"],
    "float": [0.5, 1e300],
    "boolean": [True, False],
    "text": ["x", "ä\"'", ""],
    "long text": ["x\ny", ""],
    "date": ["2026-01-02", "1999-12-31"],
    "time": ["01:02:03", "23:59:59.000001"],
    "datetime": ["2026-01-02T03:04:05", "1999-12-31T00:00:00.000001"],
    "datetime with timezone": ["2026-01-02T03:04:05Z", "1999-12-31T00:00:00Z"],
    "interval": ["P1DT1S", "PT0S"],
    "uuid": ["01234567-89ab-cdef-0123-456789abcdef", str(uuid.UUID(int=9))],
    "binary": [{"base64": "AP8="}, {"base64": ""}],
    "json": [{"json": {"a": [1, None]}}, {"json": None}, {"json": "text"}],
}


def _sell(engine):
    """The demo's shop, with a few rows."""
    demo.Base.metadata.create_all(engine)
    with sa_orm.Session(engine) as session:
        ann, bob = demo.User(name="Ann", email="ann@x"), demo.User(name="Bob", email="bob@x", settings={"a": 1})
        ada, jane = demo.Author(name="Ada"), demo.Author(name="Jane", country="gb")
        old, blue = demo.Tag(name="old"), demo.Tag(name="blue")
        emma = demo.Book(title="Emma", author=jane, isbn="1", summary="Long.", cover=b"\0", tags=[old])
        notes = demo.Book(title="Notes", author=ada, isbn="2", details={"b": None}, tags=[old, blue])
        emma.reviews = [demo.Review(user=ann, stars=4), demo.Review(user=bob)]
        lines = [demo.OrderLine(number=1, book=emma), demo.OrderLine(number=2, book=notes, quantity=3)]
        session.add_all([ann, bob, emma, notes, demo.Order(user=ann, lines=lines), demo.Order(user=bob)])
        session.commit()


def _still(mappers):
    """Defaults that are a clock or by chance would differ between two databases."""
    for column in (column for mapper in mappers for column in mapper.columns if column.default is not None):
        if column.default.is_callable:
            fixed = uuid.UUID(int=7) if isinstance(column.type, sa.Uuid) else MOMENT
            yield column, lambda context, fixed=fixed: fixed


def still(monkeypatch):
    """The demo's clock and its UUIDs stand still, as long as the patch holds."""
    for column, fixed in _still(demo.Base.registry.mappers):
        monkeypatch.setattr(column.default, "arg", fixed)
        vars(column).pop("_default_description_tuple", None)


DEMO = SimpleNamespace(
    Base=demo.Base,
    make=_sell,
    prepare=shop.prepare,
    CLASSES={mapper.class_.__name__: mapper.class_ for mapper in demo.Base.registry.mappers},
)
WORLDS = {"demo": DEMO, "shop": shop, "kinds": kinds}


class AnyPlain(Plain):
    """A plain Session on the classes of any world; it takes values as JSON and keys as text."""

    def __init__(self, url, *, world, **options):
        super().__init__(url, world=world, **options)
        self.classes = world.CLASSES
        self.models = Models.of_registry(world.Base, dialect=self.engine.dialect)

    def _sent(self, connection, cursor, statement, parameters, context, executemany):
        super()._sent(connection, cursor, statement, parameters, context, executemany)
        sql, sets = self.statements[-1]
        self.statements[-1] = (sql, [[plain(value, 4_000) for value in each] for each in sets])

    def _value(self, class_, name, value):
        if name in sa.inspect(class_).relationships:
            return super()._value(class_, name, value)
        return self.models.of_class(class_).column(name).parse(value)

    def _put(self, obj, name, value):
        try:
            setattr(obj, name, value)
        except ValueError:  # a mutable document takes None alone for NULL
            setattr(obj, name, None)

    def do_load(self, obj, model, key, verb):
        identity = identity_of(self.models.find(model), key)
        found = self.session.get(self.classes[model], identity)
        assert found is not None
        return found

    def _target(self, class_, value):
        return self.objects[value]

    @staticmethod
    def _collection(class_, name, objects):
        adapter = sa.inspect(class_).relationships[name].collection_class
        made = adapter() if adapter is not None else getattr(class_(), name)
        if isinstance(made, dict):
            return {made.keyfunc(each): each for each in objects}
        return set(objects) if isinstance(made, set) else objects


class Chooser:
    """Turns numbers into calls that are allowed now. drawn: the board."""

    def __init__(self, models):
        self.models = list(models)
        self.count = 0

    def new(self, drawn, numbers):
        """A new object of some model, with what it needs."""
        model = self.models[numbers[0] % len(self.models)]
        values = {}
        for column in model.columns:
            if column.required and not column.foreign_key and column.editable:
                values[column.name] = self.value(model, column, numbers[1])
        for name in _needed(model):
            refs = self.refs(model.relationship(name), drawn)
            if not refs:
                return None
            values[name] = refs[numbers[2] % len(refs)]
        return {"model": model.name, "values": values, "add": bool(numbers[3] % 3)}

    def value(self, model, column, number):
        self.count += 1
        if column.unique or column.primary_key:
            return f"u{self.count}" if "text" in column.kind.name else 1_000 + self.count
        if column.kind.choices:
            return column.kind.choices[number % len(column.kind.choices)]
        given = VALUES[column.kind.name][number % len(VALUES[column.kind.name])]
        length = getattr(column.kind, "length", None)
        return given[:length] if isinstance(given, str) and length else given

    def refs(self, relationship, drawn):
        classes = self._classes(relationship.target)
        return [
            each["ref"] for each in drawn if each["model"] in classes and each["badge"] not in ("detached", "deleted")
        ]

    def _classes(self, name):
        found = next(model for model in self.models if model.name == name)
        return {
            model.name
            for model in self.models
            if issubclass(model.class_, found.class_) and (not model.mapper.concrete or model is found)
        }

    def load(self, numbers, keys):
        name = sorted(keys)[numbers[0] % len(keys)]
        return {"model": name, "key": keys[name][numbers[1] % len(keys[name])]}

    def values(self, found, drawn, numbers):
        """One attribute of an object: a column, or what a relationship holds."""
        model = next(model for model in self.models if model.name == found["model"])
        columns = [
            column for column in model.columns if column.editable and not column.primary_key and not column.foreign_key
        ]
        relationships = [each for each in model.relationships if not each.viewonly]
        chosen = [*columns, *relationships][numbers[1] % len([*columns, *relationships])]
        if chosen in columns:
            null = column_takes_null(chosen) and numbers[2] % 5 == 0
            return {chosen.name: None if null else self.value(model, chosen, numbers[2])}
        refs = self.refs(chosen, drawn)
        picked = [each for index, each in enumerate(refs[:12]) if (numbers[2] >> index) & 1]
        return {chosen.name: picked if chosen.uselist else (picked[0] if picked else None)}

    def attribute(self, found, number):
        model = next(model for model in self.models if model.name == found["model"])
        names = [*(column.name for column in model.columns), *(each.name for each in model.relationships)]
        return names[number % len(names)]


def column_takes_null(column):
    return column.nullable


def _needed(model):
    """The to-one relationships whose columns may not be NULL."""
    for relationship in model.relationships:
        prop = model.mapper.relationships[relationship.name]
        if relationship.direction == "MANYTOONE" and not all(column.nullable for column in prop.local_columns):
            yield relationship.name
