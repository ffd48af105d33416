"""How does a worker hear of actions on the transactions that it holds? By a few threads of its own on a private socket,
so that it is heard while every thread that serves pages waits."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import waitress.server
from waitress import wasyncore

from .places import prepare

log = logging.getLogger("poolhouse")
NAME = "poolhouse-peers"
GRACE_SECONDS = 5.0


class Listener:
    """Answers bytes with bytes. It begins with the first transaction that is open here: a worker that never has one has
    no thread and no socket. A forked child begins anew.

    answer: called in a thread of ours; None for what is not signed by us.
    """

    def __init__(self, answer: Callable[[bytes], bytes | None], path: Callable[[], str], threads: int) -> None:
        self._answer, self._path, self._threads = answer, path, threads
        self._guard = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._server: Any = None
        self._thread: threading.Thread | None = None

    def listen(self) -> None:
        """Harmless when it listens. Where it cannot, actions are not passed on to this worker: they are told who holds
        the transaction."""
        self._after_fork()
        if self._server is None:
            with self._guard:
                self._start()

    def _start(self) -> None:
        path = self._path()
        if self._server is not None or not path:
            return
        try:
            prepare(path)
            server = self._made(path)
            thread = threading.Thread(target=server.run, name=NAME, daemon=True)
            thread.start()
        except (OSError, RuntimeError) as error:  # RuntimeError: no more threads
            log.error("this worker cannot listen for the others: %s", error)
            return
        self._server, self._thread = server, thread

    def _made(self, path: str) -> Any:
        return waitress.server.create_server(
            self._serve,
            unix_socket=path,
            unix_socket_perms="600",
            threads=self._threads,
            ident=None,
            connection_limit=1_000,
            clear_untrusted_proxy_headers=False,
        )

    def _serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        said = self._answer(environ["wsgi.input"].read())
        status = "403 Forbidden" if said is None else "200 OK"
        start_response(status, [("Content-Length", str(len(said or b""))), ("Content-Type", "application/json")])
        return [said or b""]

    def close(self) -> None:
        """What is being done is finished and answered; nothing new is taken."""
        self._after_fork()
        with self._guard:
            server, thread = self._server, self._thread
            self._begin()
        if server is None or thread is None:
            return
        with suppress(OSError):
            Path(server.adj.unix_socket).unlink()
        server.task_dispatcher.shutdown(timeout=GRACE_SECONDS)
        _wait_for_answers(server)
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map, ignore_all=True))
        thread.join(GRACE_SECONDS)

    def _after_fork(self) -> None:
        """The parent's socket is not ours to answer, and who asks it must not wait for us."""
        if os.getpid() != self._pid:
            server = self._server
            self._guard = threading.Lock()
            self._begin()
            if server is not None:
                server.socket.close()


def _wait_for_answers(server: Any) -> None:
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        if not any(channel.total_outbufs_len for channel in list(server.active_channels.values())):
            return
        time.sleep(0.01)
