"""How does a value of each kind of column look in JSON, how is it read back, and which values does the column take?"""

from __future__ import annotations

import base64
import binascii
import enum
import json
import math
import re
import struct
import uuid
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any, ClassVar

SAFE_INTEGER = 2**53
"""Integers beyond this travel as text: JavaScript and many JSON readers would round them."""
EMPTY_BINARY = '{"base64": ""}'
"""How a form says binary data of no bytes, because an empty field is refused."""
FLOAT_KEEPS = 1e15
DIGITS_MOST = 1000
"""Digits of a number without a precision of its own; no database's limit, but no person's number either."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,400}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,1200}\.?[0-9]{0,1200}|\.[0-9]{1,1200})(?:[eE][+-]?[0-9]{1,6})?", re.ASCII)
_ENDLESS = {
    "nan": "NaN",
    "infinity": "Infinity",
    "inf": "Infinity",
    "+infinity": "Infinity",
    "-infinity": "-Infinity",
    "-inf": "-Infinity",
}
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


class LongText(Text):
    name = "long text"


class Integer(Kind):
    name = "integer"
    native = (int,)

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def format(self, value: int) -> int | str:
        return int(value) if -SAFE_INTEGER <= value <= SAFE_INTEGER else str(int(value))

    def read(self, given: Any) -> int:
        if isinstance(given, int) and not isinstance(given, bool):
            return given
        if isinstance(given, str) and _INTEGER.fullmatch(given.strip()):
            return int(given)
        raise ValueError("A whole number is expected.")

    def check(self, value: int) -> int:
        if not self.least <= value <= self.most:
            raise ValueError(f"A whole number from {self.least} to {self.most} is expected.")
        return value


class BigInteger(Integer):
    name = "big integer"


class Float(Kind):
    name = "float"
    native = (float, int)

    def __init__(self, *, single: bool = False, nan: bool = True, infinite: bool = True) -> None:
        self.single, self.nan, self.infinite = single, nan, infinite

    def format(self, value: float) -> float | str:
        if math.isnan(value):
            return "NaN"
        return ("Infinity" if value > 0 else "-Infinity") if math.isinf(value) else float(value)

    def read(self, given: Any) -> float:
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            return _float(given)
        if isinstance(given, str) and given.strip().lower() in _ENDLESS:
            return float(_ENDLESS[given.strip().lower()])
        if isinstance(given, str) and _NUMBER.fullmatch(given.strip()):
            return _float(given)
        raise ValueError("A number is expected.")

    def check(self, value: float) -> float:
        check_endless(value, nan=self.nan, infinite=self.infinite)
        if self.single and math.isfinite(value):
            _check_single(value)
        return value


class Numeric(Kind):
    """Decimal numbers. kept_as_float: this database keeps a float (SQLite), which must give the same digits back,
    `return_scale` of them."""

    name = "numeric"
    native = (Decimal,)

    def __init__(
        self,
        precision: int | None = None,
        scale: int | None = None,
        *,
        nan: bool = False,
        infinite: bool = False,
        return_scale: int | None = None,
    ) -> None:
        self.precision = precision
        self.scale = 0 if scale is None and precision is not None else scale
        self.nan, self.infinite = nan, infinite and precision is None
        self.return_scale = return_scale

    def format(self, value: Decimal) -> str:
        return format(value, "f") if value.is_finite() else ("NaN" if value.is_nan() else str(value))

    def read(self, given: Any) -> Decimal:
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            given = repr(given)
        if isinstance(given, str) and given.strip().lower() in _ENDLESS:
            return Decimal(_ENDLESS[given.strip().lower()])
        if not isinstance(given, str) or not _NUMBER.fullmatch(given.strip()):
            raise ValueError("A decimal number is expected, as text: 12.50")
        return Decimal(given.strip())

    def check(self, value: Decimal) -> Decimal:
        check_endless(value, nan=self.nan, infinite=self.infinite)
        if not value.is_finite():
            return value
        if (value and not -DIGITS_MOST < value.adjusted() < DIGITS_MOST) or len(value.as_tuple().digits) > DIGITS_MOST:
            raise ValueError(f"At most {DIGITS_MOST} digits.")
        fitted = self._fitted(value)
        if self.return_scale is not None and not self._survives(fitted):
            raise ValueError("This database keeps about 15 digits of it; these would be changed.")
        return fitted

    def _survives(self, value: Decimal) -> bool:
        """Whether the digits come back as SQLAlchemy rounds the float; or fifteen, where it rounds too finely."""
        number = float(value)
        rounded = f"{number:.{self.return_scale}f}"
        close = abs(number) < FLOAT_KEEPS and math.isclose(float(rounded), number, rel_tol=1e-14)
        return value == Decimal(rounded) or (close and value == Decimal(repr(number)))

    def _fitted(self, value: Decimal) -> Decimal:
        if self.scale is None:
            return value if -DIGITS_MOST < value.adjusted() < DIGITS_MOST else Decimal(0)  # 0E+999999 is a zero too
        with localcontext(prec=2 * DIGITS_MOST + abs(self.scale)) as context:
            context.clear_flags()
            fitted = value.quantize(Decimal(1).scaleb(-self.scale))
            if fitted != value:
                raise ValueError(f"At most {self.scale} digits after the point.")
            before = (self.precision or DIGITS_MOST) - self.scale
            if fitted and fitted.adjusted() >= before:
                raise ValueError(f"At most {before} digits before the point.")
            return fitted

    def key_text(self, value: Decimal) -> str:
        if not value.is_finite():
            return self.format(value)
        with localcontext(prec=3 * DIGITS_MOST):
            return format(value.normalize() + 0, "f")


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


def check_endless(value: float | Decimal, *, nan: bool, infinite: bool) -> None:
    """ValueError for NaN and infinities where the column does not keep them."""
    if isinstance(
        value, Decimal
    ):  # math would make a float of it first: a signalling NaN raises, and 1E+9999 is "infinite"
        is_nan, is_infinite = value.is_nan(), value.is_infinite()
    else:
        is_nan, is_infinite = math.isnan(value), math.isinf(value)
    if is_nan and not nan:
        raise ValueError("This column keeps no NaN.")
    if is_infinite and not infinite:
        raise ValueError("This column keeps finite numbers only.")


def _float(given: Any) -> float:
    try:
        value = float(given)
    except (OverflowError, InvalidOperation):
        raise ValueError("The number is too large.") from None
    if isinstance(given, str) and math.isinf(value):
        raise ValueError("The number is too large.")
    return value


def _check_single(value: float) -> None:
    try:
        kept = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        raise ValueError("The number is too large for a single-precision column.") from None
    if kept == 0 and value != 0:
        raise ValueError("The number is too small for a single-precision column.")


def as_found(value: Any) -> Any:
    """JSON of a value that does not belong to its column's kind: SQLite keeps any value in any column."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Binary().format(value)
    if isinstance(value, float):
        return Float().format(value)
    if isinstance(value, int) and not isinstance(value, (bool, enum.Enum)):
        return Integer(0, 0).format(value)
    return value if isinstance(value, bool) else as_text(value)
