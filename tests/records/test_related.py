"""Is a record shown also where what points to it takes too long to find?"""

from __future__ import annotations

import pytest
import sqlalchemy as sa
import sqlalchemy.orm as sa_orm

from dashboard.config import Config
from dashboard.records.record import record
from dashboard.workspaces.sight import Sight
from tests.records.library import SECRET, Base, Item, Library, Shelf

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT 1 FROM pg_sleep(60)",
    "mariadb": "SELECT BENCHMARK(1000000000000, MD5(part))",
}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_a_record_is_shown_though_what_points_to_it_takes_too_long(kind, request, tmp_path):
    url = f"sqlite:///{tmp_path / 'items.db'}" if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")
    library = Library(sa.create_engine(url))
    Base.metadata.create_all(library.engine)
    library.add(Shelf, {"id": 1, "name": "low"})
    library.add(Item, {"part": 1, "co,de": "x", "shelf_id": 1})
    slow = Sight(rows=lambda model: sa.text(f"({ENDLESS[kind]}) > 0") if model.class_ is Item else None)
    with sa_orm.Session(library.engine) as session:
        shelf, config = library.models.find("Shelf"), Config(records_seconds=0.2)
        shown = record(session, shelf, library.models, slow, "1", config, SECRET)
        (items,) = shown.related
        assert (shown.row.label, items.name, items.count, items.rows) == ("low", "items", None, ())
        (items,) = record(session, shelf, library.models, Sight(), "1", config, SECRET).related
        assert (items.count.value, [row.key for row in items.rows], items.more) == (1, ["1,x"], False)
    library.engine.dispose()
