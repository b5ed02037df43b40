"""Rows of a store in batches."""

from collections.abc import AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def in_batches(rows: AsyncIterator[T], size: int) -> AsyncIterator[list[T]]:
    """Yield the rows in lists of `size`, and what is left in a last one; none when there are no rows."""
    batch: list[T] = []
    async for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
