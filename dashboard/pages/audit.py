"""The audit: what somebody does here is written down, with who they are and where they ask from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import request

from ..runtime import current
from ..store.audit import DONE, Deed
from . import gate


def note(act: str, subject: str = "", outcome: str = DONE, **details: Any) -> None:
    """Writes a row of whoever sends the present request. Raises Refusal("store_away"): what cannot be written down is
    not done, so that an act of consequence is noted before it is done."""
    person = gate.visit().person
    deed = Deed(
        at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        who=person.name if person is not None else "",
        role=person.role if person is not None else "",
        address=request.remote_addr or "",
        act=act,
        subject=subject,
        outcome=outcome,
        details=details,
    )
    current().audit.add(deed)
