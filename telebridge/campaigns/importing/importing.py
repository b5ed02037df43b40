"""Imports the contacts of a CSV into a campaign, for the commands and the API.

Rows are read in batches. Worker processes parse numbers and zones, which cost most; results are written in the order of
the file. Only a few batches are under way at once, so memory does not grow with the file. `filling.fill_campaign` adds
what surrounds the import of a campaign.

One rule: the store keeps the position of the import together with the contacts, so that an interrupted import resumes
at that position, and no row is lost or taken twice.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Protocol

from typing_extensions import override

from telebridge.campaigns.definition.model import CampaignDefinition
from telebridge.campaigns.engine.contact import Added, NewContact
from telebridge.campaigns.importing.csv_file import ContactFile, CsvRow
from telebridge.campaigns.importing.reader_processes import Spawning
from telebridge.campaigns.importing.rejects import RejectFile, check_place
from telebridge.campaigns.importing.row import (
    ColumnLayout,
    RejectedRow,
    layout_of,
    read_row,
)
from telebridge.errors import TelebridgeError

BATCH_ROWS = 5000
BATCH_CHARACTERS = 8_000_000
BATCHES_AHEAD = 2


class ContactSink(Protocol):
    """Where contacts go: a campaign's store."""

    async def add(self, campaign_id: str, contacts: Sequence[NewContact], *, upto_line: int) -> Added:
        """Keep the contacts and the line up to which the file is done, both or neither."""
        ...


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """The progress of an import, and in the end its result.

    Args:
        rows: Rows taken in this run.
        added: Contacts that are new.
        duplicates: Rows whose number the campaign had already.
        updated: Contacts among these that were not called yet and got the data of the row.
        rejected: Rows that are no contacts.
        empty: Rows of nothing but delimiters and blanks, which are passed over; not among `rows`.
        bytes_read: How much of the file has been read.
        total_bytes: How large the file is.
        seconds: How long it has been running.
        upto_line: Everything up to this line is in the store or among the rejects.
    """

    total_bytes: int
    rows: int = 0
    added: int = 0
    duplicates: int = 0
    updated: int = 0
    rejected: int = 0
    empty: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    upto_line: int = 0

    @property
    def rows_per_second(self) -> float:
        """The rate so far."""
        return self.rows / self.seconds if self.seconds > 0 else 0.0


def check_import(path: Path, definition: CampaignDefinition, *, rejects: Path, needs: Iterable[str] = ()) -> None:
    """Refuse, before anything is done, a file that cannot be imported; see `import_contacts` for the arguments.

    Raises:
        ConfigurationError: It cannot be read as the campaign wants it, or the rejects cannot be written.
    """
    with ContactFile(path, delimiter=definition.delimiter) as file:
        layout_of(file.header, definition.columns, where=file.where, needs=needs)
    check_place(rejects, imported=path)


async def import_contacts(  # noqa: PLR0913 - each is a choice of its caller
    path: Path,
    definition: CampaignDefinition,
    sink: ContactSink,
    *,
    campaign_id: str,
    rejects: Path,
    needs: Iterable[str] = (),
    resume_after_line: int = 0,
    on_progress: Callable[[ImportProgress], None] | None = None,
    workers: int | None = None,
) -> ImportProgress:
    """Import a file.

    Args:
        path: The CSV.
        definition: The campaign, which says how rows are read.
        sink: Where the contacts go.
        campaign_id: The campaign, as the sink knows it.
        rejects: Where the rows that are no contacts go, as a CSV.
        needs: The variables that the flow needs; a row without one is no contact.
        resume_after_line: The position of an earlier run, as the store has it.
        on_progress: Called after each batch; None for no-op.
        workers: How many processes read numbers; as many as there are cores when not given. 0 reads a small file in
            this process, one import at a time: starting another takes seconds.

    Raises:
        ConfigurationError: The file cannot be read as the campaign wants it, or the rejects cannot be written.
        CampaignImportBroken: A process died; the import can be resumed.
    """
    with ContactFile(path, delimiter=definition.delimiter) as file:
        layout = layout_of(file.header, definition.columns, where=file.where, needs=needs)
        count = (workers or 1) if workers is not None else os.cpu_count() or 1
        with (
            RejectFile(rejects, layout.header, imported=path, keep_upto_line=resume_after_line) as reject_file,
            _readers(workers, count, layout, definition) as pool,
        ):
            run = _Run(file, sink, reject_file, campaign_id=campaign_id, on_progress=on_progress)
            try:
                return await run.all(pool, file.rows(after_line=resume_after_line), ahead=count * BATCHES_AHEAD)
            except BrokenProcessPool as error:
                raise CampaignImportBroken(run.upto_line) from error
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


class CampaignImportBroken(TelebridgeError):
    """A process that reads numbers died; what the store has is right, and the import can go on behind it."""

    def __init__(self, upto_line: int) -> None:
        super().__init__(upto_line)
        self.upto_line = upto_line

    @override
    def __str__(self) -> str:
        return f"a process of the import died (out of memory?) after line {self.upto_line}; run the import again"


RowBatch = list[CsvRow | RejectedRow]
ImportResult = tuple[list[NewContact], list[RejectedRow]]


@dataclass(frozen=True, slots=True)
class _BatchEnd:
    """Where in the file a batch ends."""

    rows: int
    last_line: int
    bytes_read: int


class _Run:
    """One import under way."""

    def __init__(
        self,
        file: ContactFile,
        sink: ContactSink,
        rejects: RejectFile,
        *,
        campaign_id: str,
        on_progress: Callable[[ImportProgress], None] | None,
    ) -> None:
        self._file = file
        self._sink = sink
        self._rejects = rejects
        self._campaign_id = campaign_id
        self._on_progress = on_progress
        self._progress = ImportProgress(total_bytes=file.total_bytes)

    @property
    def upto_line(self) -> int:
        """How far the store is."""
        return self._progress.upto_line

    async def all(self, pool: Executor, rows: Iterator[CsvRow | RejectedRow], *, ahead: int) -> ImportProgress:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        under_way: deque[tuple[_BatchEnd, asyncio.Future[ImportResult]]] = deque()
        more = True
        while more or under_way:
            while more and len(under_way) < ahead:
                batch = await asyncio.to_thread(_next_batch, rows)
                more = bool(batch)
                if batch:
                    end = _BatchEnd(len(batch), _last_line(batch[-1]), self._file.bytes_read)
                    under_way.append((end, loop.run_in_executor(pool, read_batch, batch)))
            if under_way:
                end, result = under_way.popleft()
                await self._write(end, await result, seconds=lambda: loop.time() - begun)
        self._progress = replace(self._progress, empty=self._file.empty_rows)  # those behind the last row
        return self._progress

    async def _write(self, end: _BatchEnd, result: ImportResult, *, seconds: Callable[[], float]) -> None:
        """Write a batch, the rejects first: should the store fail, a resumed import writes them again."""
        contacts, rejects = result
        await asyncio.to_thread(self._rejects.write, rejects)
        added = await self._sink.add(self._campaign_id, contacts, upto_line=end.last_line)
        before = self._progress
        self._progress = replace(
            before,
            rows=before.rows + end.rows,
            added=before.added + added.added,
            duplicates=before.duplicates + added.duplicates,
            updated=before.updated + added.updated,
            rejected=before.rejected + len(rejects),
            empty=self._file.empty_rows,
            bytes_read=end.bytes_read,
            seconds=seconds(),
            upto_line=end.last_line,
        )
        if self._on_progress is not None:
            self._on_progress(self._progress)


def _readers(workers: int | None, count: int, layout: ColumnLayout, definition: CampaignDefinition) -> Executor:
    if workers == 0:
        return ThreadPoolExecutor(1, initializer=_set_up, initargs=(layout, definition))
    return ProcessPoolExecutor(count, mp_context=Spawning(), initializer=_set_up, initargs=(layout, definition))


def _next_batch(rows: Iterator[CsvRow | RejectedRow]) -> RowBatch:
    """The next rows: fewer of them when they are long."""
    batch: RowBatch = []
    characters = 0
    for row in islice(rows, BATCH_ROWS):
        batch.append(row)
        characters += 0 if isinstance(row, RejectedRow) else sum(map(len, row[2]))
        if characters >= BATCH_CHARACTERS:
            break
    return batch


def _last_line(row: CsvRow | RejectedRow) -> int:
    return row.line if isinstance(row, RejectedRow) else row[1]


_instructions: tuple[ColumnLayout, CampaignDefinition] | None = None
"""How this process reads rows: given once, because each batch would carry it otherwise."""


def _set_up(layout: ColumnLayout, definition: CampaignDefinition) -> None:
    global _instructions  # a worker process reads for one import only
    _instructions = layout, definition


def read_batch(batch: RowBatch) -> ImportResult:
    """The contacts and the rejects of a batch, in the process that was set up for it."""
    if _instructions is None:
        raise RuntimeError("this process was not set up to read rows")
    layout, definition = _instructions
    contacts: list[NewContact] = []
    rejects: list[RejectedRow] = []
    for row in batch:
        read = row if isinstance(row, RejectedRow) else read_row(row[2], layout, definition, line=row[0])
        if isinstance(read, RejectedRow):
            rejects.append(read)
        else:
            contacts.append(read)
    return contacts, rejects
