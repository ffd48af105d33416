"""A cell of a list edited where it stands: saved or staged, refused with what was typed; a save can be undone."""

from __future__ import annotations

import re
from html import unescape

import pytest
import sqlalchemy as sa

from tests.pages.drawn import row

CELL = "/records/Book/3/cells/price"
SWAPPED = {"HX-Request": "true", "HX-Target": "td"}


def drawn(answer):
    assert answer.text.lstrip().startswith("<td"), answer.text
    return answer.text


def sent(browser, html, text, **more):
    """What a browser would send of the cell's form with this text in it."""
    hidden = dict(re.findall(r'<input type="hidden" name="((?:base|base-null)\.[^"]+)" value="([^"]*)">', html))
    fields = {name: unescape(value) for name, value in hidden.items()}
    return browser.post(CELL, SWAPPED, **{**fields, "values.price": text, **more})


def test_a_cell_is_saved_shown_again_and_undone_from_the_history(browser_client, runtime):
    html = drawn(browser_client.get(CELL, **SWAPPED))
    assert 'name="values.price"' in html
    assert 'name="values.title"' not in html
    done = drawn(sent(browser_client, html, "41.25"))
    assert 'data-just="saved"' in done
    assert "41.25</td>" in done
    assert str(row(runtime, "book", 3)["price"]) == "41.25"
    undo = re.search(r'data-undo="([^"]+)"', done)[1]
    where = browser_client.post(undo).headers["Location"]
    assert browser_client.post(f"{where}commit").status_code == 303
    assert str(row(runtime, "book", 3)["price"]) == "6"


def test_what_does_not_fit_comes_back_with_what_was_typed(browser_client, runtime):
    html = drawn(browser_client.get(CELL, **SWAPPED))
    refused = sent(browser_client, html, "dear")
    assert refused.status_code == 422
    assert 'value="dear"' in drawn(refused)
    assert 'class="problem"' in refused.text
    assert str(row(runtime, "book", 3)["price"]) == "6"


def test_somebody_elses_value_is_met_in_the_cell(browser_client, runtime):
    html = drawn(browser_client.get(CELL, **SWAPPED))
    with runtime.databases["default"].engine.begin() as connection:
        connection.execute(sa.text("update book set price = 9 where id = 3"))
    met = sent(browser_client, html, "41.25")
    assert met.status_code == 409
    assert 'data-conflict="price"' in drawn(met)
    settled = sent(browser_client, met.text, "41.25", **{"settle.price": "mine"})
    assert 'data-just="saved"' in drawn(settled)


def test_a_cell_is_staged_in_a_workspace_and_says_both_values(browser_client, runtime):
    browser_client.post("/workspaces/", name="prices")
    html = drawn(browser_client.get(f"{CELL}?stage=prices", **SWAPPED))
    assert '<option value="prices" selected>' in html
    done = drawn(sent(browser_client, html, "41.25", stage="prices"))
    assert 'data-just="staged"' in done
    assert re.findall(r'class="(?:before|after)">([^<]+)<', done) == ["6.00", "41.25"]
    assert str(row(runtime, "book", 3)["price"]) == "6"
    shown = browser_client.get("/workspaces/prices/", Accept="application/json").json["objects"][0]
    assert shown["changes"]["price"] == ["6.00", "41.25"]


def test_what_a_record_is_called_stays_head_of_its_row_and_link(browser_client):
    browser_client.post("/workspaces/", name="names")
    cell = "/records/Book/3/cells/title?lead=1"
    form = browser_client.get(cell, **SWAPPED).text
    assert form.lstrip().startswith('<th scope="row" class="record is-edited"')
    assert f'hx-post="{cell}"' in form
    sent_too = {"base.title": "Emma", "stage": "names"}
    staged = browser_client.post(cell, SWAPPED, **{"values.title": "Emma Woodhouse", **sent_too}).text
    assert staged.lstrip().startswith('<th scope="row" class="record" data-column="title" data-edit')
    assert '<span class="before">Emma</span> <a href="/records/Book/3" class="after">Emma Woodhouse</a>' in staged
    assert 'data-badge-word="modified"' in staged
    assert browser_client.post(cell, SWAPPED, **{"values.title": "", **sent_too}).text.lstrip().startswith("<th ")


def test_what_is_left_as_it_was_writes_nothing(browser_client, runtime):
    html = drawn(browser_client.get(CELL, **SWAPPED))
    assert 'data-just="shown"' in drawn(sent(browser_client, html, "6.00"))
    assert row(runtime, "book", 3)["version"] == 1


@pytest.mark.parametrize("column", ["version", "id", "cover", "nothing", "tags"])
def test_what_its_form_does_not_offer_is_no_cell(browser_client, column):
    assert browser_client.get(f"/records/Book/3/cells/{column}", **SWAPPED).status_code == 404


def test_one_cell_is_one_column(browser_client):
    answer = browser_client.post(CELL, SWAPPED, **{"values.price": "1", "values.title": "Other"})
    assert answer.status_code == 400


def test_without_a_script_it_is_the_records_form(browser_client, script):
    assert browser_client.get(CELL).headers["Location"] == "/records/Book/3/edit"
    assert browser_client.post(CELL, **{"values.price": "7"}).headers["Location"] == "/records/Book/3"
    assert script("viewer").get(CELL, Accept="text/html", **SWAPPED).status_code == 403


def test_a_save_is_told_on_the_next_page_with_its_undo(browser_client):
    edit = browser_client.post("/records/Book/4", **{"values.title": "Emma, again"})
    page = browser_client.get(edit.headers["Location"]).text
    toast = page.split('id="toasts"')[1]
    assert "Saved." in toast
    number = re.search(r'data-change-set="(\d+)"', toast)[1]
    assert f'action="/history/{number}/undo"' in toast
    made = browser_client.post("/records/Tag/", **{"values.name": "made to go"}).headers["Location"]
    assert browser_client.post(f"{made}/delete").status_code == 303
    assert "Deleted." in browser_client.get("/records/Tag/").text.split('id="toasts"')[1]


def test_a_save_that_changed_nothing_tells_nothing(browser_client):
    browser_client.post("/records/Book/4", **{"values.title": "Persuasion", "base.title": "Persuasion"})
    assert "data-change-set" not in browser_client.get("/records/Book/4").text.split('id="toasts"')[1]
