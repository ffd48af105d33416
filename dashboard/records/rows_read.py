"""Which records does an imported file hold? Read line by line, each with its number and its values as they were
written."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import IO, Any

from ..refusal import Refusal
from .columns import Column
from .export import GUARD
from .kinds import Boolean
from .models import Model
from .numbers import Float, Integer, Numeric

FIELD = 10_000_000
"""Characters of one field, or of one record, at most."""
CHUNK = 65_536
_BETWEEN = re.compile(r"[ \t\r\n,]*")

Row = tuple[int, dict[str, Any]]


def rows_of(file: IO[bytes], form: str, model: Model) -> Iterator[Row]:
    """form: csv, json (a list of objects) or jsonl. Raises Refusal("invalid") for a file that is none of it, with the
    line or the record where it ends to be."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield from {"csv": _csv, "json": _json, "jsonl": _json_lines}[form](text, model)
    except UnicodeDecodeError:
        raise _wrong("The file is not UTF-8.") from None
    finally:
        text.detach()


def _wrong(message: str) -> Refusal:
    return Refusal("invalid", message, fields={"file": message}, remedy="Nothing was written.")


def _csv(text: io.TextIOWrapper, model: Model) -> Iterator[Row]:
    csv.field_size_limit(FIELD)
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True)
    try:
        names = [_unguarded(name) for name in next(reader, [])]
        if not names or len(set(names)) != len(names):
            raise _wrong("The first line names the columns, each once.")
        columns, lines.of_record = {column.name: column for column in model.columns}, 0
        for number, cells in enumerate(reader, 2):
            lines.of_record = 0
            if not cells:
                continue
            if len(cells) != len(names):
                raise _wrong(f"Row {number} has {len(cells)} fields; there are {len(names)} columns.")
            yield number, {name: _meant(columns.get(name), cell) for name, cell in zip(names, cells, strict=True)}
    except csv.Error as error:
        raise _wrong(f"Line {reader.line_num} is no CSV: {error}.") from None


class _Lines:
    """The file's lines, as long as those of one record are no longer than they may be: csv itself bounds each field,
    and a record may have a million of them. of_record: characters since the last one."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self.of_record = text, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(FIELD + 1)
        if not line:
            raise StopIteration
        self.of_record += len(line)
        if self.of_record > FIELD:
            raise _wrong(f"A record has more than {FIELD:,} characters.")
        return line


def _meant(column: Column | None, cell: str) -> Any:
    """An empty field is NULL."""
    if cell == "":
        return None
    numeric = column is not None and isinstance(column.kind, (Integer, Numeric, Float, Boolean))
    return cell if numeric and not cell.startswith(GUARD) else _unguarded(cell)


def _unguarded(text: str) -> str:
    return text[1:] if text.startswith(GUARD) else text


def _json_lines(text: io.TextIOWrapper, model: Model) -> Iterator[Row]:
    for number, line in enumerate(iter(lambda: text.readline(FIELD), ""), 1):
        if line.strip():
            try:
                yield number, _object(json.loads(line), number)
            except (ValueError, RecursionError):
                raise _wrong(f"Line {number} is not JSON.") from None


def _json(text: io.TextIOWrapper, model: Model) -> Iterator[Row]:
    """Object by object: the list is never held whole. What was read ahead of a large record may hold a million small
    ones: it is gone through, and not copied for each."""
    decoder, kept, at, number = json.JSONDecoder(), text.read(CHUNK).lstrip(), 1, 0
    if not kept.startswith("["):
        raise _wrong("A list of objects is expected.")
    while True:
        at = _BETWEEN.match(kept, at).end()  # type: ignore[union-attr]  # it takes nothing as well
        if kept.startswith("]", at):
            return
        try:
            value, end = decoder.raw_decode(kept, at)
        except (ValueError, RecursionError):
            left = len(kept) - at
            more = text.read(max(CHUNK, left))
            if not more or left > FIELD:
                raise _wrong(f"Record {number + 1} is not JSON.") from None
            kept, at = kept[at:] + more, 0
            continue
        number += 1
        yield number, _object(value, number)
        at = end


def _object(value: Any, number: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(f"Record {number} is no object.")
    return value
