"""Is the house as design.md and style.md say it is? The rules that a linter cannot hold."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests import tables
from tests.parts import ROOT

FOLDERS = {"dashboard", "templates", "static", "tests", "examples", ".ci"}
FILES = {
    ".gitignore",
    "BENCHMARKS.md",
    "CHANGELOG.md",
    "DECISIONS.md",
    "LICENSE",
    "Makefile",
    "Procfile",
    "README.md",
    "SECURITY.md",
    "gunicorn.conf.py",
    "pyproject.toml",
    "requirements-dev.txt",
    "requirements.txt",
    "wsgi.py",
}
MOST_LINES = 300  # of a module
CROWDED = {  # still one thing each, but long: they may shrink, and not grow
    "dashboard/config.py": 470,  # one table, a row for each setting
    "tests/journeys/test_bad_input.py": 770,
    "tests/pages/inputs.py": 340,
    "tests/records/test_columns.py": 440,
}
MOST_LINES_OF_A_FUNCTION = 50
OTHER_PEOPLES = ("static/vendor/",)
AS_MEASURED = (  # published figures stand on them as they are
    "tests/benchmarks/peers/",
    "tests/benchmarks/snippet_naive.py",
    "tests/benchmarks/snippet_noop.py",
)
MACHINES = re.compile(
    r"/(work|tmp)/[a-z]|/root/|/home/[a-z]|/Users/"  # paths of one machine
    r"|pypi\.org/simple|files\.pythonhosted|registry\.npmjs|deb\.debian\.org"  # a registry's host
)


@cache
def tracked() -> tuple[str, ...]:
    """Every file that git knows or would take, by its path from the top; a link too, wherever it points."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return tuple(sorted(path for path in set(listed) if (ROOT / path).is_file() or (ROOT / path).is_symlink()))


def ours(suffix: str) -> list[str]:
    return [path for path in tracked() if path.endswith(suffix) and not path.startswith(OTHER_PEOPLES + AS_MEASURED)]


@cache
def parsed(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(), path)


def loaded_by(statement: str) -> set[str]:
    """The modules that a new Python has loaded after `statement`."""
    script = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_top_level_is_what_the_design_gives():
    folders = {path.partition("/")[0] for path in tracked() if "/" in path}
    files = {path for path in tracked() if "/" not in path}
    assert (folders - FOLDERS, files - FILES) == (set(), set())
    assert {name for name in FOLDERS | FILES if not (ROOT / name).exists()} == set()


def test_the_map_in_the_readme_names_each_room_and_each_module_beside_them():
    shown = (ROOT / "README.md").read_text().partition("## A map of the rooms")[2].partition("## ")[0]
    places = {path.split("/")[1] for path in ours(".py") if path.startswith("dashboard/")} - {"__init__.py"}
    assert {place for place in places if f"{place}`" not in shown and f"{place}/`" not in shown} == set()


def test_no_module_is_too_long_to_be_one_thing():
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path in ours(".py")}
    assert {path: lines for path, lines in lengths.items() if lines > CROWDED.get(path, MOST_LINES)} == {}


def test_no_function_is_longer_than_a_screen():
    functions = (
        (f"{path}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for path in ours(".py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert {name: lines for name, lines in functions if lines > MOST_LINES_OF_A_FUNCTION} == {}


def test_every_module_says_which_question_it_answers():
    modules = [path for path in ours(".py") if path.startswith(("dashboard/", "tests/", "examples/"))]
    silent = [p for p in modules if (ROOT / p).read_text().strip() and not ast.get_docstring(parsed(p))]
    assert silent == []


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "manager", "service", "base"])
def test_no_module_has_a_name_that_says_nothing(name):
    assert [path for path in ours(".py") if Path(path).stem == name] == []


def test_the_arrows_point_down():
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def imported_from(path: str) -> set[str]:
    """The full names of what a module imports from other packages."""
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return names


def test_access_takes_nothing_of_the_web_but_its_password_hashes():
    """import-linter cannot tell werkzeug.security (scrypt) from the rest of Werkzeug."""
    taken = {name for path in ours(".py") if path.startswith("dashboard/access/") for name in imported_from(path)}
    web = {name for name in taken if name.partition(".")[0] in {"flask", "flask_sqlalchemy", "jinja2", "werkzeug"}}
    assert web <= {"werkzeug.security"}


def test_only_one_module_knows_the_metrics_library():
    knowing = [path for path in ours(".py") if path.startswith("dashboard/")]
    knowing = [p for p in knowing if any(n.partition(".")[0] == "prometheus_client" for n in imported_from(p))]
    assert knowing == ["dashboard/telemetry/metrics.py"]


def test_imports_inside_the_package_are_relative():
    absolute = [p for p in ours(".py") if p.startswith("dashboard/")]
    absolute = [p for p in absolute if any(n.partition(".")[0] in {"dashboard", "poolhouse"} for n in imported_from(p))]
    assert absolute == []


@pytest.mark.parametrize("statement", ["import dashboard", "import dashboard.telemetry"])
def test_a_program_that_only_publishes_loads_nothing_of_the_web(statement):
    assert loaded_by(statement) & {"flask", "werkzeug", "jinja2", "prometheus_client"} == set()


def test_a_worker_loads_at_its_start_only_what_every_page_needs():
    dear = {"pygments", "sqlparse", "sqlalchemy.dialects.postgresql", "dashboard.demo.models", "psycopg", "pymysql"}
    assert loaded_by("import dashboard.app, dashboard.records.reflection, dashboard.pages") & dear == set()


def test_no_file_speaks_of_a_path_or_a_registry_of_one_machine():
    here = Path(__file__).relative_to(ROOT).as_posix()
    spoken = {}
    for path in tracked():
        if path != here and not path.startswith(OTHER_PEOPLES):
            found = MACHINES.search((ROOT / path).read_bytes().decode(errors="replace"))
            if found:
                spoken[path] = found.group()
    assert spoken == {}


def test_what_is_vendored_is_unchanged_and_nothing_else_is_there():
    folder = ROOT / "static" / "vendor"
    entries = [row for rows in tomllib.loads((folder / "VENDORED.toml").read_text()).values() for row in rows]
    sums = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir() if p.name != "VENDORED.toml"}
    assert sums == {entry["file"]: entry["sha256"] for entry in entries}
    assert all(entry["version"] and entry["licence"] and entry["source"] for entry in entries)


def test_the_tables_of_the_readme_are_those_of_the_code():
    readme = tables.README.read_text()
    assert tables.with_tables(readme) == readme, "run: make tables"
