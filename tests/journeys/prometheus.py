"""What does a real Prometheus make of our /metrics? A server that scrapes each second and answers PromQL."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.journeys.processes import Program
from tests.journeys.waiting import free_port, until

CONFIGURATION = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
scrape_configs:
  - job_name: poolhouse
    metrics_path: {path}
    static_configs: [{{targets: ["{target}"]}}]
"""


class Prometheus(Program):
    """A Prometheus server that scrapes one target. A context manager, as every Program.

    target: "127.0.0.1:PORT". token: sent as a bearer token. rules: the text of a rules file.
    """

    def __init__(
        self, program: Path, folder: Path, target: str, *, path: str = "/metrics", token: str = "", rules: str = ""
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        configuration = CONFIGURATION.format(path=path, target=target)
        if rules:
            (folder / "alerts.yml").write_text(rules)
            configuration = f'rule_files: ["{folder / "alerts.yml"}"]\n{configuration}'
        if token:
            configuration += f"    authorization: {{credentials: {json.dumps(token)}}}\n"
        (folder / "prometheus.yml").write_text(configuration)
        self.url = f"http://127.0.0.1:{free_port()}"
        command = [
            str(program),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
        ]
        super().__init__(command, log=folder / "prometheus.log", env={}, folder=folder)
        until(self._answers_or_ended, seconds=30, what=f"{self.url}/-/ready")
        assert not self.ended(), f"Prometheus ended at once:\n{self.output()}"

    def _answers_or_ended(self) -> bool:
        if self.ended():
            return True
        try:
            return self._get("/-/ready")[0] == 200
        except OSError:
            return False

    def _get(self, path: str) -> tuple[int, bytes]:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return answer.status, answer.read()

    def query(self, promql: str) -> list[tuple[dict[str, str], float]]:
        """The instant vector that `promql` gives now: (labels, value) for each series."""
        _, body = self._get("/api/v1/query?" + urllib.parse.urlencode({"query": promql}))
        return [(row["metric"], float(row["value"][1])) for row in json.loads(body)["data"]["result"]]

    def value(self, promql: str) -> float | None:
        """The one number that `promql` gives now; None where it gives no series."""
        rows = self.query(promql)
        assert len(rows) <= 1, f"{promql} gives {len(rows)} series"
        return rows[0][1] if rows else None

    def value_once(self, promql: str, holds: Callable[[float], bool], *, seconds: float = 30.0) -> float:
        """The number that `promql` gives, as soon as `holds` says yes to it."""

        def look() -> list[float]:
            value = self.value(promql)
            return [value] if value is not None and holds(value) else []

        return float(until(look, seconds=seconds, what=f"the awaited value of {promql}")[0])

    def __enter__(self) -> Prometheus:
        return self
