"""A person changes ten prices: staged from Records, reviewed, met by somebody else's, settled, committed and undone
from History; with a script and without, and by the keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_life_of_a_user import sign_in, window

__all__ = ["window"]

KEYS = [str(number) for number in range(21, 31)]


@pytest.fixture(scope="module")
def server(poolhouse_server):
    return poolhouse_server("-w 1")


@pytest.fixture(scope="module")
def token(server):
    return server.token("editor")


@pytest.fixture
def prices(server, token):
    """What the ten cost, as a script reads it."""

    def read():
        return [server.request("GET", f"/records/Book/{key}", token=token).json["values"]["price"] for key in KEYS]

    return read


def ten(server) -> str:
    return f"{server.url}/records/Book/?f.id.between={KEYS[0]}&f.id.between={KEYS[-1]}&columns=id,price,stock"


def open_workspace(window: Page, server, name: str) -> None:
    window.goto(f"{server.url}/workspaces/")
    window.get_by_label("Name").fill(name)
    window.get_by_role("button", name="Open a workspace").click()
    expect(window.get_by_role("heading", name=name)).to_be_visible()


def stage_by_forms(window: Page, server, name: str) -> None:
    """Each by its record's own form."""
    for key in KEYS:
        window.goto(ten(server))
        window.locator(f"tr[data-key='{key}'] th a").click()
        window.get_by_role("link", name="Edit", exact=True).click()
        window.locator("[data-field='price'] input[type=text]").fill("12.50")
        window.get_by_label("or stage it in").select_option(name)
        window.locator("[data-action='save']").click()
        expect(window.locator(f"[data-ref='Book:{key}']")).to_have_attribute("data-badge", "modified")


def stage_in_cells(window: Page, server, name: str) -> None:
    """Each where it stands in the list."""
    window.goto(ten(server))
    for key in KEYS:
        window.locator(f"tr[data-key='{key}'] td[data-column='price']").click()
        edited = window.locator(f"tr[data-key='{key}'] td.is-edited")
        edited.get_by_label("What Enter does").select_option(name)
        edited.locator("input[type=text]").fill("12.50")
        edited.locator("input[type=text]").press("Enter")
        expect(window.locator(f"tr[data-key='{key}'] td[data-column='price'] .after")).to_have_text("12.50")
    window.goto(f"{server.url}/workspaces/{name}/")


def somebody_else(server, token) -> None:
    """Makes one of the ten dearer meanwhile."""
    answer = server.request("POST", f"/records/Book/{KEYS[4]}", token=token, data={"values": {"price": "99.00"}})
    assert answer.status == 200, answer.text


def set_back(server, token) -> None:
    for key in KEYS:
        answer = server.request("POST", f"/records/Book/{key}", token=token, data={"values": {"price": "6.00"}})
        assert answer.status == 200, answer.text


def test_ten_prices(server, token, prices, window, request, screenshot):
    scripted = "without" not in request.node.name
    name = "ten-" + ("js" if scripted else "plain")
    set_back(server, token)
    sign_in(window, server)
    open_workspace(window, server, name)
    (stage_in_cells if scripted else stage_by_forms)(window, server, name)
    expect(window.locator("[data-kind='modified'] li")).to_have_count(10)
    expect(window.locator("[data-kind='modified'] li").first).to_contain_text("12.50")
    screenshot(window, f"changes-{name}")
    window.locator(".foot").get_by_role("link", name="Review").click()
    expect(window.locator("#rows")).to_contain_text("10 UPDATE")
    screenshot(window, f"review-{name}")
    somebody_else(server, token)
    window.get_by_role("link", name="Back to the workspace").click()
    window.get_by_label("Note").fill("all at 12.50")
    window.locator("[data-verb='commit']").click()
    conflict = window.locator(f"[data-conflict='Book:{KEYS[4]}.price']")
    expect(conflict).to_contain_text("99.00")
    expect(conflict).to_be_in_viewport()
    screenshot(window, f"conflict-{name}")
    window.locator(".foot").get_by_role("link", name="Review").click()
    expect(window.locator("#review")).to_contain_text("a commit would be refused")
    conflict.locator("input[value='mine']").check()
    window.locator("[data-verb='resolve']").click()
    expect(window.locator("#workspace")).to_be_visible()
    expect(window.locator("[data-conflict]")).to_have_count(0)
    window.get_by_label("Note").fill("all at 12.50")
    window.locator("[data-verb='commit']").click()
    expect(window.locator("[data-change-set]").first).to_be_visible()
    assert prices() == ["12.50"] * 10
    undo_from_history(window, server, "all at 12.50", screenshot, name)
    assert prices() == ["99.00" if key == KEYS[4] else "6.00" for key in KEYS]


def undo_from_history(window: Page, server, note: str, screenshot, name: str) -> None:
    window.goto(f"{server.url}/history/")
    window.get_by_role("link", name=note).first.click()
    expect(window.locator("[data-attribute='price']")).to_have_count(10)
    screenshot(window, f"change-set-{name}")
    window.get_by_role("button", name="Undo in a workspace").click()
    expect(window.locator("[data-badge='modified']").first).to_be_visible()
    window.locator("[data-verb='commit']").click()
    expect(window.locator("[data-change-set]").first).to_be_visible()


def test_rows_that_are_selected_are_loaded_into_a_workspace(server, window, request):
    scripted = "without" not in request.node.name
    name = "some-" + ("js" if scripted else "plain")
    sign_in(window, server)
    open_workspace(window, server, name)
    window.goto(ten(server))
    if scripted:
        expect(window.get_by_role("button", name="Load into a workspace…")).to_be_disabled()
        window.get_by_label("Select all of this page").check()
        window.locator(f"tr[data-key='{KEYS[0]}'] input").uncheck()
        expect(window.locator("[data-selected]")).to_have_text("9 selected:")
    else:
        for key in KEYS[1:]:
            window.locator(f"tr[data-key='{key}'] input").check()
    window.get_by_role("button", name="Load into a workspace…").click()
    window.get_by_label("Workspace", exact=True).select_option(name)
    window.get_by_role("button", name="Load them").click()
    expect(window.locator("[data-badge='persistent']")).to_have_count(9)


# by the keyboard alone


def tab_to(window: Page, selector: str, *, most: int = 150) -> None:
    """Tab, until the element has the focus: whatever cannot be reached so fails here."""
    wanted = window.locator(selector).first
    expect(wanted).to_be_visible()
    for _ in range(most):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        window.keyboard.press("Tab")
    raise AssertionError(f"{selector} was not reached by {most} tabs")


def choose(window: Page, selector: str, text: str) -> None:
    tab_to(window, selector)
    window.keyboard.type(text)


def test_ten_prices_by_the_keyboard_alone(server, token, prices, browser):
    set_back(server, token)
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        window = context.new_page()
        sign_in(window, server)
        window.goto(f"{server.url}/workspaces/")
        tab_to(window, "#name")
        window.keyboard.type("ten-keys")
        window.keyboard.press("Enter")
        expect(window.get_by_role("heading", name="ten-keys")).to_be_visible()
        window.goto(ten(server))
        tab_to(window, f"tr[data-key='{KEYS[0]}'] th a")
        window.keyboard.press("ArrowRight")
        for key in KEYS:
            expect(window.locator(f"tr[data-key='{key}'] td[data-column='price']")).to_be_focused()
            window.keyboard.press("Enter")
            field = window.locator(f"tr[data-key='{key}'] td.is-edited input[type=text]")
            expect(field).to_be_focused()
            window.keyboard.type("13.50")
            if key == KEYS[0]:
                choose(window, "td.is-edited select[name=stage]", "stage in ten-keys")
            window.keyboard.press("Enter")
            expect(window.locator(f"tr[data-key='{key}'] td[data-column='price'] .after")).to_have_text("13.50")
            window.keyboard.press("ArrowDown")
        tab_to(window, "#staging a.button")
        window.keyboard.press("Enter")
        expect(window.locator("#rows")).to_contain_text("10 UPDATE")
        somebody_else(server, token)
        tab_to(window, "[data-verb='commit']")
        window.keyboard.press("Enter")
        tab_to(window, f"[data-conflict='Book:{KEYS[4]}.price'] input[value='mine']")
        window.keyboard.press("Space")
        tab_to(window, "[data-verb='resolve']")
        window.keyboard.press("Enter")
        expect(window.locator("[data-conflict]")).to_have_count(0)
        tab_to(window, "#note")
        window.keyboard.type("by keys")
        window.keyboard.press("Enter")
        expect(window.locator("[data-change-set]").first).to_be_visible()
        assert prices() == ["13.50"] * 10
        window.goto(f"{server.url}/history/")
        tab_to(window, "#change-sets tbody tr:first-child a")
        window.keyboard.press("Enter")
        tab_to(window, "[data-verb='undo']")
        window.keyboard.press("Enter")
        expect(window.locator("[data-badge='modified']").first).to_be_visible()
        tab_to(window, "[data-verb='commit']")
        window.keyboard.press("Enter")
        expect(window.locator("[data-change-set]").first).to_be_visible()
        assert prices() == ["99.00" if key == KEYS[4] else "6.00" for key in KEYS]


# a file with an error


WRONG = "title,author_id,price\nThe First,1,5.00\nThe Second,1,dear\n"
MENDED = WRONG.replace("dear", "6.00")


def test_a_file_with_an_error_is_told_by_row_and_column_and_repaired(server, window, request, screenshot):
    name = "plain" if "without" in request.node.name else "js"

    def send(text: str, button: str) -> None:
        window.get_by_label(re.compile("^File")).set_input_files(
            {"name": "books.csv", "mimeType": "text/csv", "buffer": text.encode()}
        )
        window.get_by_role("button", name=button).click()

    sign_in(window, server)
    window.goto(f"{server.url}/records/Book/")
    window.get_by_role("link", name="Import").click()
    send(WRONG, "Try it")
    expect(window.locator("#errors tbody tr")).to_have_count(1, timeout=20_000)
    expect(window.locator("#errors tbody tr")).to_contain_text("price")
    screenshot(window, f"import-{name}")
    send(MENDED, "Try it")
    expect(window.locator("#imported")).to_contain_text("2 new")
    send(MENDED, "Import it")
    expect(window.locator("#imported")).to_contain_text("written")
    window.goto(f"{server.url}/records/Book/?q=The+Second&sort=-id")
    expect(window.locator("#rows tbody tr").first).to_contain_text("The Second")
