"""How does a value of each kind of column look in JSON, how is it read back, and which values does the column take?"""

from __future__ import annotations

import base64
import binascii
import enum
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

EMPTY_BINARY = '{"base64": ""}'
"""How a form says binary data of no bytes, because an empty field is refused."""
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_SWITCHES = {"true": True, "on": True, "1": True, "yes": True, "false": False, "off": False, "0": False, "no": False}


class Kind:
    """One kind of column. `read` knows the shape, `check` the bounds; both raise ValueError with a sentence for the
    person.

    name: as pages call it. native: the Python types of its values. choices: what may be chosen, for an Enum. length:
    most characters or bytes, None without a limit. takes_empty: empty text is a value of it.
    """

    name: ClassVar[str] = ""
    native: tuple[type, ...] = ()
    choices: tuple[str, ...] = ()
    length: int | None = None
    takes_empty: bool = False

    def format(self, value: Any) -> Any:
        """JSON of a value that is of a native type."""
        return value

    def read(self, given: Any) -> Any:
        """The Python value of JSON, or of a form's text."""
        raise NotImplementedError

    def check(self, value: Any) -> Any:
        """The value as the column will keep it; ValueError where the column does not take it."""
        return value

    def text(self, formatted: Any) -> str:
        """What a form's field holds for a value as `format` gave it; `read` takes it back."""
        return formatted if isinstance(formatted, str) else json.dumps(formatted, ensure_ascii=False)

    def key_text(self, value: Any) -> str:
        """The one text of this value as a part of a key."""
        return str(self.format(value))

    def key_value(self, text: str) -> Any:
        """The value of a part of a key. ValueError where no row can have it (a driver would raise something else)."""
        return self.check(self.read(text))


class Text(Kind):
    name = "text"
    native = (str,)
    takes_empty = True

    def __init__(self, length: int | None = None, *, nul: bool = False) -> None:
        self.length = length
        self.keeps_nul = nul

    def read(self, given: Any) -> str:
        if not isinstance(given, str):
            raise ValueError("Text is expected.")
        return given

    def check(self, value: str) -> str:
        check_characters(value)
        if self.length is not None and len(value) > self.length:
            raise ValueError(f"At most {self.length} characters; these are {len(value)}.")
        return value

    def key_value(self, text: str) -> str:
        if "\0" in text and not self.keeps_nul:
            raise ValueError("This database has no text with a NUL character in it.")
        return text


class FixedText(Text):
    """CHAR(n): PostgreSQL fills it up with blanks, MySQL takes those at its end away. What is written is what is read
    again, so that nobody takes the difference for somebody else's change."""

    def __init__(self, length: int, *, padded: bool) -> None:
        super().__init__(length)
        self.padded = padded

    def check(self, value: str) -> str:
        kept = value.rstrip(" ")
        return super().check(kept).ljust(self.length or 0) if self.padded else super().check(kept)


class LongText(Text):
    name = "long text"


class Boolean(Kind):
    name = "boolean"
    native = (bool,)

    def read(self, given: Any) -> bool:
        if isinstance(given, bool):
            return given
        if isinstance(given, str) and given.strip().lower() in _SWITCHES:
            return _SWITCHES[given.strip().lower()]
        raise ValueError("true or false is expected.")

    def key_text(self, value: bool) -> str:
        return "true" if value else "false"


class Choice(Kind):
    """An Enum: of a Python class, by the member's name; of texts, the text itself."""

    name = "enum"

    def __init__(self, choices: tuple[str, ...], enum_class: type[enum.Enum] | None = None) -> None:
        self.choices, self.enum_class = choices, enum_class
        self.native = (enum_class,) if enum_class is not None else (str,)
        self.takes_empty = "" in choices

    def format(self, value: Any) -> str:
        return value.name if isinstance(value, enum.Enum) and self.enum_class is not None else str(value)

    def read(self, given: Any) -> Any:
        if isinstance(given, str) and self.enum_class is not None and given in self.enum_class.__members__:
            return self.enum_class[given]
        if isinstance(given, str) and self.enum_class is None and given in self.choices:
            return given
        shown = ", ".join(self.choices[:30]) + (", …" if len(self.choices) > 30 else "")
        raise ValueError(f"One of these is expected: {shown}")


class Uuid(Kind):
    name = "uuid"

    def __init__(self, *, as_uuid: bool = True) -> None:
        self.as_uuid = as_uuid
        self.native = (uuid.UUID,) if as_uuid else (str,)

    def format(self, value: Any) -> str:
        return str(value)

    def read(self, given: Any) -> Any:
        if not isinstance(given, str) or not _UUID.fullmatch(given.strip()):
            raise ValueError("A UUID is expected: 01234567-89ab-cdef-0123-456789abcdef")
        value = uuid.UUID(given.strip())
        return value if self.as_uuid else str(value)


class Binary(Kind):
    name = "binary"
    native = (bytes, bytearray, memoryview)

    def __init__(self, length: int | None = None) -> None:
        self.length = length

    def format(self, value: Any) -> dict[str, str]:
        return {"base64": base64.b64encode(bytes(value)).decode("ascii")}

    def read(self, given: Any) -> bytes:
        if given == EMPTY_BINARY:
            return b""
        coded = given["base64"] if isinstance(given, Mapping) and set(given) == {"base64"} else given
        if isinstance(coded, str):
            try:
                return base64.b64decode("".join(coded.split()), validate=True)
            except (binascii.Error, ValueError):
                pass
        raise ValueError('Binary data is expected: {"base64": "..."}; in a form, its base64 text.')

    def check(self, value: bytes) -> bytes:
        if self.length is not None and len(value) > self.length:
            raise ValueError(f"At most {self.length} bytes; these are {len(value)}.")
        return value

    def text(self, formatted: Any) -> str:
        return str(formatted["base64"]) or EMPTY_BINARY

    def key_text(self, value: Any) -> str:
        return self.format(value)["base64"]


class Opaque(Kind):
    """A type that we do not know: its values are shown as text, and never written."""

    name = "other"

    def format(self, value: Any) -> str:
        return as_text(value)

    def read(self, given: Any) -> Any:
        raise ValueError("A value of this type cannot be written here.")

    def key_text(self, value: Any) -> str:
        raise ValueError("A value of this type cannot be written in an address.")


def as_text(value: object) -> str:
    """Some text for a value of any type whatever, without surrogates; never raises."""
    try:
        return str(value).encode("utf-8", "replace").decode("utf-8")
    except Exception:  # a foreign type's __str__ may raise anything
        return f"({type(value).__name__})"


def check_characters(text: str) -> None:
    """ValueError for what databases or UTF-8 do not take: NUL characters and lone surrogates."""
    if "\0" in text:
        raise ValueError("A NUL character cannot be kept in text.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"The character at {error.start + 1} is half of a surrogate pair, which is no text.") from None
