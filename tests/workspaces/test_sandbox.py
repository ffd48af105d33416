"""Try it anyway: in a sandbox a forbidden verb gives SQLAlchemy's own exception, explained, and nothing is lost."""

from __future__ import annotations

import pytest

from dashboard.refusal import Refusal
from dashboard.workspaces.states import TRIED, VERBS
from tests.workspaces.comparison import Both
from tests.workspaces.desk import as_staged

STATES = ("transient", "pending", "persistent", "modified", "expired", "marked-deleted", "deleted", "detached")


class Sandbox(Both):
    def __init__(self, folder):
        super().__init__(folder)
        self.desk.do("discard")
        self.desk.open(sandbox=True)

    def bring(self, state):
        """An object in this state."""
        if state in ("transient", "pending"):
            return self.do("objects", model="Author", values={"name": "A"}, add=state == "pending")
        ref = self.do("load", model="Author", key=1)
        if state == "modified":
            self.do("values", ref, values={"name": "B"})
        elif state == "detached":
            self.do("expunge", ref)
        elif state == "expired":
            self.do("expire", ref)
        elif state in ("marked-deleted", "deleted"):
            author = self.do("objects", model="Author", values={"name": "Gone"}, add=True)
            self.do("flush")
            self.do("delete", author)
            if state == "deleted":
                self.do("flush")
            ref = author
        return ref

    def force(self, verb, ref):
        """On both; answers the class of the plain Session's exception, or None."""
        arguments = {"attribute": "books"} if verb == "read" else {"values": {"name": "C"}} if verb == "values" else {}
        raised = result = None
        try:
            result = self.plain.do(verb, ref, **arguments)
        except Exception as error:
            raised = error
        if raised is None:
            outcome = self.desk.do(verb, ref, force="1", **arguments)
            answered = outcome.merged or outcome.ref
            if result is not None and answered is not None:
                self.plain.objects[answered] = result
            self.compare(verb)
            return None
        before = self.desk.view()
        with pytest.raises(Refusal) as refused:
            self.desk.do(verb, ref, force="1", **arguments)
        after = self.desk.view()
        assert (as_staged(after), after.version) == (as_staged(before), before.version)
        explained = refused.value.details["explained"]
        assert explained["class"] == type(raised).__name__
        assert after.tape[-1]["error"]["explained"] == explained
        return type(raised).__name__


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", TRIED)
def test_a_forced_verb_does_what_a_plain_session_does(tmp_path, state, verb):
    with Sandbox(tmp_path) as both:
        ref = both.bring(state)
        both.force(verb, ref)


def test_the_famous_one(tmp_path):
    with Sandbox(tmp_path) as both:
        ref = both.bring("detached")
        assert both.force("read", ref) == "DetachedInstanceError"
        told = both.desk.last()["error"]["explained"]
        assert told["link"].endswith("/bhk3")
        assert "belongs to no Session" in told["meaning"]


def test_outside_a_sandbox_nothing_is_forced(desk):
    desk.open()
    ref = desk.make("Author", name="A", add=False)
    with pytest.raises(Refusal) as refused:
        desk.do("expunge", ref, force="1")
    assert refused.value.code == "wrong_state"
    assert "sandbox" in refused.value.message


def test_what_is_no_call_of_sqlalchemy_is_not_forced(desk):
    desk.open(sandbox=True)
    ref = desk.load("Author", 1)
    for verb in ("drop", "revert"):
        with pytest.raises(Refusal) as refused:
            desk.do(verb, ref, force="1")
        assert refused.value.code == "wrong_state"
    assert set(TRIED) | {"drop", "revert"} == {verb for verbs in VERBS.values() for verb in verbs}
