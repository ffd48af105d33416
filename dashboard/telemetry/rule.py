"""What is a rule made of? Its words, its PromQL, and a function that finds it in what is known now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from ..config import Config
from .reading import Holder, PoolReading, Reading
from .recent import Increase

LEVELS = ("healthy", "notice", "warning", "critical")
WORKSPACES = "workspaces"
"""The pool whose open transactions have an owner and a countdown."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong now. numbers: what the rule compared; line, endpoint, worker: who does it, where that is
    known. since: ISO 8601. rule: the PromQL of its alert. remedy: what to do."""

    finding: str
    level: str
    sentence: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    line: str | None = None
    worker: int | None = None
    since: str | None = None
    remedy: str = ""
    endpoint: str | None = None
    pool: str | None = None
    rule: str = ""

    @property
    def key(self) -> str:
        """By which it is known again in the next reading: its name, and what it is about."""
        return f"{self.finding}|{self.pool or ''}"


@dataclass(frozen=True)
class Found:
    """What a rule has found. about: the pool, path or registry that tells it from others of its rule. remedy: in place
    of the rule's."""

    sentence: str
    numbers: Mapping[str, float]
    line: str | None = None
    endpoint: str | None = None
    worker: int | None = None
    about: str | None = None
    remedy: str = ""


@dataclass(frozen=True)
class Case:
    """What the rules judge."""

    reading: Reading
    config: Config
    grown: Increase

    def pools(self, *, of_workspaces: bool = True) -> tuple[PoolReading, ...]:
        """Those that some process has now."""
        return tuple(p for p in self.reading.pools if p.class_ and (of_workspaces or p.name != WORKSPACES))


@dataclass(frozen=True)
class Rule:
    """judge: what it finds now. promql: of its alert, by the settings; summary: of its alert, a Prometheus template.

    rank: cause before consequence, the smaller first. cause: whether it can be why a pool is exhausted, and consequence
    whether it says that one is.
    """

    finding: str
    level: str
    promql: Callable[[Config], str]
    judge: Callable[[Case], Iterable[Found]]
    summary: str
    remedy: str
    cause: bool = False
    consequence: bool = False

    def findings(self, case: Case) -> list[Finding]:
        return [self._finding(found, case) for found in self.judge(case)]

    def _finding(self, found: Found, case: Case) -> Finding:
        finding = Finding(
            finding=self.finding,
            level=self.level,
            sentence=found.sentence,
            numbers={name: round(number, 3) for name, number in found.numbers.items()},
            line=found.line,
            worker=found.worker,
            remedy=found.remedy or self.remedy,
            endpoint=found.endpoint,
            pool=found.about,
            rule=self.promql(case.config),
        )
        return replace(finding, since=case.reading.since_of(finding.key))


def who(line: str | None, endpoint: str | None, worker: int | None = None) -> str:
    """`line` in `endpoint`, of worker N; as far as it is known.

    >>> who("shop.py:41 report", "shop.report", 3)
    'shop.py:41 report (endpoint shop.report, worker 3)'
    """
    more = [f"endpoint {endpoint}"] if endpoint else []
    more += [f"worker {worker}"] if worker is not None else []
    return f"{line or 'a line that is not known'} ({', '.join(more)})" if more else line or "a line that is not known"


Place = tuple[str | None, str | None, int | None]
"""Line, endpoint, worker."""


class Placed(Protocol):
    @property
    def line(self) -> str | None: ...
    @property
    def endpoint(self) -> str | None: ...
    @property
    def worker(self) -> int | None: ...


def place(known: Placed | None) -> Place:
    """Of a holder, an event, a leak, an error or a Session; of nothing, nothing."""
    return (None, None, None) if known is None else (known.line, known.endpoint, known.worker)


def whose(holder: Holder) -> str:
    return who(holder.line, holder.endpoint, holder.worker)


def number_of(count: float, one: str, many: str) -> str:
    """
    >>> number_of(1, "request waits", "requests wait")
    '1 request waits'
    """
    return f"{count:g} {one if count == 1 else many}"


def lasting(seconds: float) -> str:
    """
    >>> lasting(0.0451), lasting(5.06), lasting(724), lasting(10_800)
    ('45 ms', '5.1 s', '12 min', '3.0 h')
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"
