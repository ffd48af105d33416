"""How is the peers' database made? ROWS purchases, a tenth as many customers, the same on every machine.

usage: python -m tests.benchmarks.seed_db FOLDER/bROWS.db ROWS
"""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
import sys
from pathlib import Path

SCHEMA = """
PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;
CREATE TABLE customer (id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL, email VARCHAR(120) NOT NULL UNIQUE,
  city VARCHAR(60), signup_at DATETIME NOT NULL, balance NUMERIC(10,2) NOT NULL, active BOOLEAN NOT NULL);
CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer(id),
  product VARCHAR(80) NOT NULL, quantity INTEGER NOT NULL, price NUMERIC(10,2) NOT NULL, placed_at DATETIME NOT NULL,
  note TEXT);
"""
CITIES = ["Oslo", "Lima", "Cairo", "Kyoto", "Quito", "Turin", "Accra", "Perth", "Osaka", "Leeds"]
BEGIN = dt.datetime(2020, 1, 1)


def main() -> None:
    path, rows = Path(sys.argv[1]), int(sys.argv[2])
    customers = max(100, rows // 10)
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path)
    db.executescript(SCHEMA)
    r = random.Random(7)

    def moment() -> str:
        return (BEGIN + dt.timedelta(seconds=r.randrange(10**8))).strftime("%Y-%m-%d %H:%M:%S.000000")

    db.executemany(
        "INSERT INTO customer VALUES (?,?,?,?,?,?,?)",
        (
            (
                i,
                f"Customer {i}",
                f"c{i}@example.com",
                r.choice(CITIES),
                moment(),
                round(r.random() * 1000, 2),
                i % 7 != 0,
            )
            for i in range(1, customers + 1)
        ),
    )
    db.executemany(
        "INSERT INTO purchase VALUES (?,?,?,?,?,?,?)",
        (
            (
                i,
                r.randrange(1, customers + 1),
                f"Product {r.randrange(5000)}",
                r.randrange(1, 9),
                round(r.random() * 100, 2),
                moment(),
                None,
            )
            for i in range(1, rows + 1)
        ),
    )
    db.execute("CREATE INDEX ix_purchase_customer ON purchase(customer_id)")
    db.execute("CREATE INDEX ix_purchase_placed ON purchase(placed_at)")
    db.commit()
    db.execute("ANALYZE")
    db.commit()
    db.close()
    print(path, customers, rows)


if __name__ == "__main__":
    main()
