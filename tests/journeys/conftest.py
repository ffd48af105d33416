"""Which windows does a journey get by naming them?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.ways import WAYS, Way, opened


@pytest.fixture(params=WAYS.values(), ids=list(WAYS))
def way(request: pytest.FixtureRequest) -> Way:
    """The way in which this journey is walked; `make test` takes one of them by turns."""
    return request.param


@pytest.fixture
def window(way: Way, browser: Browser) -> Iterator[Page]:
    with opened(browser, by_keys=way.by_keys, **way.options) as page:
        yield page
