"""Do keys of any text survive a browser: its links, its forms, its address line?"""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from dashboard.records.keys import encode
from tests.journeys.hands import press
from tests.journeys.test_life_of_a_user import sign_in
from tests.journeys.ways import WAYS
from tests.pages import gallery

CLICKED = {name: way for name, way in WAYS.items() if not way.by_keys}
WORDS = ["a,b", "a", "a/b", "50%", "%2F", "~", "..", "'\"", "a\nb", "🙂", "", " ", "export", "?q=1#top"]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    engine = sa.create_engine(f"sqlite:///{tmp_path_factory.mktemp('keys') / 'words.db'}")
    gallery.Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def server(database, poolhouse_server):
    settings = {"DATABASE_URL": database.url.render_as_string(), "DASHBOARD_MODELS": "tests.pages.gallery"}
    return poolhouse_server("-w 1", settings=settings)


def words(database):
    with database.connect() as connection:
        return sorted(connection.scalars(sa.select(gallery.Word.word)))


@pytest.mark.parametrize("way", CLICKED.values(), ids=list(CLICKED))
def test_each_record_is_reached_and_deleted_alone_by_clicking(server, window, database):
    with database.begin() as connection:
        connection.execute(sa.delete(gallery.Word))
        connection.execute(sa.insert(gallery.Word), [{"word": word, "meaning": "m"} for word in WORDS])
    sign_in(window, server)
    base = window.url.rstrip("/")
    window.goto(f"{base}/records/Word/")
    left = sorted(WORDS)
    for word in WORDS:
        key = encode([word])
        press(window.locator(f"tr[data-key='{key}'] th a"))
        expect(window).to_have_url(f"{base}/records/Word/{key}")
        shown = window.locator("[data-column='word']").first
        expect(shown).to_have_text("empty text" if not word else " ".join(word.split()))
        press(window.get_by_role("link", name="Delete", exact=True))
        press(window.locator("[data-action='delete']"))
        expect(window).to_have_url(f"{base}/records/Word/")
        left.remove(word)
        assert words(database) == left
