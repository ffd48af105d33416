"""What would a plain Session do with the same calls? The reference that a workspace is compared with."""

from __future__ import annotations

import sqlalchemy as sa
import sqlalchemy.orm as sa_orm
from sqlalchemy.orm.base import PASSIVE_NO_RESULT

from dashboard.records.nulls import tell_nulls_apart
from dashboard.workspaces.reverting import revert
from tests.workspaces import shop


class Plain:
    """A Session and the objects that a person holds, under the refs that the workspace gave them."""

    classes = shop.CLASSES

    def __init__(self, url, *, world=shop, **options):
        self.world = world
        self.engine = sa.create_engine(url)
        # it reads with the one thing that a workspace's engine adds: JSON's null is not SQL's
        tell_nulls_apart(self.engine, lambda: [sa.inspect(class_) for class_ in self.classes.values()])
        world.prepare(self.engine)
        self.lay()
        options.setdefault("autoflush", False)
        self.session = sa_orm.Session(self.engine, **options)
        self.objects = {}
        self.came = []  # held, as a workspace holds what comes to it: a Session alone would forget it
        sa.event.listen(self.session, "loaded_as_persistent", lambda session, obj: self.came.append(obj))
        self.statements = []
        sa.event.listen(self.engine, "before_cursor_execute", self._sent)

    def lay(self):
        self.world.make(self.engine)

    def _sent(self, connection, cursor, statement, parameters, context, executemany):
        sets = parameters if isinstance(parameters, list) else [parameters]
        self.statements.append((statement, [list(each) for each in sets if each]))

    def close(self):
        self.session.close()
        self.engine.dispose()

    def do(self, verb, ref=None, **arguments):
        """Answers the object that was made, loaded or merged."""
        self.statements = []
        obj = self.objects[ref] if ref is not None else None
        return getattr(self, "do_" + verb.replace("-", "_"), self.do_plainly)(obj, verb=verb, **arguments)

    def do_plainly(self, obj, verb):
        method = getattr(self.session, verb.replace("-", "_"))
        return method() if obj is None else method(obj)

    def do_objects(self, obj, model, values, add, verb):
        values = self._values(self.classes[model], values)
        made = self.classes[model](**values)
        if add:
            self.session.add(made)
        return made

    def do_load(self, obj, model, key, verb):
        found = self.session.get(self.classes[model], key)
        assert found is not None
        return found

    def do_values(self, obj, values, verb):
        for name, value in values.items():
            self._put(obj, name, self._value(type(obj), name, value))

    def _put(self, obj, name, value):
        setattr(obj, name, value)

    def _values(self, class_, values):
        return {name: self._value(class_, name, value) for name, value in values.items()}

    def _value(self, class_, name, value):
        relationships = sa.inspect(class_).relationships
        if name not in relationships:
            return value
        target = relationships[name].mapper.class_
        if not relationships[name].uselist:
            return None if value is None else self._target(target, value)
        return self._collection(class_, name, [self._target(target, each) for each in value])

    @staticmethod
    def _collection(class_, name, objects):
        return set(objects) if isinstance(getattr(class_(), name), set) else objects

    def _target(self, class_, value):
        return self.objects[value] if ":" in value else self.session.get(class_, self.identity(value))

    def identity(self, key):
        """The identity that `session.get` takes, of a key as an address has it."""
        return int(key)

    def do_read(self, obj, attribute, verb):
        getattr(obj, attribute)

    def do_make_transient(self, obj, verb):
        sa_orm.make_transient(obj)

    def do_revert(self, obj, verb):
        revert(obj)

    def do_drop(self, obj, verb):
        self.objects = {ref: each for ref, each in self.objects.items() if each is not obj}

    def do_savepoint(self, obj, verb):
        self.session.begin_nested()
        self.session.connection()

    def do_rollback_to_savepoint(self, obj, verb):
        self.session.get_nested_transaction().rollback()

    def do_commit(self, obj, verb, note=None):
        self.session.commit()

    # what it is now

    def state(self, obj):
        state = sa.inspect(obj)
        return next(
            name for name in ("transient", "pending", "persistent", "deleted", "detached") if getattr(state, name)
        )

    def flags(self, obj):
        state, flags = sa.inspect(obj), []
        queued = state.__dict__.get("_pending_mutations", {}).values()
        # a one-to-one that was set unloaded: is_modified() would send a SELECT
        unloaded = any(was is PASSIVE_NO_RESULT for was in state.committed_state.values())
        queues = any(each.added_items or each.deleted_items for each in queued)
        if unloaded or queues or self.session.is_modified(obj):
            flags.append("modified")
        if any(prop.key in state.expired_attributes and not prop.deferred for prop in state.mapper.column_attrs):
            flags.append("expired")
        if obj in self.session.deleted:
            flags.append("marked-deleted")
        return flags

    def loaded(self, obj):
        state = sa.inspect(obj)
        return {prop.key: state.dict[prop.key] for prop in state.mapper.column_attrs if prop.key in state.dict}

    def related(self, obj):
        """For each loaded relationship the identities or the objects that it holds."""
        state = sa.inspect(obj)
        return {name: state.dict[name] for prop in state.mapper.relationships if (name := prop.key) in state.dict}
