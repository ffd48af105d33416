"""Does a missing part fail in words, and a skip at all?"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.parts import ROOT


@pytest.mark.parametrize("environment, status", [({"CI": "true"}, 1), ({}, 0)])
def test_a_missing_part_is_named_with_its_remedy_and_stops_ci(environment, status, tmp_path):
    command = [sys.executable, "-m", "tests.parts"]
    env = {"PATH": str(tmp_path), **environment}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == status
    assert "Chromium is missing" in done.stderr
    assert "apt-get install chromium" in done.stderr


def test_a_skipped_test_is_a_failed_test(tmp_path):
    (tmp_path / "test_it.py").write_text("import pytest\n\ndef test_it():\n    pytest.skip('not here')\n")
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    command = [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), str(tmp_path / "test_it.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    assert "nothing is skipped in this house" in done.stdout
