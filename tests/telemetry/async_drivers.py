"""What did an asynchronous driver really close? aiosqlite and psycopg that count for themselves, and that can die."""

from __future__ import annotations

import sqlite3

import aiosqlite
import psycopg


class CountedAiosqlite(aiosqlite.Connection):
    def __init__(self, path):
        super().__init__(lambda: sqlite3.connect(path), 64)
        self.daemon = True

    is_closed = False

    async def close(self):
        if not self.is_closed:
            self.is_closed = True
            self.counts["closes"] += 1
        await super().close()

    async def die(self):
        await super().close()


class CountedPsycopg(psycopg.AsyncConnection):
    is_closed = False

    async def close(self):
        if not self.is_closed:
            self.is_closed = True
            self.counts["closes"] += 1
        await super().close()

    async def die(self):
        await super().close()
