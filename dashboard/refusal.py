"""What every room raises when it says no: a code of the contract, a sentence, the fields, the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STATUS_OF_CODE = {
    "not_understood": 400,
    "signed_out": 401,
    "forbidden": 403,
    "csrf": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "stale": 409,
    "already_committed": 409,
    "wrong_state": 409,
    "taken": 409,
    "too_large": 413,
    "invalid": 422,
    "failed": 422,
    "busy": 423,
    "pinned": 423,
    "throttled": 429,
    "database_away": 503,
    "store_away": 503,
    "overloaded": 503,
    "unavailable": 503,
}
"""Every code that an answer may carry, with the HTTP status it is sent under.
Rooms know the codes; only pages use the numbers."""


@dataclass(eq=False)
class Refusal(Exception):
    """A request that is refused, in words for the person who made it. Nothing was changed when it is raised.

    code: a key of STATUS_OF_CODE. message: what is wrong, one sentence, never a driver's raw text.
    fields: for each attribute that is at fault, its message. remedy: what to do now.
    details: further plain data that the contract puts beside the code (for example the number of a change set).

    >>> raise Refusal("wrong_state", "Book:3 is detached; flush takes a session.", remedy="Add it again first.")
    Traceback (most recent call last):
        ...
    dashboard.refusal.Refusal: Book:3 is detached; flush takes a session.
    """

    code: str
    message: str
    fields: Mapping[str, str] = field(default_factory=dict)
    remedy: str = ""
    details: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.code not in STATUS_OF_CODE:
            raise ValueError(f"{self.code!r} is no code of the contract")
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    @property
    def status(self) -> int:
        return STATUS_OF_CODE[self.code]
