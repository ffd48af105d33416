"""Two people wait for a row that psql has locked: does the page name psql's process, and does one click free them?"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from tests.journeys.waiting import until


@pytest.fixture
def psql(postgresql_url):
    """psql, as far as the server can tell: its process, with an open transaction that has locked a book."""
    plain = sa.create_engine(postgresql_url, poolclass=sa.NullPool)
    with plain.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE book (id integer PRIMARY KEY, title text, stock integer)")
        connection.exec_driver_sql("INSERT INTO book VALUES (1, 'Emma', 3)")
    other = sa.create_engine(postgresql_url, poolclass=sa.NullPool, connect_args={"application_name": "psql"})
    connection = other.connect()
    process = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    connection.exec_driver_sql("UPDATE book SET title = 'by psql' WHERE id = 1")
    yield process
    connection.invalidate()
    connection.close()


def test_the_page_names_psql_and_one_click_frees_two_who_wait(
    postgresql_url, psql, poolhouse_server, page_without_javascript, screenshot
):
    page = page_without_javascript
    settings = {
        "DATABASE_URL": postgresql_url,
        "DASHBOARD_WORKSPACE_WAIT_SECONDS": "60",
        "DASHBOARD_STUCK_SECONDS": "0.5",
    }
    server = poolhouse_server("-w 2", settings=settings)
    editor = server.token("editor")
    page.goto(server.link())
    page.get_by_role("button", name="Sign in").click()

    def save(values):
        return server.request("POST", "/records/book/1", token=editor, data={"values": values}, timeout=60)

    with ThreadPoolExecutor(2) as people:
        waiting = [people.submit(save, values) for values in ({"title": "Persuasion"}, {"stock": 4})]
        try:

            def blocks_two():
                page.goto(f"{server.url}/pools/workspaces")
                link = page.get_by_role("link", name="What each session does")
                if not link.count():
                    return False  # no worker has opened a connection of this pool yet
                link.click()
                row = page.locator(f'tr[data-process="{psql}"]')
                return page.locator("tr[data-process]").count() == 3 and row.count() == 1

            until(blocks_two, seconds=30, what="psql among the sessions")

            def verdict():
                said = server.request("GET", "/", token=editor).json["verdict"]["sentence"]
                return said if f"blocked by process {psql}, psql (" in said else None

            assert "idle in transaction for" in until(verdict, seconds=10, what="psql in the verdict")
            row = page.locator(f'tr[data-process="{psql}"]')
            expect(row).to_contain_text("another program: psql")
            expect(page.locator("tr[data-process]").first).to_have_attribute("data-process", str(psql))
            expect(row.get_by_text("blocks ")).to_be_in_viewport(ratio=1)
            expect(page.locator("#server")).to_contain_text(re.compile("workers together may ask for [36]"))
            screenshot(page, "server-view")
            end(page, psql)
        finally:
            answers = [one.result(90) for one in waiting]
    assert sorted(answer.status for answer in answers) == [200, 200], [answer.text for answer in answers]
    expect(page.locator(f'tr[data-process="{psql}"]')).to_have_count(0)
    (deed,) = [deed for deed in deeds(server) if deed[0] == "connection.end"]
    assert deed == ("connection.end", "admin", "workspaces")


def end(page, process):
    """It asks first, and says what goes on then."""
    row = page.locator(f'tr[data-process="{process}"]')
    row.get_by_role("button", name="End its session").click()
    expect(page.get_by_role("dialog")).to_contain_text(re.compile(r"\d sessions? that waits? for it go"))
    page.get_by_role("button", name=f"End session {process}").click()


def deeds(server):
    engine = sa.create_engine(f"sqlite:///{server.instance / 'store.db'}")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT act, who, subject FROM poolhouse_audit").all()
    engine.dispose()
    return [tuple(row) for row in rows]
