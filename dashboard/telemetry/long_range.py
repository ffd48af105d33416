"""What did all instances do in the last hours and days? A fixed list of questions, asked of the Prometheus that scrapes
them. Nobody who looks can ask another."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from math import isfinite
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from ..refusal import Refusal

SPANS = {"6h": (6 * 3_600, 60), "24h": (86_400, 300), "7d": (7 * 86_400, 1_800), "30d": (30 * 86_400, 7_200)}
"""By name: seconds told, and seconds from one point to the next."""
SERIES_SHOWN = 8
BYTES = 4_000_000
FRESH_SECONDS = 30.0
"""Many who look are one question."""


@dataclass(frozen=True)
class Question:
    """promql: WINDOW stands for the time of two points. label: what tells its series apart."""

    name: str
    unit: str
    promql: str
    label: str


def _p95(name: str) -> str:
    return f"histogram_quantile(0.95, sum by (pool, le) (rate({name}_bucket[WINDOW])))"


QUESTIONS = (
    Question("In use, by pool", "", 'sum by (pool) (max_over_time(sqlalchemy_pool_connections{state="used"}[WINDOW]))',
             "pool"),
    Question("In use, by instance", "",
             'sum by (instance) (max_over_time(sqlalchemy_pool_connections{state="used"}[WINDOW]))', "instance"),
    Question("Waiting", "", "sum by (pool) (max_over_time(sqlalchemy_pool_waiters[WINDOW]))", "pool"),
    Question("Checkouts", "a second", "sum by (pool) (rate(sqlalchemy_pool_checkouts_total[WINDOW]))", "pool"),
    Question("p95 wait", "seconds", _p95("sqlalchemy_pool_wait_seconds"), "pool"),
    Question("p95 hold", "seconds", _p95("sqlalchemy_connection_hold_seconds"), "pool"),
    Question("Transactions", "a second", "sum by (outcome) (rate(sqlalchemy_transactions_total[WINDOW]))", "outcome"),
    Question("p95 statement", "seconds", _p95("sqlalchemy_statement_seconds"), "pool"),
    Question("Errors", "a second", "sum by (pool) (rate(sqlalchemy_connection_errors_total[WINDOW]))", "pool"),
    Question("Findings", "", "sum by (finding) (max_over_time(poolhouse_findings[WINDOW])) > 0", "finding"),
)  # fmt: skip


@dataclass(frozen=True)
class Series:
    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class LongRange:
    """begins: seconds since 1970 of the first of all values, which are `step` seconds apart."""

    question: Question
    span: str
    begins: float
    step: int
    series: tuple[Series, ...]


class _Elsewhere(urllib.request.HTTPRedirectHandler):
    """Who is led to another server does not tell that one the name and password."""

    def redirect_request(self, req: Any, *answer: Any) -> urllib.request.Request | None:
        led = super().redirect_request(req, *answer)
        if led is not None and led.host != req.host:
            led.remove_header("Authorization")
        return led


class Prometheus:
    """url: of the server, with a name and password in it where it wants them. seconds: for all questions together."""

    def __init__(self, url: str, seconds: float) -> None:
        parts = urlsplit(url)
        self._url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
        self._headers = {}
        if parts.username is not None:
            secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = "Basic " + b64encode(secret.encode()).decode()
        self._seconds = seconds
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Elsewhere)
        self._known: dict[str, tuple[float, tuple[LongRange, ...]]] = {}
        self._lock = threading.Lock()

    def told(self, span: str) -> tuple[LongRange, ...]:
        """Raises Refusal: "not_understood" for a span that there is not, "unavailable" where Prometheus is."""
        if span not in SPANS:
            raise Refusal("not_understood", "There is no such span.", remedy=f"Ask for {', '.join(SPANS)}.")
        with self._lock:
            at, known = self._known.get(span, (0.0, ()))
            if not known or not 0 <= time.monotonic() - at < FRESH_SECONDS:
                known = self._asked(span)
                self._known[span] = (time.monotonic(), known)
            return known

    def _asked(self, span: str) -> tuple[LongRange, ...]:
        told, step = SPANS[span]
        end = time.time()
        until = time.monotonic() + self._seconds
        return tuple(self._answer(question, span, end - told, end, step, until) for question in QUESTIONS)

    def _answer(self, question: Question, span: str, begin: float, end: float, step: int, until: float) -> LongRange:
        promql = question.promql.replace("WINDOW", f"{max(2 * step, 120)}s")
        asked = {"query": promql, "start": begin, "end": end, "step": step}
        found = self._json("/api/v1/query_range?" + urlencode(asked), max(0.1, until - time.monotonic()))
        number = round((end - begin) / step) + 1
        series = [_series(one, question.label, begin, step, number) for one in found]
        highest = sorted(series, key=lambda one: -max((value or 0.0 for value in one.values), default=0.0))
        return LongRange(question, span, begin, step, tuple(highest[:SERIES_SHOWN]))

    def _json(self, path: str, seconds: float) -> list[Any]:
        try:
            asked = urllib.request.Request(self._url + path, headers=self._headers)
            with self._opener.open(asked, timeout=seconds) as answer:
                text = answer.read(BYTES + 1)
            if len(text) > BYTES:
                raise ValueError("the answer is too long")
            return list(json.loads(text)["data"]["result"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Refusal(
                "unavailable",
                f"Prometheus did not answer as it should ({type(error).__name__}).",
                remedy="See whether it runs at PROMETHEUS_URL; what Poolhouse itself knows goes on.",
            ) from error


def _series(found: Any, label: str, begin: float, step: int, number: int) -> Series:
    values: list[float | None] = [None] * number
    for at, text in found["values"]:
        place, value = round((float(at) - begin) / step), float(text)
        if 0 <= place < number and isfinite(value):
            values[place] = value
    return Series(str(found["metric"].get(label, "all")), tuple(values))
