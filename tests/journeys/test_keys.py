"""Can a person who knows the keys do without the mouse, and does nobody lose what he types to one of them?"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def server(poolhouse_server):
    return poolhouse_server("-w 1", settings={"DASHBOARD_AUTH": "none"})


@pytest.fixture(scope="module")
def context(browser):
    with browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce") as context:
        yield context


@pytest.fixture
def window(context, server):
    page = context.new_page()
    page.goto(server.url + "/")
    yield page
    page.close()


def test_the_palette_goes_to_a_record_by_a_few_letters(window, server):
    window.keyboard.press("Control+k")
    window.keyboard.type("book emma")
    expect(window.get_by_role("option", name="Emma Book 3")).to_have_attribute("aria-selected", "true")
    window.keyboard.press("Enter")
    expect(window).to_have_url(server.url + "/records/Book/3")


def test_the_palette_is_steered_by_arrows_and_closed_by_escape(window, server):
    window.get_by_role("link", name="Pools", exact=True).focus()
    window.keyboard.press("Control+k")
    expect(window.get_by_role("option").nth(1)).to_be_visible()
    window.keyboard.press("ArrowDown")
    expect(window.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")
    chosen = window.get_by_role("option").nth(1).get_attribute("id")
    expect(window.get_by_role("combobox")).to_have_attribute("aria-activedescendant", chosen)
    for _ in range(3):
        window.keyboard.press("Tab")
    assert window.evaluate("document.activeElement.closest('#palette, body:not(:focus-within)') !== null")
    window.keyboard.press("Escape")
    expect(window.locator("#palette")).to_be_hidden()
    expect(window.get_by_role("link", name="Pools", exact=True)).to_be_focused()
    expect(window).to_have_url(server.url + "/")


def test_the_keys_are_told_at_once_and_on_their_own_page_too(window, server):
    window.goto(server.url + "/about/keys")
    expect(window.get_by_role("table", name="Anywhere")).to_be_visible()
    window.route("**/*", lambda route: route.abort())  # nothing is asked for
    window.get_by_role("link", name="Pools", exact=True).focus()
    window.keyboard.press("?")
    expect(window.get_by_role("dialog", name="Keys")).to_contain_text("undo, in a workspace")
    window.keyboard.press("Escape")
    expect(window.get_by_role("dialog", name="Keys")).to_be_hidden()
    expect(window.get_by_role("link", name="Pools", exact=True)).to_be_focused()


def test_nothing_that_is_typed_into_a_field_is_taken_for_a_key(window, server):
    window.goto(server.url + "/records/Book/")
    window.keyboard.press("/")
    search = window.get_by_role("searchbox").first
    expect(search).to_be_focused()
    window.keyboard.type("c?jke s/")
    expect(search).to_have_value("c?jke s/")
    window.keyboard.press("Control+z")
    assert search.input_value() != "c?jke s/", "the field's own undo"
    window.keyboard.press("Escape")
    expect(window).to_have_url(server.url + "/records/Book/")


def test_rows_are_walked_and_opened(window, server):
    window.goto(server.url + "/records/Book/")
    for _ in range(3):
        window.keyboard.press("j")
    window.keyboard.press("k")
    window.keyboard.press("Enter")
    expect(window).to_have_url(re.compile(r"/records/Book/2$"))
    window.keyboard.press("e")
    expect(window).to_have_url(re.compile(r"/records/Book/2/edit$"))


def test_what_a_record_is_called_is_edited_where_it_stands_and_stays_its_link(window, server):
    window.goto(server.url + "/records/Book/?f.id.eq=9")
    row = window.locator("tr[data-key='9']")
    row.get_by_role("link", name="Don Quixote").focus()
    for key in ("ArrowRight", "Enter"):
        window.keyboard.press(key)
    field = row.locator("th.is-edited input[type=text]")
    expect(field).to_have_value("Don Quixote")
    field.fill("Don Quijote")
    field.press("Enter")
    expect(row.get_by_role("rowheader").get_by_role("link", name="Don Quijote")).to_be_visible()
    expect(row.locator("th[data-column='title']")).to_be_focused()
    row.get_by_role("rowheader").click(position={"x": 100, "y": 16})
    expect(field).to_have_value("Don Quijote")
    field.press("Escape")
    expect(field).to_have_count(0)
    row.get_by_role("link", name="Don Quijote").click()
    expect(window).to_have_url(server.url + "/records/Book/9")


def test_a_record_is_made_edited_and_saved(window, server):
    window.goto(server.url + "/records/Tag/")
    window.keyboard.press("c")
    expect(window.get_by_role("heading", level=1)).to_contain_text("New")
    window.get_by_label(re.compile("^name")).first.focus()
    window.keyboard.type("by keys")
    window.keyboard.press("Control+s")
    expect(window.get_by_role("heading", level=1)).to_contain_text("by keys")


def test_a_workspace_is_undone_redone_and_committed(window, server):
    window.goto(server.url + "/workspaces/")
    window.keyboard.press("c")
    window.keyboard.type("keys")
    window.keyboard.press("Enter")
    expect(window.get_by_role("heading", level=1)).to_contain_text("keys")
    window.get_by_label("with key").fill("3")
    window.keyboard.press("Enter")
    workspace = window.locator("#workspace")
    expect(workspace).to_have_attribute("data-version", "2")
    window.get_by_role("heading", level=1).click()
    window.keyboard.press("Control+z")
    expect(workspace).to_have_attribute("data-version", "3")
    window.keyboard.press("Control+Shift+z")
    expect(workspace).to_have_attribute("data-version", "4")
    window.keyboard.press("Control+s")
    expect(window.locator("#tape > li").first).to_have_attribute("data-action", "commit")


def test_the_tour_goes_on_by_enter(window, server):
    window.goto(server.url + "/workspaces/")
    window.get_by_role("button", name="Take the tour").press("Enter")
    window.locator("#tour [data-tour]").focus()
    for done in ("1", "2", "3"):
        window.keyboard.press("Enter")
        expect(window.locator("#tour")).to_have_attribute("data-done", done)
        expect(window.locator("#tour [data-tour]")).to_be_focused()


def test_the_focus_goes_on_beside_what_went_away(window, server):
    window.goto(server.url + "/workspaces/")
    window.get_by_label("Name").fill("gone")
    window.keyboard.press("Enter")
    for name in ("One", "Two"):
        window.get_by_label("New object of").select_option("Tag")
        window.locator("[data-action='new']").press("Enter")
        window.get_by_label(re.compile("^name")).fill(name)
        window.locator("[data-action='create']").press("Enter")
        expect(window.locator(".thing", has_text=name)).to_be_visible()
    window.locator("[data-ref='Tag:new-1'] [data-verb='drop']").press("Enter")
    expect(window.locator(".thing", has_text="One")).to_have_count(0)
    expect(window.locator("[data-ref='Tag:new-2']")).to_be_focused()


def test_a_toast_goes_away_also_where_nothing_may_move(window):
    ends = window.evaluate("""() => {
        const toast = document.createElement("div");
        toast.className = "toast passing";
        document.getElementById("toasts").append(toast);
        return toast.getAnimations().map((each) => each.effect.getComputedTiming());
    }""")
    assert [(each["duration"], each["endTime"]) for each in ends] == [(0, 12_000)]


def test_every_control_of_the_shell_is_reached_by_tab_and_the_first_one_skips_it(window):
    window.keyboard.press("Tab")
    expect(window.get_by_role("link", name="To the content")).to_be_focused()
    window.keyboard.press("Enter")
    window.keyboard.press("Tab")
    assert window.evaluate("document.activeElement.closest('main, .staging, header') !== null")


def test_shift_and_a_click_in_a_lists_head_sort_by_one_column_more(window, server):
    window.goto(server.url + "/records/Book/?sort=author_id")
    window.locator("#rows thead a", has_text="price").click(modifiers=["Shift"])
    expect(window).to_have_url(server.url + "/records/Book/?sort=author_id%2Cprice")
    expect(window.locator("#sort .number")).to_have_text("2")
    window.locator("#sort summary").click()
    window.get_by_role("link", name="Not by author_id").click()
    expect(window).to_have_url(server.url + "/records/Book/?sort=price")


def test_what_cannot_be_undone_is_asked_about_and_named_without_a_script_too(server, browser):
    server.token("viewer", name="spare")
    with browser.new_context(java_script_enabled=False) as context:
        window = context.new_page()
        window.goto(server.url + "/accounts/")
        row = window.locator("#tokens tr", has_text="spare")
        asked = window.get_by_role("dialog", name="Revoke the token spare?")
        row.get_by_role("button", name="Revoke").click()
        expect(asked).to_contain_text("It acts as viewer, and was never used")
        asked.get_by_role("button", name="Cancel").click()
        expect(asked).to_be_hidden()
        row.get_by_role("button", name="Revoke").click()
        asked.get_by_role("button", name="Revoke spare").click()
        expect(row).to_have_count(0)
