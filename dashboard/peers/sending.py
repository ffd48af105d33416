"""How is an errand brought to another worker of this machine? One request on its socket."""

from __future__ import annotations

import http.client
import socket

from .places import is_ours

CONNECT_SECONDS = 1.0


class Unreached(Exception):
    """The worker does not listen: nothing was said to it."""


class Unanswered(Exception):
    """It heard, and its answer did not come. slow: it may be doing it still; else it ended meanwhile."""

    def __init__(self, *, slow: bool) -> None:
        super().__init__("slow" if slow else "ended")
        self.slow = slow


class _Unix(http.client.HTTPConnection):
    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path, self._seconds = path, seconds

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(CONNECT_SECONDS)
        self.sock.connect(self._path)
        self.sock.settimeout(self._seconds)


def send(path: str, said: bytes, seconds: float) -> bytes:
    """What it answers. Raises Unreached or Unanswered."""
    if not is_ours(path):
        raise Unreached
    connection = _Unix(path, seconds)
    try:
        try:
            connection.connect()
        except OSError as error:
            raise Unreached from error
        try:
            connection.request("POST", "/", said, {"Content-Type": "application/octet-stream", "Connection": "close"})
            answer = connection.getresponse()
            body = answer.read()
        except TimeoutError as error:
            raise Unanswered(slow=True) from error
        except (OSError, http.client.HTTPException) as error:
            raise Unanswered(slow=False) from error
    finally:
        connection.close()
    if answer.status == 403:  # its key is another one: it is no worker of this dashboard
        raise Unreached
    if answer.status != 200:
        raise Unanswered(slow=False)
    return body
