"""Where a worker listens for the others, and where it cannot."""

from __future__ import annotations

import resource
import tempfile
from contextlib import contextmanager
from pathlib import Path

from dashboard.peers.places import place


@contextmanager
def full_disk():
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_on_a_full_disk_a_transaction_is_begun_all_the_same_and_passed_on_where_it_can_be(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)  # as in a process that has asked for none yet
    with full_disk():
        assert place(Path("/deep" * 30), 1) == ""
        assert place(Path("/instance"), 1).startswith("/instance/peers/")
