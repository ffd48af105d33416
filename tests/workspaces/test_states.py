"""The table of states, flags, badges and verbs, word for word."""

from __future__ import annotations

import itertools

import pytest

from dashboard.workspaces import states

PERSISTENT = ("values", "read", "expire", "refresh", "expunge", "delete", "merge")
TABLE = [
    # state, flags, badge, verbs
    ("transient", (), "transient", ("values", "add", "merge", "drop")),
    ("transient", ("modified",), "transient", ("values", "add", "merge", "drop")),
    ("pending", (), "pending", ("values", "expunge", "merge")),
    ("pending", ("modified",), "pending", ("values", "expunge", "merge")),
    ("persistent", (), "persistent", PERSISTENT),
    ("persistent", ("modified",), "modified", (*PERSISTENT, "revert")),
    ("persistent", ("expired",), "expired", PERSISTENT),
    ("persistent", ("modified", "expired"), "modified", (*PERSISTENT, "revert")),
    ("persistent", ("marked-deleted",), "deleted", ("add", "expunge")),
    ("persistent", ("modified", "expired", "marked-deleted"), "deleted", ("add", "expunge")),
    ("deleted", (), "deleted", ()),
    ("deleted", ("modified",), "deleted", ()),
    ("detached", (), "detached", ("values", "read", "add", "merge", "make-transient")),
    ("detached", ("modified", "expired"), "detached", ("values", "read", "add", "merge", "make-transient")),
]


@pytest.mark.parametrize("state, flags, badge, verbs", TABLE)
def test_the_table(state, flags, badge, verbs):
    assert states.badge(state, flags) == badge
    assert states.verbs(state, flags) == verbs


def test_every_state_with_every_flag_has_one_badge_whatever_their_order():
    for state in states.STATES:
        for count in range(len(states.FLAGS) + 1):
            for flags in itertools.permutations(states.FLAGS, count):
                assert states.badge(state, flags) in states.BADGES
                assert states.badge(state, flags) == states.badge(state, tuple(sorted(flags)))


def test_every_verb_that_a_state_allows_is_a_verb():
    assert {verb for allowed in states.VERBS.values() for verb in allowed} == set(states.OBJECT_VERBS)
