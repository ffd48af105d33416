"""How does a person press, write and choose: by mouse, or by the keyboard alone? A journey is written once for both."""

from __future__ import annotations

from weakref import WeakSet

from playwright.sync_api import BrowserContext, Locator, expect

BY_KEYS: WeakSet[BrowserContext] = WeakSet()
"""The windows in which nobody touches the mouse."""
MOST_TABS = 250

PLACE = """element => {
  const active = document.activeElement;
  if (active === element) return "there";
  if (active.type === "radio" && active.name === element.name && active.form === element.form) return "beside";
  return element.compareDocumentPosition(active) & Node.DOCUMENT_POSITION_FOLLOWING ? "before" : "behind";
}"""
"""Where an element is, seen from what has the focus."""
KEYS = {"beside": "ArrowDown", "before": "Shift+Tab", "behind": "Tab"}
TEXT = "(select, wanted) => [...select.options].find(({value, text}) => value === wanted || text === wanted).text"


def uses_keys(target: Locator) -> bool:
    return target.page.context in BY_KEYS


def reach(target: Locator) -> None:
    """Tab, or Shift and Tab, until it has the focus: what cannot be reached so fails here."""
    expect(target).to_be_visible()
    for _ in range(MOST_TABS):
        place = target.evaluate(PLACE)
        if place == "there":
            return
        target.page.keyboard.press(KEYS[place])
    raise AssertionError(f"{target} was not reached by {MOST_TABS} tabs")


def press(target: Locator) -> None:
    """A link, a button, the summary of what folds."""
    if not uses_keys(target):
        target.click()
        return
    expect(target).to_be_enabled()
    reach(target)
    target.page.keyboard.press("Enter")


def write(field: Locator, text: str) -> None:
    """Instead of what stands there."""
    if not uses_keys(field):
        field.fill(text)
        return
    reach(field)
    field.page.keyboard.press("Control+a")
    field.page.keyboard.press("Delete")
    field.page.keyboard.type(text)


def choose(select: Locator, wanted: str) -> None:
    """One of its options, by its value or its words."""
    if not uses_keys(select):
        select.select_option(wanted)
        return
    reach(select)
    words = select.evaluate(TEXT, wanted)
    select.page.keyboard.type(words)
    expect(select.locator("option:checked")).to_have_text(words)


def tick(box: Locator, *, on: bool = True) -> None:
    """A checkbox or a radio."""
    if not uses_keys(box):
        box.set_checked(on)
        return
    reach(box)
    if box.is_checked() != on:
        box.page.keyboard.press("Space")
    expect(box).to_be_checked(checked=on)


def give(field: Locator, name: str, kind: str, text: str) -> None:
    """A file, out of the browser's own window of files."""
    file = {"name": name, "mimeType": kind, "buffer": text.encode()}
    if not uses_keys(field):
        field.set_input_files([file])
        return
    reach(field)
    with field.page.expect_file_chooser() as opened:
        field.page.keyboard.press("Enter")
    opened.value.set_files([file])
