"""How does a page feel, from the browser's own clock? First paint, what moved, and what kept its thread busy.

usage: python -m tests.benchmarks.browser    N loads of each page (5), then WATCH seconds of it live (10)
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.benchmarks import machine
from tests.conftest import CHROMIUM_ARGUMENTS
from tests.journeys import every_page
from tests.journeys.server import Server
from tests.parts import CHROMIUM

PAGES = ("overview", "pools", "pool", "sessions", "statements", "list", "record", "workspace")
WATCHING = """
window.shifted = 0; window.long = [];
new PerformanceObserver((list) => { for (const each of list.getEntries()) shifted += each.value; })
  .observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => { for (const each of list.getEntries()) long.push(each.duration); })
  .observe({ type: "longtask", buffered: true });
"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
SENT = "performance.getEntries().reduce((sum, each) => sum + (each.transferSize || 0), 0)"


def painted(browser: Browser, address: str, times: int) -> tuple[list[float], int]:
    """Sorted milliseconds until something stands there, in a browser that has seen the page before; and the bytes that
    one that has not was sent."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.goto(address)
        sent = page.evaluate(SENT)
        took = []
        for _ in range(times):
            page.goto(address)
            page.wait_for_function(f"() => ({PAINTED}) > 0")
            took.append(page.evaluate(PAINTED))
    return sorted(took), sent


def watched(page: Page, seconds: float) -> tuple[float, list[float]]:
    """What moved by itself, and the tasks of over 50 ms, once the page had settled."""
    page.wait_for_function("(at) => Date.now() - at > 2000", arg=page.evaluate("Date.now()"))
    page.evaluate("long.length = 0")
    page.wait_for_function("([at, long]) => Date.now() - at > long", arg=[page.evaluate("Date.now()"), seconds * 1000])
    return page.evaluate("shifted"), page.evaluate("long")


def main() -> None:
    times, seconds = int(os.environ.get("N") or 5), float(os.environ.get("WATCH") or 10)
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder), "-w 1", settings=every_page.SETTINGS) as server,
        sync_playwright() as playwright,
    ):
        every_page.furnish(server)
        browser = playwright.chromium.launch(executable_path=CHROMIUM.find(), args=CHROMIUM_ARGUMENTS)
        print(f"From the browser, median of {times} loads (slowest), then {seconds:g} s live; {machine.line()}\n")
        print("| page | first paint ms | first load bytes | layout shift | tasks over 50 ms |\n|" + " --- |" * 5)
        for name in PAGES:
            address = server.url + every_page.SIGNED_IN[name]
            took, sent = painted(browser, address, times)
            with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
                context.add_init_script(WATCHING)
                page = context.new_page()
                page.goto(address)
                shifted, long = watched(page, seconds)
            tasks = f"{len(long)}" + (f" (longest {max(long):.0f} ms)" if long else "")
            first = f"{statistics.median(took):.0f} ({took[-1]:.0f})"
            print(f"| {name} | {first} | {sent} | {shifted:.4f} | {tasks} |", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
