"""What does the wheel install? `poolhouse`, with its templates and static files inside, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

from tests.journeys.wheel import built
from tests.parts import ROOT


def files_under(folder: str) -> set[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {path for path in listed if (ROOT / path).is_file()}


def said(python: Path, script: str, folder: Path) -> str:
    done = subprocess.run([str(python), "-W", "error", "-c", script], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_wheel_holds_the_package_its_templates_and_its_static_files_alone(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = {"poolhouse" + path.removeprefix("dashboard") for path in files_under("dashboard")}
    assert names == package | {f"poolhouse/{path}" for path in files_under("templates") | files_under("static")}


def test_the_sdist_builds_the_same_wheel(wheel, tmp_path):
    sdist = built("sdist", ROOT, tmp_path / "sdist")
    shutil.unpack_archive(sdist, tmp_path, filter="data")
    again = built("wheel", tmp_path / sdist.name.removesuffix(".tar.gz"), tmp_path / "wheel")
    assert again.name == wheel.name
    contents = [{info.filename: info.CRC for info in zipfile.ZipFile(path).infolist()} for path in (wheel, again)]
    assert contents[0] == contents[1]


def test_the_installed_package_is_importable_beside_a_hosts_own_dashboard(installed, tmp_path):
    (tmp_path / "dashboard.py").write_text("name = 'the host'\n")
    script = "import dashboard, poolhouse; print(dashboard.name, poolhouse.__file__); poolhouse.Dashboard"
    host, _, file = said(installed, script, tmp_path).rpartition(" ")
    assert host == "the host"
    assert Path(file).is_relative_to(installed.parent.parent)


def test_the_installed_telemetry_loads_nothing_of_the_web(installed, tmp_path):
    script = "import sys, poolhouse.telemetry; print('flask' in sys.modules, 'prometheus_client' in sys.modules)"
    assert said(installed, script, tmp_path) == "False False"
