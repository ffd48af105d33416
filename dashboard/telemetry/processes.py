"""Who is this process, and is that one still there? Used by the ledger and by open transactions,
which both must outlive a process."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One process of one boot of one machine. started: clock ticks since boot,
    so that a reused pid is another process."""

    host: str
    boot: str
    pid: int
    started: int

    def __str__(self) -> str:
        return f"{self.host}/{self.boot}/{self.pid}/{self.started}"

    @classmethod
    def parse(cls, text: str) -> Process:
        host, boot, pid, started = text.rsplit("/", 3)
        return cls(host, boot, int(pid), int(started))


def this_process() -> Process:
    """The calling process; asked anew each time because a fork changes the answer."""
    pid = os.getpid()
    return Process(socket.gethostname(), _boot(), pid, _started(pid) or 0)


def is_elsewhere(process: Process) -> bool:
    return process.host != socket.gethostname()


def is_gone(process: Process) -> bool:
    """True only when it is certain: its pid is gone, or belongs to another process now.
    Another machine's process is never known to be gone."""
    if is_elsewhere(process):
        return False
    if process.boot != _boot():
        return True
    started = _started(process.pid)
    return started is None or (process.started != 0 and started != 0 and started != process.started)


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return "unknown"


def _started(pid: int) -> int | None:
    """Start time in clock ticks; None when there is no such process; 0 where the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
        return _started_without_proc(pid)
    except OSError:
        return 0
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX":  # a zombie has ended: only its parent has not asked yet
        return None
    return int(fields[19])


def _started_without_proc(pid: int) -> int | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return 0
    return 0
