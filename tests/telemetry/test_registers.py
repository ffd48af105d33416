"""Do all processes tell the same label values apart, within one budget, without any series ever vanishing?"""

from __future__ import annotations

import itertools

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from dashboard.config import Config
from dashboard.telemetry import merging, own_acts, registers, scope, watch, watching
from dashboard.telemetry.exposition import observed
from dashboard.telemetry.ledger import Ledger
from dashboard.telemetry.metrics import METRICS, named, render
from dashboard.telemetry.registers import CLOSED, COSTS, admit, folded, left
from dashboard.telemetry.rows import Row, dump
from dashboard.telemetry.snapshot import own
from dashboard.telemetry.tables import OTHER, Names

from .full import fill, fill_own
from .waiting import until


def word(pools=("shop",), endpoints=(), errors=(), registries=(), engines=(), paths=()):
    """What a process would say that has met these."""
    numbers = {f"endpoint|{name}": [1, 0.5, 0, 0] for name in endpoints}
    numbers |= {f"endpoint statements|{name}": [2, 0.25] for name in endpoints}
    numbers |= {f"statement errors|{name}": 3 for name in errors}
    held = dict.fromkeys(endpoints, 1)
    return {
        "pools": {pool: {"numbers": dict(numbers), "endpoints": dict(held)} for pool in pools},
        "registries": {name: {"numbers": {"flushed|new": 1}, "idle": 1} for name in registries},
        "own": {"poolhouse": {"numbers": {f"loads|lazy|{path}": 1 for path in paths}}},
        "engines": dict.fromkeys(engines, 1),
        "live_sessions": [],
        "faults": {},
    }


def names(stem, count, first=0):
    return [f"{stem}{number}" for number in range(first, first + count)]


def through(words):
    """The words as they stand in one ledger, one process after the other."""
    agreed = {}
    said = []
    for each in words:
        admit(agreed, each)
        said.append(folded(each, agreed))
    return said, agreed


@pytest.mark.parametrize(
    "kind, most, what",
    [("endpoint|shop", 20, "endpoints"), ("error|shop", 30, "errors"), ("path", 50, "paths")],
)
def test_a_register_takes_the_first_come_of_all_workers_and_the_rest_is_other(kind, most, what):
    words = [word(**{what: names("e", 15, 10 * worker)}) for worker in range(8)]
    said, agreed = through(words)
    assert agreed[kind] - {CLOSED} == set(names("e", most))
    sums = {}
    for each in said:
        sums = merging.plus(sums, each) if sums else merging.counted(each)
    numbers = {**sums["pools"]["shop"]["numbers"], **sums["own"]["poolhouse"]["numbers"]}
    told = {name.rpartition("|")[2] for name in numbers}
    assert told <= {*names("e", most), OTHER}
    counts = sum(value if isinstance(value, int) else value[0] for value in numbers.values())
    assert counts == 8 * 15 * {"endpoints": 3, "errors": 3, "paths": 1}[what]


def test_connections_held_by_endpoints_without_a_place_are_those_of_other():
    said, _ = through([word(endpoints=names("e", 25))])
    held = said[0]["pools"]["shop"]["endpoints"]
    assert (held[OTHER], len(held)) == (5, 21)


def test_a_register_that_refused_a_value_is_closed_even_when_the_budget_grows():
    agreed = {}
    filled = word(registries=names("registry", 40))
    admit(agreed, filled)
    refused = registers.refused(agreed, filled)
    assert refused
    admit(agreed, word(pools=names("pool", 30), registries=names("registry", 40)))
    assert registers.refused(agreed, filled) == refused
    assert left(agreed) > COSTS["registry"]


def test_none_and_other_need_no_place():
    agreed = {}
    admit(agreed, word(endpoints=["__none__", OTHER]))
    assert {register for register, values in agreed.items() if values} == {"pool"}
    held = folded(word(endpoints=["__none__", OTHER, "late"]), {**agreed, "endpoint|shop": {CLOSED}})
    assert held["pools"]["shop"]["endpoints"] == {"__none__": 1, OTHER: 2}


def test_engines_without_a_place_are_told_by_the_one_with_the_most():
    agreed = {"database": set(names("d", 20))}
    each = {**word(), "engines": {"d0": 1, "x": 1, "y": 3}}
    admit(agreed, each)
    assert folded(each, agreed)["engines"] == {"d0": 1, OTHER: 3}


def test_registries_without_a_place_add_up_under_other():
    agreed = {"registry": {"a", CLOSED}}
    registries = folded(word(registries=["a", "b", "c"]), agreed)["registries"]
    assert registries == {
        "a": {"numbers": {"flushed|new": 1}, "idle": 1},
        OTHER: {"numbers": {"flushed|new": 2}, "idle": 2},
    }


def test_a_process_tells_apart_what_others_have_met_before_it():
    mine = Names(2)
    assert [mine.admits(name) for name in ("a", "b", "c", "__none__")] == [True, True, False, True]
    mine.agreed = {"c"}
    assert mine.admits("c")


def test_a_refused_name_counts_as_dropped_once():
    before = own_acts.numbers().get("dropped|series", 0)
    mine = Names(1)
    for name in ("a", "b", "b", "c"):
        mine.admits(name)
    assert own_acts.numbers()["dropped|series"] == before + 2


def lines_of(said, names_="native"):
    config = Config()
    rows = [Row(("h", "b", number, 1, 0), number, 0.0, 0.0, dump(each)) for number, each in enumerate(said, start=1)]
    body, _ = render("", merging.merge(rows, (), config, 0.0), names_)
    return body.decode().splitlines()


@pytest.fixture
def full_word(make_engine):
    """What a process says whose pools and registers are full, and who has no more pools than these."""

    def make(pools, first=0, registries=1):
        for pool in pools:
            if pool not in {each.name for each in watching.active}:
                watch(make_engine(), name=pool)
            fill(pool, first)
        fill_own()
        said = own(Config())
        said["pools"] = {pool: said["pools"][pool] for pool in pools}
        everything = {"numbers": {}, "idle": 0, "in_transaction": 0, "needs_rollback": 0, "identity_map_objects": 0}
        said["registries"] = {f"registry{number}": everything for number in range(registries)}
        said["engines"] = {f"{number:012x}": 1 for number in range(40)}
        numbers = said["own"]["poolhouse"]["numbers"]
        for kind, path in itertools.product(("loads|lazy", "loads|eager", "n_plus_one"), names("Author.books_", 60)):
            numbers[f"{kind}|{path}"] = 1
        return said

    return make


@pytest.mark.parametrize("pools", [1, 2, 5, 12])
@pytest.mark.parametrize("registries", [1, 30])
def test_with_every_register_full_in_eight_workers_the_exposition_stays_within_the_budget(full_word, pools, registries):
    labels = [f"pool{number}" for number in range(pools)]
    words = [full_word(labels, first=7 * worker, registries=registries) for worker in range(8)]
    said, agreed = through(words)
    lines = lines_of(said)
    series = [line for line in lines if not line.startswith("#")]
    assert len(series) <= 1_000 + 500 * (pools - 1)
    assert f"poolhouse_series {len(series)}.0" in lines
    assert any(OTHER in line for line in series)
    assert registries > 1 or len(agreed["endpoint|pool0"]) > 10


def test_what_each_value_may_cost_is_what_it_costs(full_word):
    """The budget is reckoned before anything is written: so its prices must cover the truth."""

    def count(said, names_="native"):
        (row,) = [Row(("h", "b", 1, 1, 0), 1, 0.0, 0.0, dump(said))]
        reading = merging.merge([row], (), Config(), 0.0)
        return sum(len(found) * metric.lines for metric, found in observed(named(names_), reading))

    def only(said, name):
        agreed = {"pool": {"p", "q"}, "registry": {"r"}} | {f"{kind}|p": {CLOSED} for kind in ("endpoint", "error")}
        return folded({**said, "pools": {n: p for n, p in said["pools"].items() if n in name}}, agreed)

    said = full_word(["p", "q"])
    one, two = only(said, "p"), only(said, "pq")
    assert count(two) - count(one) <= COSTS["pool"]
    assert count(two, "both") - count(two) <= 2 * registers.OTEL_COST
    assert count(one) - COSTS["pool"] - COSTS["registry"] <= COSTS["fixed"]
    more = {**one, "registries": {**one["registries"], "s": one["registries"][OTHER]}}
    assert count(more) - count(one) <= COSTS["registry"]


def test_real_processes_agree_on_twenty_endpoints_and_none_of_them_ever_falls(start, ledger):
    programs = start(3)
    for number in range(12):
        for worker, program in enumerate(programs):
            program.ask(f"as endpoint-{worker}-{number}")
    until(lambda: sum(endpoints(ledger).values()) == 3 * 12)
    before = endpoints(ledger)
    assert len(before) == 21
    assert OTHER in before
    programs[0].kill()
    ledger.read()
    (ledger.folder / "ledger.db").unlink()
    for program in programs[1:]:
        program.ask("as endpoint-new")
    until(lambda: endpoints(ledger).get(OTHER, 0) >= before[OTHER] + 2)
    after = endpoints(ledger)
    assert set(after) == set(before)
    assert all(after[name] >= before[name] for name in before)
    assert sum(after.values()) == 3 * 12 + 2


def endpoints(ledger: Ledger) -> dict[str, float]:
    """Statements by endpoint, as Prometheus gets them."""
    body, _ = render("", ledger.read())
    (family,) = [f for f in parse(body.decode()) if f.name == "sqlalchemy_endpoint_statements"]
    return {sample.labels["endpoint"]: sample.value for sample in family.samples}


def test_a_process_whose_ledger_is_away_keeps_the_series_that_it_had(engine, name, tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    ledger.join()
    for number in range(25):
        with scope(f"endpoint-{number}"):
            engine.connect().close()
    there = held(ledger, name)
    assert len(there) == 21
    for file in ledger.folder.iterdir():
        file.unlink()
    ledger.folder.rmdir()
    ledger.folder.write_text("a file where the folder should be")
    reading = ledger.read()
    assert reading.problem is not None
    assert held(ledger, name) == there
    ledger.leave()
    ledger._member.rows.close()


def held(ledger: Ledger, pool: str) -> set[str]:
    return {n.removeprefix("endpoint|") for n in ledger.read().pool(pool).numbers if n.startswith("endpoint|")}


def test_the_catalogue_has_its_count_of_series_last():
    assert METRICS[-1].name == "poolhouse_series"
    assert all(named(which)[-1].name == "poolhouse_series" for which in ("native", "otel", "both"))
