"""How does gunicorn serve Poolhouse? It reads this file by itself; its own options and GUNICORN_CMD_ARGS still win."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

bind = f"{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or '8000'}"
workers = int(os.environ.get("WEB_CONCURRENCY") or 4)
worker_class = "gthread"
threads = 16
keepalive = 5
graceful_timeout = 10
control_socket_disable = True  # its default path is one for the whole account: a second server would take it over

if Path("/dev/shm").is_dir():
    worker_tmp_dir = "/dev/shm"  # the heartbeat file must not wait for a disk


def when_ready(server: Any) -> None:
    """Loads what all workers have in common, makes what a first start needs and prints the sign-in link, once, before
    there is any worker."""
    import dashboard.app  # loaded only: an app, its connections and threads are made after the fork

    gc.collect()
    gc.freeze()
    # another process opens the store: what the master opens, every worker would inherit
    first = multiprocessing.get_context("fork").Process(target=_announce, args=(dashboard.app.announce, server))
    first.start()
    first.join()
    if first.exitcode:
        server.halt(reason="the first start failed", exit_status=first.exitcode)


def _announce(announce: Callable[[], str], server: Any) -> None:
    from dashboard.config import WrongSetting
    from dashboard.refusal import Refusal

    os.environ.update(_address(server))
    try:
        said = announce()
    except WrongSetting as wrong:
        sys.exit(str(wrong))
    except Refusal as refusal:
        sys.exit(f"{refusal} {refusal.remedy}")
    if said.strip():
        print(said.strip(), flush=True)


def post_worker_init(worker: Any) -> None:
    """Threads and the ledger start here: never before a fork. Streams need to know how many threads there are, and when
    to end."""
    if runtime := _runtime(worker):
        runtime.streams.serve(worker.cfg.threads, lambda: not worker.alive)
        runtime.start()
    gc.collect()
    gc.freeze()  # what was imported stays: a full collection, which may fall into any request, need not walk through it


def worker_exit(server: Any, worker: Any) -> None:
    """Gives every connection back and says the last word to the ledger."""
    if runtime := _runtime(worker):
        runtime.stop()


def _runtime(worker: Any) -> Any:
    """None where the worker ended before its app was made, where DASHBOARD_ENABLED is off, and where Poolhouse could
    not start: then its pages say why."""
    found = getattr(worker.app.callable, "extensions", {}).get("poolhouse")
    return found if hasattr(found, "start") else None


def _address(server: Any) -> dict[str, str]:
    """HOST and PORT as they really are, for the link: `--bind` may have said something else, or port 0."""
    for listener in server.LISTENERS:
        address = listener.sock.getsockname()
        if isinstance(address, tuple):
            host = "127.0.0.1" if address[0] in ("0.0.0.0", "::") else address[0]
            return {"HOST": host, "PORT": str(address[1])}
    return {}
