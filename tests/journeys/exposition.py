"""What does an exposition say? Its samples, each by its name and labels."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.journeys.server import Server

Sample = tuple[str, frozenset[tuple[str, str]]]


def samples(text: str) -> dict[Sample, float]:
    """Every sample of a text exposition."""
    families = text_string_to_metric_families(text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def scraped(server: Server, token: str = "") -> dict[Sample, float]:
    return samples(server.request("GET", "/metrics", token=token, headers={"Accept": "text/plain"}).text)


def summed(found: dict[Sample, float], name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels."""
    wanted = set(labels.items())
    return sum(value for (each, has), value in found.items() if each == name and wanted <= has)


def counters(found: dict[Sample, float]) -> dict[Sample, float]:
    """Those that may only rise: counters, and what histograms are made of."""
    return {key: value for key, value in found.items() if key[0].endswith(("_total", "_bucket", "_count", "_sum"))}
