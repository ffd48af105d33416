"""How does a test get Poolhouse as people install it? The real wheel, in a new environment far from the checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path


def built(kind: str, source: Path, folder: Path) -> Path:
    """The one file that `python -m build` makes of `source`; kind: wheel or sdist."""
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", str(folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.iterdir()
    return made


def environment_with(wheel: Path, folder: Path) -> Path:
    """The Python of a new environment in `folder` in which the wheel is installed.

    What the wheel depends on is taken from the environment of this test run, so that nothing is fetched.
    """
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    places = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    (Path(places["purelib"]) / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--disable-pip-version-check", str(wheel)], check=True)
    return python
