"""Orders in a database: SQLite with demo orders, or your own PostgreSQL.

    python -m callfleet_worker.agents.order_book postgresql://user:password@host/database

creates the table in a database of yours and fills it with the demo orders.
"""

import asyncio
import re
import sys
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Column, Date, MetaData, String, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateTable

CONNECT_SECONDS = 3
_NUMBER = re.compile(r"[A-Z]{0,3}[0-9]{3,12}")
_SPOKEN_BETWEEN = re.compile(r"[\s\-_.,#]+")
_DEMO_DAY = date(2026, 11, 2)
_ASYNC_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}

metadata = MetaData()
orders = Table(
    "orders",
    metadata,
    Column("number", String(15), primary_key=True),
    Column("status", String(40), nullable=False),
    Column("items", String(400), nullable=False),
    Column("placed_on", Date, nullable=False),
    Column("expected_on", Date, nullable=True),
)


class DatabaseUrlError(ValueError):
    """The database cannot be used; the message says why, without the password."""


class OrderBookUnavailableError(Exception):
    """The database did not answer; what it said is in the cause, and may hold secrets."""


@dataclass(frozen=True, slots=True)
class Order:
    """One order, as much as an agent may tell of it."""

    number: str
    status: str
    items: str
    placed_on: date
    expected_on: date | None


DEMO_ORDERS: tuple[Order, ...] = (
    Order("1042", "shipped", "two garden chairs", _DEMO_DAY, _DEMO_DAY + timedelta(days=4)),
    Order("1043", "being packed", "a reading lamp", _DEMO_DAY, _DEMO_DAY + timedelta(days=6)),
    Order("1044", "delivered", "a coffee grinder", _DEMO_DAY - timedelta(days=9), None),
    Order("1045", "cancelled", "a desk", _DEMO_DAY - timedelta(days=3), None),
)


def order_number(spoken: str) -> str | None:
    """Read an order number as people say it ("10 42", "a-1042"); None where it cannot be one."""
    written = _SPOKEN_BETWEEN.sub("", spoken).upper()
    return written if _NUMBER.fullmatch(written) else None


class OrderBook:
    """Looks orders up. Opened at its first use; close it when the call ends."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._ready = False
        self._lock = asyncio.Lock()

    async def find(self, number: str) -> Order | None:
        """Return the order of that number, or None where there is none.

        Raises:
            OrderBookUnavailableError: the database is not there, or answered with an error.

        """
        try:
            await self._prepare()
            async with self._engine.connect() as connection:
                row = (await connection.execute(select(orders).filter_by(number=number))).first()
        except (SQLAlchemyError, OSError) as error:
            message = f"the order book could not be read ({type(error).__name__})"
            raise OrderBookUnavailableError(message) from error
        return None if row is None else Order(*row)

    async def close(self) -> None:
        """Give the connections back."""
        await self._engine.dispose()

    async def _prepare(self) -> None:
        """Make the demo orders. Only in SQLite: nobody's own database is filled with fiction."""
        async with self._lock:
            if not self._ready and self._engine.dialect.name == "sqlite":
                async with self._engine.begin() as connection:
                    await fill_with_demo_orders(connection)
            self._ready = True


async def fill_with_demo_orders(connection: AsyncConnection) -> None:
    """Create the table and the demo orders where they are missing; ten processes may do it."""
    await connection.execute(CreateTable(orders, if_not_exists=True))
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    rows = [
        {column.name: getattr(order, column.name) for column in orders.columns}
        for order in DEMO_ORDERS
    ]
    await connection.execute(dialect.insert(orders).on_conflict_do_nothing(), rows)


def _engine(url: str) -> AsyncEngine:
    try:
        parsed = make_url(url)
        driver = _ASYNC_DRIVERS.get(parsed.drivername, parsed.drivername)
        options = {"timeout": CONNECT_SECONDS}
        return create_async_engine(
            parsed.set(drivername=driver), connect_args=options, pool_size=1, max_overflow=2
        )
    except (ArgumentError, ImportError, TypeError) as error:
        message = (
            "CALLFLEET_DATABASE_URL is no database that orders can be read from "
            f"({type(error).__name__}): write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        )
        raise DatabaseUrlError(message) from error


async def _fill(url: str) -> None:
    engine = _engine(url)
    async with engine.begin() as connection:
        await fill_with_demo_orders(connection)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(_fill(sys.argv[1]))
