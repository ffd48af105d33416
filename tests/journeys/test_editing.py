"""A person creates, edits, settles and deletes a record by clicking, with JavaScript and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_life_of_a_user import sign_in, window

__all__ = ["window"]


@pytest.fixture(scope="module")
def server(poolhouse_server):
    return poolhouse_server()


def field(page: Page, name: str):
    return page.locator(f"[data-field='{name}']")


def test_a_book_is_made_edited_and_deleted(server, window, request):
    scripted = "without" not in request.node.name
    sign_in(window, server)
    base = window.url.rstrip("/")
    window.goto(f"{base}/records/Book/~/new")
    title = f"Made by hand {'with' if scripted else 'without'}"
    field(window, "title").locator("input[type=text]").fill(title)
    search = field(window, "author_id").locator("input[type=search]")
    search.fill("2")
    if not scripted:
        field(window, "author_id").get_by_role("button", name="Find").click()
    option = field(window, "author_id").locator("select option[value='2']")
    expect(option).to_be_attached()
    expect(field(window, "title").locator("input[type=text]")).to_have_value(title)
    field(window, "author_id").locator("select").select_option("2")
    if scripted:
        search.fill("")
    window.locator("[data-action='save']").click()
    expect(window.get_by_role("heading", name=title)).to_be_visible()
    window.get_by_role("link", name="Edit", exact=True).click()
    field(window, "price").locator("input[type=text]").fill("dear")
    window.locator("[data-action='save']").click()
    expect(field(window, "price").locator(".problem")).to_be_visible()
    expect(field(window, "price").locator("input[type=text]")).to_have_value("dear")
    field(window, "price").locator("input[type=text]").fill("12.50")
    window.locator("[data-action='save']").click()
    expect(window.locator("[data-column='price']")).to_have_text("12.50")
    window.get_by_role("link", name="Delete", exact=True).click()
    window.locator("[data-action='delete']").click()
    expect(window).to_have_url(re.compile(r"/records/Book/$"))


def test_two_people_meet_in_one_record(server, browser):
    with browser.new_context() as mine, browser.new_context() as theirs:
        pages = [context.new_page() for context in (mine, theirs)]
        for page in pages:
            sign_in(page, server)
            page.goto(f"{page.url.rstrip('/')}/records/Book/1/edit")
        for page, title in zip(pages, ("Theirs, first", "Mine, late"), strict=True):
            field(page, "title").locator("input[type=text]").fill(title)
            page.locator("[data-action='save']").click()
        late = pages[1]
        expect(late.locator("[data-conflict='title']")).to_contain_text("Theirs, first")
        late.get_by_label("Mine, as it stands above").check()
        late.locator("[data-action='save']").click()
        expect(late.get_by_role("heading", name="Mine, late")).to_be_visible()


def test_what_points_to_a_record_is_paged_beside_it(server, window, request):
    """Author 1 has some thirty books: the first stand on the page, More shows the rest in their place."""
    sign_in(window, server)
    base = window.url.rstrip("/")
    window.goto(f"{base}/records/Author/1")
    books = window.locator("#related-books tbody tr")
    expect(books).to_have_count(5)
    window.locator("#related-books").get_by_role("link", name="More").click()
    expect(books).not_to_have_count(5)
    if "without" in request.node.name:
        expect(window).to_have_url(f"{base}/records/Author/1/related/books")
    else:
        expect(window).to_have_url(f"{base}/records/Author/1")
    window.goto(f"{base}/records/Author/1/edit")
    if "without" in request.node.name:
        window.locator("#related-books").get_by_role("link", name="books").click()
    expect(books.first).to_be_visible()
