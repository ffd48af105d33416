"""Do README's tables say what the code says? `make tables` writes them between their marks."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from dashboard.config import Config, table
from dashboard.telemetry.metrics import METRICS
from tests.parts import ROOT

README = ROOT / "README.md"


def settings_table() -> str:
    """The settings of contract.md: every row of the table that is not a mere bound."""
    return _rows(("key", "takes", "default", "meaning"), _settings(bounds=False))


def bounds_table() -> str:
    return _rows(("key", "takes", "default", "bounds"), _settings(bounds=True))


def metrics_table() -> str:
    rows = ((f"`{m.name}`", m.type, ", ".join(m.labels), m.help) for m in METRICS)
    return _rows(("name", "type", "labels", "help"), rows)


TABLES = {"settings": settings_table, "bounds": bounds_table, "metrics": metrics_table}


def _settings(*, bounds: bool) -> Iterable[tuple[str, ...]]:
    unset = Config()
    names = Config.__dataclass_fields__
    for name, setting in zip(names, table(), strict=True):
        if setting.bound == bounds:
            yield f"`{setting.key}`", setting.kind, _default(getattr(unset, name)), setting.meaning


def _default(value: object) -> str:
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def with_tables(readme: str) -> str:
    """`readme` with each table between `<!-- NAME -->` and `<!-- end of NAME -->` as the code has it now."""
    for name, make in TABLES.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        if readme.count(begin) != 1 or readme.count(end) != 1:
            raise ValueError(f"README.md needs {begin} and {end}, each once")
        before, _, rest = readme.partition(begin)
        readme = f"{before}{begin}\n{make()}\n{end}{rest.partition(end)[2]}"
    return readme


if __name__ == "__main__":
    old = README.read_text()
    new = with_tables(old)
    README.write_text(new)
    print("README.md's tables were " + ("right already" if new == old else "written again"))
    sys.exit()
