"""Which keys do the pages know, and what does each do? On every page by `?`, and on a page of their own."""

from __future__ import annotations

Key = tuple[tuple[str, ...], str]

KEYS: tuple[tuple[str, tuple[Key, ...]], ...] = (
    (
        "Anywhere",
        (
            (("Ctrl", "K"), "go to a page, a model, a record, a workspace, or do something"),
            (("/",), "search on this page"),
            (("?",), "these keys"),
            (("Esc",), "closes what is open, leaves a field"),
        ),
    ),
    (
        "In a list, or on a record",
        (
            (("j",), "the next row"),
            (("k",), "the row before"),
            (("Enter",), "opens the row"),
            (("c",), "new"),
            (("e",), "edit"),
            (("s",), "stage"),
        ),
    ),
    (
        "While something is changed",
        (
            (("Ctrl", "S"), "save, or commit"),
            (("Ctrl", "Z"), "undo, in a workspace"),
            (("Ctrl", "Shift", "Z"), "redo, in a workspace"),
        ),
    ),
    (
        "On a pool's lanes",
        (
            (("←", "→"), "from bar to bar"),
            (("↑", "↓"), "from connection to connection"),
            (("Enter",), "who it is"),
        ),
    ),
)
"""By where they count. On a Mac, Cmd in place of Ctrl: keys.js writes it."""
