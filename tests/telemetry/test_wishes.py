"""Is a connection of any process replaced when it is next taken, and no sooner?"""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.config import Config
from dashboard.telemetry import wishes
from dashboard.telemetry.ledger import Ledger

from .waiting import until


def opened(pool):
    return {one.number: one.state for one in pool().connections}


def test_whoever_has_it_keeps_it_and_the_next_one_gets_a_new_one(engine, pool, name):
    with engine.connect() as connection:
        assert wishes.grant(wishes.Wish(1, name, None, None)) == 1
        connection.exec_driver_sql("select 1")
        assert opened(pool) == {1: "used"}
    assert opened(pool) == {1: "idle"}
    with engine.connect():
        assert opened(pool) == {1: "closed", 2: "used"}


def test_one_of_two_is_replaced_by_its_number(engine, pool, name):
    with engine.connect(), engine.connect():
        pass
    assert wishes.grant(wishes.Wish(1, name, None, 2)) == 1
    with engine.connect(), engine.connect():
        assert opened(pool) == {1: "used", 2: "closed", 3: "used"}


def test_another_pool_and_a_number_that_nobody_has_are_left_alone(engine, name):
    engine.connect().close()
    assert wishes.grant(wishes.Wish(1, f"{name}-other", None, None)) == 0
    assert wishes.grant(wishes.Wish(1, name, None, 99)) == 0


def test_a_listener_of_the_program_that_fails_stops_nothing(engine, name):
    def fails(*_):
        raise RuntimeError("the program's own")

    sa.event.listen(engine, "soft_invalidate", fails)
    engine.connect().close()
    assert wishes.grant(wishes.Wish(1, name, None, None)) == 0
    sa.event.remove(engine, "soft_invalidate", fails)
    engine.connect().close()


def test_every_process_hears_it_and_says_what_it_did(start, tmp_path):
    programs = start(2)
    ledger = Ledger(tmp_path / "ledger", Config())
    programs[0].ask("hold")
    programs[1].ask("work 1")
    until(lambda: sum(len(pool.connections) for pool in ledger.read().pools) == 2)
    number = wishes.wish(ledger, "shop")
    assert until(lambda: len(done := wishes.answers(ledger, number)) == 2 and list(done.values())) == [1, 1]
    first, second = (worker_of(ledger, program) for program in programs)
    one = wishes.wish(ledger, "shop", worker=second, connection=1)
    (process,) = until(lambda: wishes.answers(ledger, one))
    assert str(programs[1].pid) in process
    programs[0].ask("give")
    programs[0].ask("work 1")
    until(lambda: sorted(states(ledger, first)) == ["closed", "idle"])


def worker_of(ledger, program):
    return next(one.worker for one in ledger.read().workers if one.pid == program.pid)


def states(ledger, worker):
    return [one.state for one in ledger.read().pool("shop").connections if one.worker == worker]


def test_who_comes_after_a_wish_does_not_hear_it(start, tmp_path):
    ledger = Ledger(tmp_path / "ledger", Config())
    number = wishes.wish(ledger, "shop")
    (program,) = start()
    program.ask("hold")
    until(lambda: ledger.read().pool("shop").counts.used)
    assert wishes.answers(ledger, number) == {}
