"""Any sequence of calls, chosen by hypothesis, does what a plain Session does with it;
every second example starts the worker anew before each call."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dashboard.refusal import Refusal
from tests.workspaces.comparison import Both
from tests.workspaces.desk import as_staged

pytestmark = pytest.mark.filterwarnings(
    "ignore::sqlalchemy.exc.SAWarning"
)  # SQLAlchemy warns of calls like merge() of a pending object

RELATED = {
    "Book": {"author": ("Author", False), "tags": ("Tag", True), "reviews": ("Review", True)},
    "Author": {"books": ("Book", True)},
    "Tag": {"books": ("Book", True)},
    "Node": {"parent": ("Node", False), "children": ("Node", True)},
    "Line": {"book": ("Book", False)},
    "Review": {"book": ("Book", False)},
    "User": {},
}
FIRST = {
    "User": {"name": "Ann", "email": "mail"},
    "Author": {"name": "New"},
    "Book": {"title": "New"},
    "Tag": {"name": "tag"},
    "Review": {"stars": 1},
    "Node": {"name": "new"},
    "Line": {"code": "c/1", "amount": 3},
}
UNIQUE = {("User", "email"), ("Tag", "name"), ("Line", "code")}
WORKSPACE = ["flush", "commit", "rollback", "expire-all", "close", "expunge-all"]


class Chooser:
    """Turns numbers into calls that are allowed now."""

    def __init__(self, both):
        self.both = both
        self.count = 0

    def call(self, numbers):
        kind, which, first, second = numbers
        drawn = self.both.desk.view().objects
        if kind < 2 or not drawn:
            return self._new(which, first, drawn, second)
        if kind < 4:
            model = ["Book", "Author", "Tag", "Node", "User", "Review"][which % 6]
            return "load", None, {"model": model, "key": 1 + first % 2}
        if kind < 6:
            return WORKSPACE[which % len(WORKSPACE)], None, {}
        found = drawn[which % len(drawn)]
        if not found["actions"]:
            return "commit", None, {}
        verb = found["actions"][first % len(found["actions"])]
        return self._of_object(verb, found, drawn, second)

    def _values(self, model):
        self.count += 1
        return {
            name: f"{value}{self.count}" if (model, name) in UNIQUE else value for name, value in FIRST[model].items()
        }

    def _new(self, which, first, drawn, second):
        model = list(FIRST)[which % len(FIRST)]
        values = self._values(model)
        name, target = {"Book": ("author", "Author"), "Review": ("book", "Book"), "Line": ("book", "Book")}.get(
            model, (None, None)
        )
        if name:
            refs = [
                each["ref"]
                for each in drawn
                if each["model"] == target and each["badge"] not in ("detached", "deleted")
            ]
            values[name] = refs[second % len(refs)] if refs else "1"
        return "objects", None, {"model": model, "values": values, "add": bool(first % 3)}

    def _of_object(self, verb, found, drawn, second):
        ref, model = found["ref"], found["model"]
        if verb == "read":
            names = [*found["values"], *found["unloaded"], *RELATED[model]]
            return "read", ref, {"attribute": names[second % len(names)]}
        if verb != "values":
            return verb, ref, {}
        names = [*FIRST[model], *RELATED[model]]
        name = names[second % len(names)]
        if name not in RELATED[model]:
            return "values", ref, {"values": {name: self._values(model)[name] if second % 2 else FIRST[model][name]}}
        target, many = RELATED[model][name]
        refs = [
            each["ref"] for each in drawn if each["model"] == target and each["badge"] not in ("detached", "deleted")
        ]
        chosen = [each for index, each in enumerate(refs) if (second >> (index + 2)) & 1]
        return "values", ref, {"values": {name: chosen if many else (chosen[0] if chosen else None)}}


def run(calls, restore):
    """Answers how many of them both took."""
    with tempfile.TemporaryDirectory() as folder, Both(Path(folder), restore=restore) as both:
        chooser = Chooser(both)
        for done, numbers in enumerate(calls):
            verb, ref, arguments = chooser.call(numbers)
            orders = [state.insert_order for state in both.plain.session._new]
            if verb in ("flush", "commit") and len(orders) != len(set(orders)):
                return done  # after an expunge SQLAlchemy numbers two pending objects alike: their order is a set's
            before = both.desk.view()
            try:
                both.do(verb, ref, **arguments)
            except Refusal:
                after = both.desk.view()
                if before.transaction is None:
                    assert as_staged(after) == as_staged(before)
                return done
    return len(calls)


def test_any_calls():
    done = []

    @settings(
        max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink]
    )
    @given(
        st.lists(st.tuples(*[st.integers(0, most) for most in (11, 30, 12, 255)]), min_size=4, max_size=14),
        st.sampled_from(["never", "always"]),
    )
    def walk(calls, restore):
        done.append(run(calls, restore))

    walk()
    assert sum(done) >= 2 * len(done), done
