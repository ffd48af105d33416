"""Are the real parts that the other tests rely on really there, and real?"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import sqlalchemy as sa

EXPOSITION = b"# HELP visits_total Visits.\n# TYPE visits_total counter\nvisits_total 7\n"


class Exporter(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(EXPOSITION)

    def log_message(self, *_):
        pass


@pytest.fixture
def exporter() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Exporter) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_prometheus_scrapes_a_target_and_answers_promql(prometheus, exporter):
    server = prometheus(exporter)
    assert server.value_once("visits_total", lambda value: value == 7) == 7
    assert server.value_once("up", lambda value: value == 1) == 1
    assert server.value("nothing_of_that_name") is None


def test_promtool_tells_a_good_exposition_from_a_bad_one(promtool):
    command = [str(promtool), "check", "metrics"]
    assert subprocess.run(command, input=EXPOSITION, capture_output=True).stderr == b""
    without_help = EXPOSITION.partition(b"\n")[2]
    assert b"no help text" in subprocess.run(command, input=without_help, capture_output=True).stderr


def test_chromium_runs_scripts_and_can_be_told_not_to(page, page_without_javascript, screenshot):
    for window, shown in ((page, "with"), (page_without_javascript, "without")):
        window.set_content("<p>without</p><script>document.querySelector('p').textContent = 'with'</script>")
        assert window.inner_text("p") == shown
    assert screenshot(page, "real-parts").stat().st_size > 1000


@pytest.mark.parametrize("kind, told", [("sqlite", ""), ("postgresql", "PostgreSQL"), ("mariadb", "MariaDB")])
def test_each_asker_gets_an_empty_database_of_its_own(new_database, kind, told):
    engines = [sa.create_engine(new_database(kind), poolclass=sa.NullPool) for _ in range(2)]
    with engines[0].begin() as connection:
        connection.exec_driver_sql("CREATE TABLE only_here (id integer)")
    assert [sa.inspect(engine).get_table_names() for engine in engines] == [["only_here"], []]
    with engines[1].connect() as connection:
        version = "''" if kind == "sqlite" else "version()"
        assert told in connection.exec_driver_sql(f"SELECT {version}").scalar_one()
