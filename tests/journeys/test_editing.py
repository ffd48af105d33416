"""A person creates, edits, settles and deletes a record: with JavaScript and without, by mouse and by keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.hands import choose, press, write
from tests.journeys.test_life_of_a_user import sign_in


@pytest.fixture(scope="module")
def server(poolhouse_server):
    return poolhouse_server()


def field(page: Page, name: str):
    return page.locator(f"[data-field='{name}']")


def test_a_book_is_made_edited_and_deleted(server, way, window):
    sign_in(window, server)
    base = window.url.rstrip("/")
    window.goto(f"{base}/records/Book/~/new")
    title = f"Made by hand {way.name}"
    write(field(window, "title").locator("input[type=text]"), title)
    search = field(window, "author_id").locator("input[type=search]")
    write(search, "2")
    if not way.scripted:
        press(field(window, "author_id").get_by_role("button", name="Find"))
    option = field(window, "author_id").locator("select option[value='2']")
    expect(option).to_be_attached()
    expect(field(window, "title").locator("input[type=text]")).to_have_value(title)
    choose(field(window, "author_id").locator("select"), "2")
    if way.scripted:
        write(search, "nobody is called so")
        expect(field(window, "author_id").locator("optgroup option")).to_have_count(0)
        expect(field(window, "author_id").locator("select")).to_have_value("2")
    tags = field(window, "tags")
    write(tags.locator("input[type=search]"), "classic")
    if not way.scripted:
        press(tags.get_by_role("button", name="Find"))
    expect(tags.locator("option", has_text="classic").first).to_be_attached()
    choose(tags.locator("select"), "5")
    press(window.locator("[data-action='save']"))
    expect(window.get_by_role("heading", name=title)).to_be_visible()
    expect(window.locator("#related-tags")).to_contain_text("classic")
    press(window.get_by_role("link", name="Edit", exact=True))
    write(field(window, "price").locator("input[type=text]"), "dear")
    press(window.locator("[data-action='save']"))
    expect(field(window, "price").locator(".problem")).to_be_visible()
    expect(field(window, "price").locator("input[type=text]")).to_have_value("dear")
    write(field(window, "price").locator("input[type=text]"), "12.50")
    press(window.locator("[data-action='save']"))
    expect(window.locator("[data-column='price']")).to_have_text("12.50")
    press(window.get_by_role("link", name="Delete", exact=True))
    press(window.locator("[data-action='delete']"))
    expect(window).to_have_url(re.compile(r"/records/Book/$"))


def test_two_people_meet_in_one_record(server, browser):
    with browser.new_context() as mine, browser.new_context() as theirs:
        pages = [context.new_page() for context in (mine, theirs)]
        for page in pages:
            sign_in(page, server)
            page.goto(f"{page.url.rstrip('/')}/records/Book/1/edit")
        for page, title in zip(pages, ("Theirs, first", "Mine, late"), strict=True):
            write(field(page, "title").locator("input[type=text]"), title)
            press(page.locator("[data-action='save']"))
        late = pages[1]
        expect(late.locator("[data-conflict='title']")).to_contain_text("Theirs, first")
        late.get_by_label("Mine, as it stands above").check()
        press(late.locator("[data-action='save']"))
        expect(late.get_by_role("heading", name="Mine, late")).to_be_visible()


def test_what_points_to_a_record_is_paged_beside_it(server, way, window):
    """Author 1 has some thirty books: the first stand on the page, More shows the rest in their place."""
    sign_in(window, server)
    base = window.url.rstrip("/")
    window.goto(f"{base}/records/Author/1")
    books = window.locator("#related-books tbody tr")
    expect(books).to_have_count(5)
    press(window.locator("#related-books").get_by_role("link", name="More"))
    expect(books).not_to_have_count(5)
    if not way.scripted:
        expect(window).to_have_url(f"{base}/records/Author/1/related/books")
    else:
        expect(window).to_have_url(f"{base}/records/Author/1")
    window.goto(f"{base}/records/Author/1/edit")
    if not way.scripted:
        press(window.locator("#related-books").get_by_role("link", name="books"))
    else:
        window.locator("#related-books").evaluate("section => section.scrollIntoView()")  # it is replaced at once
    expect(books.first).to_be_visible()
