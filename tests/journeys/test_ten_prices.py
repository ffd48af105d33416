"""A person changes ten prices: staged from Records, reviewed, met by somebody else's, settled, committed and undone
from History; and a file with an error is repaired."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.hands import choose, give, press, reach, tick, uses_keys, write
from tests.journeys.test_life_of_a_user import sign_in

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
    write(window.get_by_label("Name"), name)
    press(window.get_by_role("button", name="Open a workspace"))
    expect(window.get_by_role("heading", name=name)).to_be_visible()


def stage_by_forms(window: Page, server, name: str) -> None:
    """Each by its record's own form."""
    for key in KEYS:
        window.goto(ten(server))
        press(window.locator(f"tr[data-key='{key}'] th a"))
        press(window.get_by_role("link", name="Edit", exact=True))
        write(window.locator("[data-field='price'] input[type=text]"), "12.50")
        choose(window.get_by_label("or stage it in"), name)
        press(window.locator("[data-action='save']"))
        expect(window.locator(f"[data-ref='Book:{key}']")).to_have_attribute("data-badge", "modified")


def stage_in_cells(window: Page, server, name: str) -> None:
    """Each where it stands in the list."""
    window.goto(ten(server))
    for key in KEYS:
        open_cell(window, key)
        edited = window.locator(f"tr[data-key='{key}'] td.is-edited")
        choose(edited.get_by_label("What Enter does"), name)
        write(edited.locator("input[type=text]"), "12.50")
        edited.locator("input[type=text]").press("Enter")
        expect(window.locator(f"tr[data-key='{key}'] td[data-column='price'] .after")).to_have_text("12.50")
    window.goto(f"{server.url}/workspaces/{name}/")


def open_cell(window: Page, key: str) -> None:
    cell = window.locator(f"tr[data-key='{key}'] td[data-column='price']")
    if not uses_keys(cell):
        cell.click()
        return
    reach(window.locator(f"tr[data-key='{key}'] th a"))
    window.keyboard.press("ArrowRight")  # the key itself cannot be edited
    expect(cell).to_be_focused()
    window.keyboard.press("Enter")
    expect(window.locator(f"tr[data-key='{key}'] td.is-edited input[type=text]")).to_be_focused()


def somebody_else(server, token) -> None:
    """Makes one of the ten dearer meanwhile."""
    answer = server.request("POST", f"/records/Book/{KEYS[4]}", token=token, data={"values": {"price": "99.00"}})
    assert answer.status == 200, answer.text


def set_back(server, token) -> None:
    for key in KEYS:
        answer = server.request("POST", f"/records/Book/{key}", token=token, data={"values": {"price": "6.00"}})
        assert answer.status == 200, answer.text


def test_ten_prices(server, token, prices, way, window, screenshot):
    name = f"ten-{way.name}"
    set_back(server, token)
    sign_in(window, server)
    open_workspace(window, server, name)
    (stage_in_cells if way.scripted else stage_by_forms)(window, server, name)
    expect(window.locator("[data-kind='modified'] li")).to_have_count(10)
    expect(window.locator("[data-kind='modified'] li").first).to_contain_text("12.50")
    screenshot(window, f"changes-{name}")
    press(window.locator(".foot").get_by_role("link", name="Review"))
    expect(window.locator("#rows")).to_contain_text("10 UPDATE")
    screenshot(window, f"review-{name}")
    somebody_else(server, token)
    press(window.get_by_role("link", name="Back to the workspace"))
    write(window.get_by_label("Note"), "all at 12.50")
    press(window.locator("[data-verb='commit']"))
    conflict = window.locator(f"[data-conflict='Book:{KEYS[4]}.price']")
    expect(conflict).to_contain_text("99.00")
    expect(conflict).to_be_in_viewport()
    screenshot(window, f"conflict-{name}")
    press(window.locator(".foot").get_by_role("link", name="Review"))
    expect(window.locator("#review")).to_contain_text("a commit would be refused")
    tick(conflict.locator("input[value='mine']"))
    press(window.locator("[data-verb='resolve']"))
    expect(window.locator("#workspace")).to_be_visible()
    expect(window.locator("[data-conflict]")).to_have_count(0)
    write(window.get_by_label("Note"), "all at 12.50")
    press(window.locator("[data-verb='commit']"))
    expect(window.locator("[data-change-set]").first).to_be_visible()
    assert prices() == ["12.50"] * 10
    undo_from_history(window, server, "all at 12.50", screenshot, name)
    assert prices() == ["99.00" if key == KEYS[4] else "6.00" for key in KEYS]


def undo_from_history(window: Page, server, note: str, screenshot, name: str) -> None:
    window.goto(f"{server.url}/history/")
    press(window.get_by_role("link", name=note).first)
    expect(window.locator("[data-attribute='price']")).to_have_count(10)
    screenshot(window, f"change-set-{name}")
    press(window.get_by_role("button", name="Undo in a workspace"))
    expect(window.locator("[data-badge='modified']").first).to_be_visible()
    press(window.locator("[data-verb='commit']"))
    expect(window.locator("[data-change-set]").first).to_be_visible()


def test_rows_that_are_selected_are_loaded_into_a_workspace(server, way, window):
    name = f"some-{way.name}"
    sign_in(window, server)
    open_workspace(window, server, name)
    window.goto(ten(server))
    if way.scripted:
        expect(window.get_by_role("button", name="Load into a workspace…")).to_be_disabled()
        tick(window.get_by_label("Select all of this page"))
        tick(window.locator(f"tr[data-key='{KEYS[0]}'] input"), on=False)
        expect(window.locator("[data-selected]")).to_have_text("9 selected")
    else:
        for key in KEYS[1:]:
            tick(window.locator(f"tr[data-key='{key}'] input"))
    press(window.get_by_role("button", name="Load into a workspace…"))
    choose(window.get_by_label("Workspace", exact=True), name)
    press(window.get_by_role("button", name="Load them"))
    expect(window.locator("[data-badge='persistent']")).to_have_count(9)


# a file with an error


WRONG = "title,author_id,price\nThe First,1,5.00\nThe Second,1,dear\n"
MENDED = WRONG.replace("dear", "6.00")


def test_a_file_with_an_error_is_told_by_row_and_column_and_repaired(server, way, window, screenshot):
    def send(text: str, button: str) -> None:
        give(window.get_by_label(re.compile("^File")), "books.csv", "text/csv", text)
        press(window.get_by_role("button", name=button))

    sign_in(window, server)
    window.goto(f"{server.url}/records/Book/")
    press(window.get_by_role("link", name="Import"))
    send(WRONG, "Try it")
    expect(window.locator("#errors tbody tr")).to_have_count(1, timeout=20_000)
    expect(window.locator("#errors tbody tr")).to_contain_text("price")
    screenshot(window, f"import-{way.name}")
    send(MENDED, "Try it")
    expect(window.locator("#imported")).to_contain_text("2 new")
    send(MENDED, "Import it")
    expect(window.locator("#imported")).to_contain_text("written")
    window.goto(f"{server.url}/records/Book/?q=The+Second&sort=-id")
    expect(window.locator("#rows tbody tr").first).to_contain_text("The Second")
