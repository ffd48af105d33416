"""A FastAPI program with an AsyncEngine that publishes its pool to a Poolhouse beside it. Nothing of Flask is in it.

Run it:            pip install poolhouse fastapi uvicorn aiosqlite "sqlalchemy[asyncio]"
                   POOLHOUSE=/var/lib/poolhouse uvicorn app:app
Poolhouse beside:  DATABASE_URL=none DASHBOARD_INSTANCE=/var/lib/poolhouse gunicorn "poolhouse:create_app()"
Then open its page Pools: the pool `invoices` is there.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from poolhouse.telemetry import scope, watch, watch_sessions
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///invoices.db"), pool_size=5)
Session = async_sessionmaker(engine)


class Base(DeclarativeBase):
    pass


class Invoice(Base):
    __tablename__ = "invoice"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # here, not at the import: each worker process publishes for itself
    watch(engine, name="invoices", publish=os.environ["POOLHOUSE"])
    watch_sessions(Session, registry="invoices")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/invoices/{customer}")
async def add(customer: str) -> int:
    with scope("add an invoice"):
        async with Session() as session:
            invoice = Invoice(customer=customer)
            session.add(invoice)
            await session.commit()
            await session.refresh(invoice)
            return invoice.id


@app.get("/invoices")
async def every() -> list[str]:
    with scope("list invoices"):
        async with Session() as session:
            return list(await session.scalars(select(Invoice.customer)))
