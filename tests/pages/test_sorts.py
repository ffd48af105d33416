"""Is a list sorted by several columns by following links alone?"""

from __future__ import annotations

import html
import re

BOOKS = "/records/Book/"


def link(page, words):
    return html.unescape(re.search(rf'<a[^>]*href="([^"]+)"[^>]*aria-label="{words}"', page).group(1))


def sorted_by(page):
    return re.findall(r'data-sorted-by="(\w+)"', page)


def test_a_list_is_sorted_by_one_column_more_turned_round_and_by_one_fewer_by_links(browser_client, script):
    page = browser_client.get(f"{BOOKS}?q=the&sort=author_id").text
    href = link(page, "Then by price")
    assert href == f"{BOOKS}?q=the&sort=author_id%2Cprice"
    page = browser_client.get(href).text
    assert sorted_by(page) == ["author_id", "price"]
    assert page.count("aria-sort=") == 1
    href = link(page, "price, ascending: turn it round")
    assert href.endswith("sort=author_id%2C-price")
    rows = [row["values"] for row in script("viewer").get(f"{href}&size=200").json["rows"]]
    assert len({row["author_id"] for row in rows}) > 1
    assert rows == sorted(rows, key=lambda row: (row["author_id"], -float(row["price"])))
    page = browser_client.get(href).text
    assert "▼2" in page
    assert link(page, "Not by author_id").endswith("?q=the&sort=-price")
    assert 'data-also="/records/Book/?q=the&amp;sort=author_id%2C-price%2Ctitle"' in page


def test_a_click_in_the_head_sorts_by_that_column_alone(browser_client):
    page = browser_client.get(f"{BOOKS}?sort=author_id,-price").text
    heads = dict(re.findall(r'<a href="([^"]+)" data-also="[^"]+">(\w+)', page))
    assert {name: href.partition("sort=")[2] for href, name in heads.items() if name in ("author_id", "price")} == {
        "author_id": "-author_id",
        "price": "price",
    }
