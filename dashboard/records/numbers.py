"""How do numbers look in JSON, how are they read back, and which of them does a column take?"""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any

from .kinds import Kind

SAFE_INTEGER = 2**53
"""Integers beyond this travel as text: JavaScript and many JSON readers would round them."""
FLOAT_KEEPS = 1e15
"""Below this a float keeps a decimal number of fifteen digits."""
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
        raise ValueError("A number is expected: 12.5")

    def check(self, value: float) -> float:
        check_endless(value, nan=self.nan, infinite=self.infinite)
        if self.single and math.isfinite(value):
            _check_single(value)
        return value


class Numeric(Kind):
    """Decimal numbers. return_scale: where the database keeps a float (SQLite), which must give the same digits back,
    so many of them."""

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
            raise ValueError("A decimal number is expected: 12.50")
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
