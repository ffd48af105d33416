"""How is a record's primary key written in an address, so that any value comes back exactly as it went?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..refusal import Refusal
from .numbers import Integer

if TYPE_CHECKING:
    from .models import Model

EMPTY = "~0"
_PART = re.compile(r"(?:[A-Za-z0-9_-]|~[0-9A-F]{2})+", re.ASCII)
_OUTSIDE = re.compile(rb"[^A-Za-z0-9_-]")
_PAIR = re.compile(rb"~([0-9A-F]{2})")


def encode(parts: Sequence[str]) -> str:
    """KEY of the contract: UTF-8 bytes outside `[A-Za-z0-9_-]` as `~HH`, an empty part as `~0`, parts joined by `,`.

    Raises ValueError for no part at all, and for text that has no UTF-8 (a lone surrogate).

    >>> encode(["a,b", "", "Zoë"])
    'a~2Cb,~0,Zo~C3~AB'
    """
    if not parts:
        raise ValueError("a key has at least one part")
    return ",".join(_encoded(part) for part in parts)


def decode(key: str) -> tuple[str, ...]:
    """The parts that `encode` made this of. Raises Refusal("not_found") for any text that `encode` never makes.

    >>> decode("a~2Cb,~0,Zo~C3~AB")
    ('a,b', '', 'Zoë')
    >>> decode("a~2cb")
    Traceback (most recent call last):
        ...
    dashboard.refusal.Refusal: There is no record with the key 'a~2cb'.
    """
    try:
        parts = tuple(_decoded(part) for part in key.split(","))
        if encode(parts) == key:
            return parts
    except ValueError:
        pass
    raise no_such_key(key)


def key_of(model: Model, identity: Sequence[Any]) -> str:
    """KEY of an identity: the Python values of the primary key, in the order of `mapper.primary_key`.

    Raises ValueError where a part cannot be written: NULL, or a value of a kind that has no text.
    """
    columns = model.key_columns
    if len(columns) == 1 == len(identity) and type(identity[0]) is int and isinstance(columns[0].kind, Integer):
        return str(identity[0])  # most keys are, and a list has many
    if len(identity) != len(columns):
        raise ValueError(f"{model.name} has {len(model.key_columns)} primary key columns, not {len(identity)}")
    return encode([column.key_text(value) for column, value in zip(model.key_columns, identity, strict=True)])


def identity_of(model: Model, key: str) -> tuple[Any, ...]:
    """The identity that `key_of` wrote. Raises Refusal("not_found") for a key that no record of this model can have."""
    parts = decode(key)
    if len(parts) != len(model.key_columns):
        raise no_such_key(key, model)
    try:
        identity = tuple(column.key_value(part) for column, part in zip(model.key_columns, parts, strict=True))
        if key_of(model, identity) == key:
            return identity
    except ValueError:
        pass
    raise no_such_key(key, model)


def no_such_key(key: str, model: Model | None = None) -> Refusal:
    """The Refusal("not_found") for this key; the text of a long key is cut."""
    shown = key if len(key) <= 80 else key[:80] + "…"
    where = "record" if model is None else f"{model.title} record"
    return Refusal("not_found", f"There is no {where} with the key {shown!r}.")


def _encoded(part: str) -> str:
    if part.isascii() and part.isalnum():  # most keys are numbers, and a flush writes many
        return part
    data = part.encode("utf-8")
    return _OUTSIDE.sub(lambda found: b"~%02X" % found[0][0], data).decode("ascii") if data else EMPTY


def _decoded(part: str) -> str:
    if part == EMPTY:
        return ""
    if not _PART.fullmatch(part):
        raise ValueError("not a part of a key")
    return _PAIR.sub(lambda found: bytes([int(found[1], 16)]), part.encode("ascii")).decode("utf-8")
