"""Where does a worker listen for the others? A socket in a folder that only this account can enter."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LONGEST = 103
"""Bytes of a Unix socket's path: 107 on Linux, 103 on macOS."""


def place(instance: Path, number: int) -> str:
    """The socket of this process's holder of transactions of that number; "" where no path is short enough.
    In the instance folder, else, where that lies too deep, in one of the account's own among the temporary files."""
    name = f"{os.getpid()}.{number}"
    paths = (str(folder / name) for folder in _folders(instance))
    return next((path for path in paths if len(os.fsencode(path)) <= LONGEST), "")


def _folders(instance: Path) -> Iterator[Path]:
    yield instance.absolute() / "peers"
    with suppress(OSError):  # on a full disk there is no folder for temporary files
        yield Path(tempfile.gettempdir()).absolute() / f"poolhouse-{os.getuid()}"


def prepare(path: str) -> None:
    """Makes the folder, and throws away the sockets that killed workers left in it.
    Raises OSError where the folder is not ours alone."""
    folder = Path(path).parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    folder.chmod(0o700)
    for other in folder.iterdir():
        pid = other.name.partition(".")[0]
        if pid.isdecimal() and not _is_there(int(pid)):
            with suppress(OSError):
                other.unlink()


def is_ours(path: str) -> bool:
    """A socket that this account made: nothing is said to any other."""
    try:
        found = Path(path).lstat()
    except (OSError, ValueError):
        return False
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == os.getuid()


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
