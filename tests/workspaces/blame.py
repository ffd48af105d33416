"""What does an action that fails say, and is the workspace as it was?"""

from __future__ import annotations

import pytest

from dashboard.refusal import Refusal
from tests.workspaces.desk import as_staged


def fails(desk, verb="commit", ref=None, **arguments):
    """The refusal of it. The workspace is as it was, and no address of memory is in what is told."""
    before = desk.view()
    with pytest.raises(Refusal) as refused:
        desk.do(verb, ref, **arguments)
    after = desk.view()
    assert (as_staged(after), after.version) == (as_staged(before), before.version)
    refusal = refused.value
    told = f"{refusal.message} {refusal.remedy} {dict(refusal.fields)} {after.tape[-1]['error']}"
    assert "0x" not in told
    assert "sqlite" not in told.lower()
    assert "psycopg" not in told.lower()
    return refusal


def blamed(refusal):
    return refusal.code, refusal.details["refs"], set(refusal.fields)
