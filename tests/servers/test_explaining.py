"""Is a statement of which only the text is known planned by the real servers, and never executed?"""

import pytest
import sqlalchemy as sa

from dashboard.refusal import Refusal
from dashboard.servers.explaining import explain, question
from dashboard.telemetry.tables import fingerprint_of

METADATA = sa.MetaData()
BOOK = sa.Table("book", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("title", sa.String(40)))


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def engine(request, new_database):
    engine = sa.create_engine(new_database(request.param))
    METADATA.create_all(engine)
    yield engine
    engine.dispose()


def sent(engine, query):
    """The statement as a program's driver gets it, without its values."""
    return fingerprint_of(str(query.compile(engine, compile_kwargs={"render_postcompile": True})))


def test_each_server_tells_its_plan_and_the_table_it_reads(engine):
    few = sa.select(BOOK.c.title).where(BOOK.c.id == 3, BOOK.c.title.like("E%")).limit(5)
    assert explain(engine, sent(engine, few), 5.0)
    many = sa.select(BOOK.c.id).where(BOOK.c.title.in_(["a", "b"])).order_by(BOOK.c.title)
    assert any("book" in line.lower() for line in explain(engine, sent(engine, many), 5.0))
    assert explain(engine, fingerprint_of("SELECT title FROM book WHERE id = 41"), 5.0)


@pytest.mark.parametrize(
    "statement", ["DELETE FROM book", "SELECT #; DELETE FROM book", "WITH a AS (DELETE FROM book) SELECT #", ""]
)
def test_what_could_write_is_not_asked(statement):
    for kind in ("sqlite", "postgresql", "mysql"):
        with pytest.raises(Refusal) as refused:
            question(kind, statement)
        assert refused.value.code == "wrong_state"


def test_what_is_not_planned_says_so_without_the_drivers_words(engine):
    with pytest.raises(Refusal) as refused:
        explain(engine, "SELECT secret FROM nowhere WHERE a = #", 5.0)
    assert "nowhere" not in refused.value.message
