"""A workspace and a plain Session side by side, on two equal databases: after each call everything must be equal."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.refusal import Refusal
from dashboard.workspaces.shape import shown
from tests.workspaces import shop
from tests.workspaces.desk import Desk
from tests.workspaces.plain import Plain

FLUSHING = ("flush", "commit", "savepoint")


class Both:
    """restore: "never", or "always" (before each call the worker is started anew, unless a transaction is open),
    or "other" (each call on another worker). urls: of the two databases, where they are no files."""

    def __init__(self, folder, *, restore="never", world=shop, plain=Plain, urls=(), **settings):
        ours, theirs = urls or (f"sqlite:///{folder / 'ours.db'}", f"sqlite:///{folder / 'plain.db'}")
        self.desk = Desk(ours, f"sqlite:///{folder / 'store.db'}", world=world)
        self.plain = plain(theirs, world=world, **settings)
        self.restore = restore
        self.deleted = set()
        self.desk.open(**settings)
        self.other = self.desk.worker() if restore == "other" else None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.plain.close()
        self.desk.__exit__()

    def do(self, verb, ref=None, **arguments):
        """The call on both. Answers the ref it made. A refusal must be an exception there too, and is raised."""
        if self.restore != "never" and self.desk.view().transaction is None:
            if self.restore == "always":
                self.desk.forget()
            else:
                self.desk.workspaces, self.other = self.other, self.desk.workspaces
        try:
            result = self.plain.do(verb, ref, **arguments)
        except Exception as error:
            try:
                self.desk.do(verb, ref, **arguments)
            except Refusal as refusal:
                raise refusal from error
            raise AssertionError(f"a plain Session raises {error!r}") from error
        outcome = self.desk.do(verb, ref, **{k: str(v) if k == "key" else v for k, v in arguments.items()})
        answered = outcome.merged or outcome.ref
        if result is not None and answered is not None:
            self.plain.objects[answered] = result
        self.compare(verb)
        return answered

    def compare(self, verb):
        view = self.desk.view()
        if self.desk.engine.dialect.name != "sqlite":  # others make another key each time, and are asked for locks
            return self.look(view)
        statements = [(each["sql"], each["parameters"]) for each in view.tape[-1]["statements"]]
        theirs = [(sql, [list(p) for p in sets]) for sql, sets in self.plain.statements]
        if verb in FLUSHING:  # the unit of work keeps unrelated tables in sets: their order is not its own either
            statements, theirs = _unordered(statements), _unordered(theirs)
        assert statements == theirs, (statements, theirs)
        return self.look(view)

    def look(self, view=None):
        """Each object is what it is there."""
        view = view or self.desk.view()
        self._match(view)
        refs = {id(obj): ref for ref, obj in self.plain.objects.items()}
        for drawn in view.objects:
            self._compare_one(drawn, self.plain.objects[drawn["ref"]], refs)

    def _match(self, view):
        """What came along by a relationship or a cascade is found in the plain Session by its identity."""
        known = {id(obj) for obj in self.plain.objects.values()}
        came = [
            obj
            for obj in [
                *self.plain.session._new.values(),
                *self.plain.session.identity_map.values(),
                *self._reachable(),
                *self.plain.came,
            ]
            if id(obj) not in known
        ]
        for drawn in view.objects:
            if drawn["ref"] not in self.plain.objects:
                found = next(
                    obj for obj in came if id(obj) not in known and self._key(obj) == (drawn["model"], drawn["key"])
                )
                self.plain.objects[drawn["ref"]] = found
                known.add(id(found))
        assert len(view.objects) == len(self.plain.objects), set(self.plain.objects) ^ {d["ref"] for d in view.objects}

    def _reachable(self):
        for obj in list(self.plain.objects.values()):
            for value in self.plain.related(obj).values():
                yield from members(value)

    def _key(self, obj):
        model = self.desk.databases["default"].models.of_class(type(obj))
        from dashboard.records.keys import key_of

        key = sa.inspect(obj).key
        return model.name, None if key is None else key_of(model, key[1])

    def _compare_one(self, drawn, obj, refs):
        plain, what = self.plain, drawn["ref"]
        assert (what, drawn["state"]) == (what, plain.state(obj)), (what, drawn["state"], plain.state(obj))
        assert (what, drawn["flags"]) == (what, plain.flags(obj)), (what, drawn["flags"], plain.flags(obj))
        model = self.desk.databases["default"].models.find(drawn["model"])
        loaded = {name: shown(model.column(name), value) for name, value in plain.loaded(obj).items()}
        assert (what, drawn["values"]) == (what, loaded), (drawn["values"], loaded)
        if sa.inspect(obj).was_deleted:
            self.deleted.add(what)
        if what in self.deleted:  # what a flush loads of what it deletes depends on the order of its sets
            return
        related = plain.related(obj)
        ours = {name: each["refs"] for name, each in drawn["relationships"].items() if each["loaded"]}
        assert (what, set(ours)) == (what, set(related)), (drawn, related)
        for name, value in related.items():
            theirs = [refs.get(id(each)) for each in members(value)]
            assert (what, name, sorted(ours[name], key=str)) == (what, name, sorted(theirs, key=str))


def members(value):
    """What a relationship holds, in whatever kind of collection."""
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, (list, set)):
        return list(value)
    return [] if value is None else [value]


def _unordered(statements):
    return sorted(str((sql, sorted(map(str, sets)))) for sql, sets in statements)
