"""On what was it measured? One line for the head of a table."""

from __future__ import annotations

import datetime as dt
import os
import platform

import sqlalchemy as sa


def line() -> str:
    """Cores, versions and the day."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} cores, {python}, SQLAlchemy {sa.__version__}, {dt.date.today():%Y-%m-%d}"
