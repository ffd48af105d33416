"""A person follows the printed link, opens a workspace and walks a User through its whole life by clicking."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.hands import choose, press, write

CARD = ".card[data-ref='User:new-1']"


@pytest.fixture(scope="module")
def server(poolhouse_server):
    return poolhouse_server()


def sign_in(window: Page, server) -> None:
    """By a link of the command line: the printed one works once, and several tests sign in."""
    link = re.search(r"http://\S+", server.command("link"))
    assert link
    window.goto(link.group())
    press(window.get_by_role("button", name="Sign in"))
    expect(window.get_by_role("heading", name="Overview")).to_be_visible()


def section(window: Page, word: str) -> None:
    press(window.get_by_role("navigation").get_by_role("link", name=word, exact=True))


def verb(window: Page, word: str) -> None:
    press(window.locator(f"{CARD} [data-verb='{word}']"))


def foot(window: Page, word: str) -> None:
    press(window.locator(f".foot [data-verb='{word}']"))


def badge_is(window: Page, state: str, badge: str) -> None:
    expect(window.locator(CARD)).to_have_attribute("data-badge", badge)
    expect(window.locator(CARD)).to_have_attribute("data-state", state)
    expect(window.locator(f"[data-room='{state}'] {CARD}")).to_be_visible()


def newest(window: Page):
    return window.locator("#tape > li").first


def test_the_printed_link_signs_in_once(server, page_without_javascript):
    window = page_without_javascript
    window.goto(server.link())
    press(window.get_by_role("button", name="Sign in"))
    expect(window.get_by_role("heading", name="Overview")).to_be_visible()
    window.context.clear_cookies()
    window.goto(server.link())
    expect(window.get_by_role("alert")).to_contain_text("used already")


def test_the_whole_life_of_a_user(server, way, window, screenshot):
    name = f"ada-{way.name}"
    sign_in(window, server)
    open_workspace(window, name)
    if way.scripted:
        window.evaluate("window.sameDocument = true")
    is_born(window, f"{name}@example.com")
    becomes_persistent(window)
    screenshot(window, f"workspace-{name}")
    is_committed_and_expires(window)
    is_modified(window)
    leaves_and_comes_back(window)
    screenshot(window, f"workspace-{name}-closed")
    if way.scripted:
        assert window.evaluate("window.sameDocument"), "each action is swapped in; no page was loaded anew"


def open_workspace(window: Page, name: str) -> None:
    section(window, "Workspaces")
    write(window.get_by_label("Name"), name)
    press(window.get_by_role("button", name="Open a workspace"))
    expect(window.get_by_role("heading", name=name)).to_be_visible()
    press(window.locator("[data-view='board']"))
    expect(window.locator("#board")).to_be_visible()


def unfold(window: Page, words: str | re.Pattern[str]) -> None:
    """What is folded where there is little room."""
    fold = window.locator("summary", has_text=words)
    if fold.is_visible():
        press(fold)


def is_born(window: Page, email: str) -> None:
    unfold(window, "Add or load")
    choose(window.get_by_label("New object of"), "User")
    press(window.locator("[data-action='new']"))
    write(window.get_by_label(re.compile(r"^name ")), "Ada Lovelace")
    write(window.get_by_label(re.compile(r"^email ")), email)
    press(window.locator("[data-action='create']"))
    badge_is(window, "transient", "transient")


def becomes_persistent(window: Page) -> None:
    verb(window, "add")
    badge_is(window, "pending", "pending")
    expect(newest(window)).to_contain_text("session.add(")
    foot(window, "flush")
    badge_is(window, "persistent", "persistent")
    expect(newest(window)).to_contain_text("INSERT INTO")
    expect(newest(window)).to_contain_text("taken")
    expect(window.locator("#transaction")).to_contain_text("open for")


def is_committed_and_expires(window: Page) -> None:
    write(window.get_by_label("Note"), "her first record")
    foot(window, "commit")
    badge_is(window, "persistent", "expired")
    expect(newest(window)).to_contain_text("given back")
    expect(window.locator("#transaction")).to_contain_text("none")
    choose(window.locator(f"{CARD} select[name='attribute']"), "name")
    verb(window, "read")
    badge_is(window, "persistent", "persistent")
    expect(newest(window)).to_contain_text("SELECT")


def is_modified(window: Page) -> None:
    verb(window, "values")
    write(window.get_by_label(re.compile(r"^name ")), "Ada King")
    press(window.locator("[data-action='save']"))
    badge_is(window, "persistent", "modified")
    expect(window.locator(CARD)).to_contain_text("Ada Lovelace")
    foot(window, "commit")
    expect(newest(window)).to_contain_text("UPDATE")
    badge_is(window, "persistent", "expired")


def leaves_and_comes_back(window: Page) -> None:
    verb(window, "refresh")
    badge_is(window, "persistent", "persistent")
    verb(window, "expire")
    badge_is(window, "persistent", "expired")
    verb(window, "expunge")
    badge_is(window, "detached", "detached")
    verb(window, "add")
    badge_is(window, "persistent", "expired")
    foot(window, "close")
    badge_is(window, "detached", "detached")


def test_every_page_is_drawn_without_a_word_on_the_console(server, window, screenshot):
    sign_in(window, server)
    for word in ("Overview", "Pools", "Sessions", "Workspaces"):
        section(window, word)
        expect(window.get_by_role("heading", level=1)).to_have_text(word)
        screenshot(window, word.lower())
    section(window, "Pools")
    press(window.get_by_role("link", name="default", exact=True).first)
    expect(window.get_by_role("heading", level=1)).to_have_text("Pool default")


def test_live_parts_refresh_by_themselves(server, browser):
    """One window looks on while another person works."""
    with browser.new_context() as watching, browser.new_context() as working:
        watcher, worker = watching.new_page(), working.new_page()
        sign_in(watcher, server)
        sign_in(worker, server)
        open_workspace(worker, "watched")
        watcher.goto(worker.url)
        press(watcher.locator("[data-view='board']"))
        expect(watcher.locator("#board")).to_be_visible()
        expect(watcher.locator("#transaction")).to_contain_text("none")
        is_born(worker, "watched@example.com")
        becomes_persistent(worker)
        expect(watcher.locator("#transaction")).to_contain_text("open for", timeout=10_000)
        expect(watcher.locator("#lamp")).to_have_text("polling")
        press(watcher.locator("#changed").get_by_role("link"))
        badge_is(watcher, "persistent", "persistent")
        section(watcher, "Pools")
        expect(watcher.locator("section[aria-label='Pool workspaces']")).to_contain_text("1 in use")
        foot(worker, "rollback")
        expect(watcher.locator("section[aria-label='Pool workspaces']")).to_contain_text("0 in use", timeout=10_000)


def test_a_refused_action_says_why_and_leaves_the_page_as_it_was(server, way, window, screenshot):
    name = f"bad-{way.name}"
    sign_in(window, server)
    open_workspace(window, name)
    unfold(window, "Add or load")
    choose(window.get_by_label("New object of"), "User")
    press(window.locator("[data-action='new']"))
    write(window.get_by_label(re.compile(r"^name ")), "Typed and not sent")
    unfold(window, "Add or load")
    choose(window.get_by_label("Load a"), "User")
    write(window.get_by_label("with key"), "99999999")
    press(window.locator("[data-verb='load']"))
    expect(window.get_by_role("alert")).to_contain_text("User")
    if way.scripted:
        expect(window.get_by_label(re.compile(r"^name "))).to_have_value("Typed and not sent")
        expect(window.get_by_label("with key")).to_have_value("99999999")
        screenshot(window, "workspace-refused")
    else:
        press(window.get_by_role("link", name="Back to where you were"))
    expect(window.get_by_role("heading", name=name)).to_be_visible()
    expect(newest(window)).to_have_class("failed")
    expect(newest(window)).to_contain_text("SELECT")
    expect(window.locator("#tape")).to_have_count(1)


def test_a_refused_form_keeps_what_was_typed(server, way, window, screenshot):
    name = f"kept-{way.name}"
    sign_in(window, server)
    open_workspace(window, name)
    unfold(window, "Add or load")
    choose(window.get_by_label("New object of"), "User")
    press(window.locator("[data-action='new']"))
    expect(window.locator("[data-room='transient']")).to_be_in_viewport()  # the form leaves room for what is edited
    write(window.get_by_label(re.compile(r"^name ")), "Ada Lovelace")
    write(window.get_by_label(re.compile(r"^email ")), f"{name}@example.com")
    unfold(window, re.compile("^9 more"))
    write(window.get_by_label(re.compile(r"^points$")), "many")
    press(window.locator("[data-action='create']"))
    expect(window.get_by_role("alert")).to_contain_text("points")
    expect(window.get_by_label(re.compile(r"^name "))).to_have_value("Ada Lovelace")
    expect(window.get_by_label(re.compile(r"^points$"))).to_have_value("many")
    points = window.locator("[data-field='points']")
    expect(points.locator("input[type=text]")).to_have_attribute("aria-invalid", "true")
    expect(points.locator(".problem")).to_have_text("A whole number is expected.")
    screenshot(window, f"workspace-{name}")
    write(window.get_by_label(re.compile(r"^points$")), "7")
    press(window.locator("[data-action='create']"))
    badge_is(window, "transient", "transient")
    expect(window.get_by_role("alert")).to_have_count(0)


def test_the_settings_of_the_session_are_switches(server, way, window, screenshot):
    name = f"set-{way.name}"
    sign_in(window, server)
    open_workspace(window, name)
    for words, python in (("autoflush", "session.autoflush = True"), ("expire on commit", "expire_on_commit = False")):
        switch = window.get_by_role("switch", name=words)
        before = switch.get_attribute("aria-checked")
        press(switch)
        expect(newest(window)).to_contain_text(python)
        expect(switch).to_have_attribute("aria-checked", "false" if before == "true" else "true")
    screenshot(window, f"workspace-{name}")


def test_pointing_at_a_verb_shows_its_call_and_where_it_leads(server, browser):
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        window = context.new_page()
        sign_in(window, server)
        open_workspace(window, "pointing")
        is_born(window, "pointing@example.com")
        add = window.locator(f"{CARD} [data-verb='add']")
        before = add.bounding_box()
        add.hover()
        expect(window.locator("#preview")).to_contain_text("session.add(user_new_1)")
        expect(window.locator("#preview")).to_contain_text("pending")
        expect(window.locator("[data-room='pending'] .ghost")).to_contain_text("Ada Lovelace")
        expect(window.locator("[data-room='pending'] .ghost")).to_be_visible()
        assert add.bounding_box() == before, "it stays under the pointer"
        expect(window.locator(".way.is-next")).to_have_text("add")
        window.locator(f"{CARD} [data-verb='merge']").focus()
        expect(window.locator("#preview")).to_contain_text("session.merge(user_new_1)")
        add.focus()
        window.keyboard.press("Enter")
        badge_is(window, "pending", "pending")
        expect(window.locator(CARD)).to_be_focused()
        expect(window.locator("#said")).to_contain_text("transient to pending")
        verb(window, "expunge")
        press(window.locator(".toast").get_by_role("button", name="Undo"))
        badge_is(window, "pending", "pending")
