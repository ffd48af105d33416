"""How does a test walk through somebody's app as a browser does? With its cookies by path, its forms, no JavaScript."""

from __future__ import annotations

import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Seen:
    """One answer. location: the path that a redirect leads to."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def location(self) -> str:
        parts = urllib.parse.urlsplit(self.headers["Location"] or "")
        return urllib.parse.urlunsplit(("", "", *parts[2:]))

    def token(self, name: str = "csrf") -> str:
        """The token in the forms of this page."""
        found = re.search(rf'name="{name}" value="([^"]+)"', self.text)
        assert found, self.text
        return found.group(1)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> None:
        return None


class Visitor:
    """A browser with cookies of its own, at one server. Redirects are not followed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies = http.cookiejar.CookieJar()
        processor = urllib.request.HTTPCookieProcessor(self.cookies)
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), processor, _Stay())

    def get(self, path: str, **headers: str) -> Seen:
        return self._ask(urllib.request.Request(self.url + path, headers={"Accept": "text/html", **headers}))

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> Seen:
        body = urllib.parse.urlencode(form).encode()
        return self._ask(urllib.request.Request(self.url + path, body, {"Accept": "text/html", **headers}))

    def json(self, path: str, data: Any = None, **headers: str) -> Seen:
        sent = {"Accept": "application/json", "Content-Type": "application/json", **headers}
        body = None if data is None else json.dumps(data).encode()
        return self._ask(urllib.request.Request(self.url + path, body, sent))

    def _ask(self, request: urllib.request.Request) -> Seen:
        try:
            with self._opener.open(request, timeout=30) as answer:
                return Seen(answer.status, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as answer:
            with answer:
                return Seen(answer.code, answer.headers, answer.read().decode())
