"""Requests that somebody might send who means no good: each of a route of the table, well-formed or far from it."""

from __future__ import annotations

import json
import random
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.pages.routes import MAY, ROWS, Row

MARK = "xqz"
"""The tag of which no answer may have one."""
HOSTILE = (
    f'"><{MARK} onmouseover=alert(1)>',
    f"</script><{MARK}>",
    f"'\"><img src=x onerror=alert(1)><{MARK}/>",
    f"javascript:alert(1)//<{MARK}>",
    "{{7*7}}",
    "${7*7}",
    "' OR '1'='1",
    "1; DROP TABLE book; --",
    '" UNION SELECT password_hash FROM poolhouse_account --',
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "\x00",
    "\r\nSet-Cookie: poolhouse=evil",
    "%0d%0aX-Evil: 1",
    "\ud800",
    "\u202e\u0000\ufeff",
    "A" * 3_000,
    "9" * 400,
    "-1",
    "1e309",
    "NaN",
    "null",
    "true",
    "~",
    "~00",
    "a,b,c",
    "__class__",
    "__init__.__globals__",
    "//evil.example",
    "https://evil.example/",
    "\\\\evil.example",
)
NAMES = ("q", "sort", "where", "size", "after", "before", "columns", "f.name.eq", "f.id.in", "format", "next", "back",
         "new", "edit", "beside", "from", "for", "topics", "who", "act", "database", "seen", "values.name", "dry_run",
         "group", "range", "pool")  # fmt: skip
HEADERS = ("Accept", "HX-Request", "HX-Target", "HX-Current-URL", "Origin", "Referer", "X-Forwarded-For",
           "Cookie", "If-None-Match", "Range", "Accept-Encoding", "Sec-Fetch-Site", "X-CSRF-Token",
           "X-HTTP-Method-Override")  # fmt: skip
LEFT_OUT = {"/logout", "/stream"}
"""They would end the walk, or last for a minute."""
WALKED = [row for row in ROWS if row.rule not in LEFT_OUT]
ACTORS = ("nobody", "viewer", "editor", "admin")


@dataclass(frozen=True)
class Request:
    actor: str
    row: Row
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    is_well_formed: bool = False

    @property
    def may(self) -> bool:
        return self.row.kind in MAY[self.actor]


texts = st.text(max_size=40)
documents = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts, st.sampled_from(HOSTILE)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


@dataclass(frozen=True)
class Odds:
    """Odd things that requests are put together from, each anew by `chance`."""

    texts: tuple[str, ...]
    documents: tuple[Any, ...]
    blobs: tuple[bytes, ...]
    chance: random.Random

    def text(self) -> str:
        return self.chance.choice(self.texts)

    def name(self) -> str:
        return self.chance.choice(NAMES) if self.chance.random() < 0.7 else self.text()

    def pairs(self, most: int) -> str:
        pairs = [(self.name(), self.text()) for _ in range(self.chance.randint(0, most))]
        return "&".join(f"{_quoted(name)}={_quoted(text)}" for name, text in pairs)


@st.composite
def batches(draw: Any, given: dict[str, str], count: int) -> list[Request]:
    """given: what stands for `{w}`, `{author}` and the like in the table."""
    odds = Odds(
        (*HOSTILE, *draw(st.lists(texts, min_size=5, max_size=5))),
        tuple(draw(st.lists(documents, min_size=5, max_size=5))),
        tuple(draw(st.lists(st.binary(max_size=200), min_size=3, max_size=3))),
        random.Random(draw(st.integers(0, 2**32))),
    )
    return [_request(odds, given) for _ in range(count)]


def _request(odds: Odds, given: dict[str, str]) -> Request:
    chance = odds.chance
    row, actor = chance.choice(WALKED), chance.choice(ACTORS)
    headers = {"Accept": chance.choice(["application/json", "text/html"])}
    plain, body = _filled(row.path, given), None
    if row.method == "POST":
        body = _filled(json.dumps(row.given or {}), given).encode()
        headers["Content-Type"] = "application/json"
    if chance.random() < 0.25:
        return Request(actor, row, plain, body, headers, is_well_formed=True)
    path = plain if chance.random() < 0.5 else _hostile_path(row, odds)
    if chance.random() < 0.5:
        path += ("&" if "?" in path else "?") + odds.pairs(4)
    if row.method == "POST":
        body, headers["Content-Type"] = _body(row, odds)
    for _ in range(chance.randint(0, 2)):
        value = odds.text().encode("latin-1", "replace").decode("latin-1")
        headers[chance.choice(HEADERS)] = "".join(letter for letter in value if letter.isprintable())[:500]
    return Request(actor, row, path[:3_500], body, headers)


def _hostile_path(row: Row, odds: Odds) -> str:
    return "/".join(_quoted(odds.text()) if "<" in part else part for part in row.rule.split("/"))


def _body(row: Row, odds: Odds) -> tuple[bytes, str]:
    chance = odds.chance
    sample = row.given if isinstance(row.given, dict) else {}
    names = [*sample, "values", "version", "name", odds.text()]
    mutated = {chance.choice(names): chance.choice(odds.documents) for _ in range(chance.randint(0, 3))}
    as_json = json.dumps({**sample, **mutated} if chance.random() < 0.7 else chance.choice(odds.documents))
    return chance.choice(
        [
            (as_json.encode(), "application/json"),
            (as_json.encode(), "application/json"),
            (odds.pairs(6).encode(), "application/x-www-form-urlencoded"),
            (chance.choice(odds.blobs), "application/json"),
            (chance.choice(odds.blobs), "multipart/form-data; boundary=x"),
            (chance.choice(odds.blobs), chance.choice(["text/csv", "text/xml", "image/png", ""])),
        ]
    )


def _filled(text: str, given: dict[str, str]) -> str:
    for name, value in given.items():
        text = text.replace("{" + name + "}", value)
    return text


def _quoted(text: str) -> str:
    return urllib.parse.quote(text.encode("utf-8", "surrogatepass"), safe="")
