"""Does the page of components draw every part, and is the theme that a person chose on every page?"""

from __future__ import annotations

from dashboard.workspaces.states import BADGES


def test_every_badge_stands_on_the_page_of_components_with_its_shape_and_its_word(browser_client):
    page = browser_client.get("/about/components").text
    for word in BADGES:
        assert f'<span class="badge {word}" data-badge-word="{word}"><svg' in page


def test_a_theme_that_was_chosen_is_on_every_page_from_the_first_byte(browser_client):
    assert "data-theme" not in browser_client.get("/").text
    answer = browser_client.post("/about/theme", theme="dark", back="/pools/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/pools/")
    assert '<html lang="en" data-theme="dark">' in browser_client.get("/").text
    browser_client.post("/about/theme", theme="system", back="/")
    assert "data-theme" not in browser_client.get("/").text


def test_a_theme_that_there_is_not_changes_nothing(browser_client):
    answer = browser_client.post("/about/theme", theme="sepia", back="/")
    assert answer.status_code == 422
    assert "data-theme" not in browser_client.get("/").text


def test_nobody_is_sent_to_another_site_by_the_switch_of_themes(browser_client):
    answer = browser_client.post("/about/theme", theme="dark", back="https://elsewhere.example/")
    assert answer.headers["Location"] == "/"
