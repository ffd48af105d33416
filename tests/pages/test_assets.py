"""Are the files that pages are drawn with small on the wire, kept for good, and the only ones that are served?"""

from __future__ import annotations

import gzip
import re

import pytest
from jinja2 import FileSystemLoader

from dashboard.pages.addresses import STATIC, mark
from dashboard.pages.html import templates

FIRST_LOAD = 150_000


def test_a_file_under_the_url_with_its_mark_is_kept_for_good(app):
    answer = app.test_client().get(f"/static/base.css?v={mark('base.css')}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.data == (STATIC / "base.css").read_bytes()


@pytest.mark.parametrize("query", ["", "?v=", "?v=000000000000"])
def test_a_file_under_another_url_is_asked_for_again(app, query):
    client = app.test_client()
    answer = client.get("/static/base.css" + query)
    assert answer.headers["Cache-Control"] == "no-cache"
    again = client.get("/static/base.css" + query, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_browser_that_takes_gzip_gets_it_and_a_cache_between_knows(app):
    answer = app.test_client().get("/static/base.css", headers={"Accept-Encoding": "gzip, br"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert gzip.decompress(answer.data) == (STATIC / "base.css").read_bytes()
    refused = app.test_client().get("/static/base.css", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


@pytest.mark.parametrize("path", ["", "nothing.css", "../wsgi.py", "%2e%2e/wsgi.py", "vendor", "vendor/../base.css/"])
def test_nothing_but_what_lies_in_the_folder_is_served(app, path):
    assert app.test_client().get("/static/" + path).status_code == 404


def test_a_template_that_an_upgrade_writes_is_not_drawn_by_the_code_that_runs(tmp_path):
    here = templates.overlay(loader=FileSystemLoader(tmp_path))
    (tmp_path / "page.html").write_text("as it began")
    assert here.get_template("page.html").render() == "as it began"
    (tmp_path / "page.html").write_text("as it is now {{ unknown_to_this_code }}")
    assert here.get_template("page.html").render() == "as it began"


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("path", ["/", "/pools/default", "/statements/", "/records/Book/", "/records/Book/3/edit"])
def test_the_first_load_of_a_page_is_small(browser_client, path):
    page = browser_client.get(path, **{"Accept-Encoding": "gzip"})
    assert (page.status_code, page.headers["Content-Encoding"]) == (200, "gzip")
    found = re.findall(r'"(/static/[^"]+)"', gzip.decompress(page.data).decode())
    assert any("htmx" in url for url in found)
    answers = [browser_client.get(url, **{"Accept-Encoding": "gzip"}) for url in set(found)]
    assert len(page.data) + sum(len(each.data) for each in answers) < FIRST_LOAD


def test_what_is_short_or_not_asked_for_is_not_compressed(browser_client):
    assert "Content-Encoding" not in browser_client.get("/").headers
    short = browser_client.get("/history/", **{"Accept-Encoding": "gzip", "Accept": "application/json"})
    assert "Content-Encoding" not in short.headers
    assert "Accept-Encoding" in short.headers["Vary"]


def test_each_answer_has_a_token_of_its_own_and_each_of_them_counts(browser_client):
    """A page is compressed: its size must not tell the one secret that all pages would share."""
    tokens = {re.search(r'name="csrf" value="([^"]+)"', browser_client.get("/").text)[1] for _ in range(3)}
    assert len(tokens) == 3
    for token in tokens:
        answer = browser_client.post("/about/theme", csrf=token, theme="system", back="/")
        assert answer.status_code == 303
    salt, _, rest = token.partition(".")
    for wrong in (rest, f"{salt}x.{rest}", f"{salt}.{rest[:-1]}", "", ".", "é." + rest):
        assert browser_client.post("/about/theme", csrf=wrong, theme="system", back="/").status_code == 403


@pytest.mark.usefixtures("published")
def test_no_page_needs_more_than_its_own_host(browser_client):
    """Nothing inline that a strict policy would refuse: no script, no style, no handler."""
    for path in ("/", "/pools/default", "/records/Book/", "/workspaces/", "/about/components"):
        page = browser_client.get(path)
        assert page.status_code == 200, path
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", page.text), path
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page.text), path
