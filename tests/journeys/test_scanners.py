"""What do two well-known scanners find, on every form and parameter of a server of this machine, signed in? Nothing."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.journeys.desk import Desk
from tests.journeys.person import PASSWORD, Person
from tests.parts import TOOLS

pytestmark = pytest.mark.soak

SCANNERS = TOOLS / "scan" / "bin"
MODULES = "csp,csrf,file,permanentxss,redirect,sql,timesql,xss,crlf,htaccess,ldap"
"""Those that ask nobody but the server: others want an address of the scanner's makers to be called."""
SCAN_SECONDS, ATTACK_SECONDS = 300, 90
MOST_SECONDS = SCAN_SECONDS + (MODULES.count(",") + 2) * ATTACK_SECONDS
"""wapiti bounds its crawl, and each of its modules by itself."""
ASKED = (
    # every way by which a value comes in, once; what follows a star is tried, and without one every parameter
    ("/records/Author/?q=1&sort=name&size=10", None),
    ("/records/Author/?f.name.eq=1&f.id.gt=1&f.name.contains=1", None),
    ('/records/Author/?where={"name.eq":"1*"}', None),
    ("/records/Author/?after=1", None),
    ("/records/Author/1*", None),
    ("/records/Author/1*/edit", None),
    ("/records/Author/1*/delete", None),
    ("/records/Author/1*/related/books*", None),
    ("/records/Author/1*/history", None),
    ("/records/Book/1*/cells/title*", None),
    ("/records/Author/~/lookup?q=1", None),
    ("/records/Author/~/export?format=csv&f.name.eq=1&sort=name", None),
    ("/search?q=author+1", None),
    ("/audit/?who=1&act=1&before=1", None),
    ("/history/?database=default", None),
    ("/history/1*", None),
    ("/statements/1*", None),
    ("/incidents/1*", None),
    ("/workspaces/{w}*/", None),
    ("/login", "username=ada&password=guess"),
    ("/records/Author/", "values.name=1&values.country=1"),
    ("/records/Author/2*", "values.name=1*&values.country=1*"),
    ("/records/Author/~/bulk", "action=delete&keys=40"),
    ("/records/Author/~/views", "name=1&query=q%3D1"),
    ("/workspaces/{w}/load", "model=Author&key=1"),
    ("/workspaces/{w}/load-many", "model=Author&q=1&f.name.eq=1&limit=3"),
    ("/workspaces/{w}/objects/Book:1*/values", "values.title=1*"),
    ("/accounts/nobody*/role", "role=viewer*"),
)


@pytest.fixture(scope="module")
def server(poolhouse_server):
    settings = {"DASHBOARD_DEMO": "off", "DASHBOARD_HEAVY_REQUESTS": "100000", "DASHBOARD_SIGN_IN_TRIES": "100000"}
    server = poolhouse_server("-w 2", settings=settings)
    server.admin = server.token("admin")
    desk = Desk(server, server.admin)
    desk.do("values", desk.load("Book", "1"), values={"title": "Staged"})
    server.workspace = desk.name
    return server


def test_wapiti_finds_nothing(server, tmp_path):
    """As somebody in a browser, whose forms are only taken with their token. What would sign them out is left alone."""
    server.command("user add ada --role admin --password-stdin", stdin=PASSWORD)
    person, report = Person(server, "ada"), tmp_path / "report.json"
    command = [SCANNERS / "wapiti", "-u", server.url + "/", "--scope", "folder", "-m", MODULES, "-f", "json"]
    command += ["-o", report, "-C", person.cookie, "--flush-session", "--no-bugreport"]
    command += ["--max-scan-time", str(SCAN_SECONDS), "--max-attack-time", str(ATTACK_SECONDS)]
    command += ["--store-session", tmp_path, "--max-links-per-page", "60", "-d", "4"]
    for path in ("logout", "stream", "account/sign-ins/*", "accounts/ada/*", "accounts/sign-ins/*"):
        command += ["-x", f"{server.url}/{path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS, cwd=tmp_path)
    assert report.exists(), done.stdout + done.stderr
    found = json.loads(report.read_text())
    assert {name: each for name, each in found["vulnerabilities"].items() if each} == {}
    assert [each for each in found["anomalies"].get("Internal Server Error", ()) if each] == []
    assert found["infos"]["crawled_pages_nbr"] > 50, found["infos"]
    assert person.get("/accounts/").status == 200  # it was somebody to the end
    assert "Traceback" not in server.output()


@pytest.mark.parametrize("path, form", ASKED)
def test_sqlmap_finds_no_parameter_that_reaches_the_sql(server, path, form, tmp_path):
    url = server.url + path.replace("{w}", server.workspace).replace(" ", "%20")
    command = [SCANNERS / "sqlmap", "-u", url, "--batch", "--level", "2", "--risk", "1", "--technique", "BEUS"]
    command += ["--headers", f"Authorization: Bearer {server.admin}", "--output-dir", tmp_path, "--dbms", "sqlite"]
    command += ["--ignore-code", "400,401,404,409,422,503", "--timeout", "20", "--disable-coloring"]
    command += ["--data", form] if form else []
    done = subprocess.run(command, capture_output=True, text=True, timeout=SCAN_SECONDS)
    assert "[CRITICAL] all tested parameters do not appear to be injectable" in done.stdout, done.stdout[-2_000:]
    assert "is vulnerable" not in done.stdout
    assert "Traceback" not in server.output()
