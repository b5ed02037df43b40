"""The file that a whole campaign is exported to: one JSON object a line, compressed by gzip.

The first line is the campaign with its plan. A line for each contact follows, with all its attempts, and one for each
entry of the do-not-call list that concerns the campaign; the last line counts them.

One rule: a file without its last line, or whose counts differ, is taken for broken, and nothing of it is imported.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from telebridge.campaigns.engine.administration import ArchivedContact
from telebridge.campaigns.engine.campaign import CampaignPlan
from telebridge.campaigns.engine.do_not_call import DoNotCallEntry
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.errors import ConfigurationError
from telebridge.private_files import open_private

VERSION = 1
ENDING = ".campaign.jsonl.gz"
COMPRESSION = 3
"""Higher levels take several times as long for a tenth less."""
LONGEST_LINE = 64_000_000


class ArchiveCounts(msgspec.Struct, frozen=True):
    """How many contacts, attempts and do-not-call entries an archive has."""

    contacts: int = 0
    attempts: int = 0
    do_not_call: int = 0


class ArchiveHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of an archive.

    Args:
        telebridge_campaign: The version of the format.
        exported_at: When it was written, ISO 8601.
        id: The campaign's, wherever it goes.
        status: How it stood.
        reason: Why.
        turn: How many calls its numbers had made, in turn.
        plan: What it is to do.
    """

    telebridge_campaign: int
    exported_at: str
    id: str
    status: CampaignStatus
    reason: str
    turn: int
    plan: CampaignPlan


class ArchiveLine(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Any further line: a contact, an entry of the do-not-call list, or the counts at the end."""

    contact: ArchivedContact | None = None
    do_not_call: DoNotCallEntry | None = None
    end: ArchiveCounts | None = None


class _Version(msgspec.Struct):
    telebridge_campaign: int


@dataclass(frozen=True, slots=True)
class CheckedArchive:
    """An archive that was read to its end.

    Args:
        path: The file.
        head: Its first line.
        counts: What is in it.
        digest: Tells its content from any other.
    """

    path: Path
    head: ArchiveHead
    counts: ArchiveCounts
    digest: str


class ArchiveWriter:
    """Writes an archive. The file is complete once `finish` was called."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        self._file = file
        self._encoder = msgspec.json.Encoder()
        self._counts = ArchiveCounts()

    def begin(self, head: ArchiveHead) -> None:
        """Write the first line."""
        self._write(head)

    def add_contact(self, contact: ArchivedContact) -> None:
        """Write a contact with its attempts."""
        known = self._counts
        attempts = known.attempts + len(contact.attempts)
        self._counts = ArchiveCounts(known.contacts + 1, attempts, known.do_not_call)
        self._write(ArchiveLine(contact=contact))

    def add_do_not_call(self, entry: DoNotCallEntry) -> None:
        """Write an entry of the do-not-call list."""
        self._counts = msgspec.structs.replace(self._counts, do_not_call=self._counts.do_not_call + 1)
        self._write(ArchiveLine(do_not_call=entry))

    def finish(self) -> ArchiveCounts:
        """Write the last line; returns what was written."""
        self._write(ArchiveLine(end=self._counts))
        return self._counts

    def _write(self, line: ArchiveHead | ArchiveLine) -> None:
        self._file.write(self._encoder.encode(line) + b"\n")


@contextmanager
def new_archive(path: Path) -> Iterator[ArchiveWriter]:
    """Write an archive beside its place, and put it there when all of it is written; it is readable by its owner alone.

    Raises:
        ConfigurationError: It cannot be written.
    """
    draft = path.with_name(f".{path.name}.new")
    try:
        with open_private(draft, "wb") as raw, gzip.GzipFile("", "wb", COMPRESSION, raw) as file:
            yield ArchiveWriter(file)
        draft.replace(path)
    except OSError as error:
        raise ConfigurationError(str(path), f"cannot be written ({error.strerror})", "choose another place") from error
    finally:
        draft.unlink(missing_ok=True)


def check_archive(path: Path) -> CheckedArchive:
    """Read an archive to its end and check every line of it.

    Raises:
        ConfigurationError: It cannot be read, is no archive, is of a newer release, or is not complete.
    """
    digest = hashlib.sha256()
    with _opened(path) as lines:
        head = _head(path, next(lines, b""), digest)
        counts, ended = ArchiveCounts(), False
        for number, line in _decoded(path, lines, digest):
            if ended:
                raise _broken(path, f"line {number} stands behind its end")
            ended = line.end is not None
            if line.end is not None and line.end != counts:
                raise _broken(path, "its last line counts otherwise")
            counts = _counted(counts, line)
    if not ended:
        raise _broken(path, "its end is missing")
    return CheckedArchive(path, head, counts, digest.hexdigest())


def archive_lines(archive: CheckedArchive, *, after_line: int = 0) -> Iterator[tuple[int, ArchiveLine]]:
    """The lines of an archive behind its first, with their numbers, those behind `after_line` alone.

    Raises:
        ConfigurationError: It was changed since it was checked.
    """
    digest = hashlib.sha256()
    with _opened(archive.path) as lines:
        digest.update(next(lines, b""))
        for number, line in _decoded(archive.path, lines, digest):
            if number > after_line:
                yield number, line
    if digest.hexdigest() != archive.digest:
        raise ConfigurationError(str(archive.path), "was changed while it was read", "import it again")


def _counted(counts: ArchiveCounts, line: ArchiveLine) -> ArchiveCounts:
    contacts, attempts, entries = counts.contacts, counts.attempts, counts.do_not_call
    if line.contact is not None:
        contacts, attempts = contacts + 1, attempts + len(line.contact.attempts)
    return ArchiveCounts(contacts, attempts, entries + (line.do_not_call is not None))


def _head(path: Path, line: bytes, digest: "hashlib._Hash") -> ArchiveHead:
    digest.update(line)
    hint = f"`telebridge campaign export NAME` writes NAME{ENDING}"
    try:
        version = msgspec.json.decode(line, type=_Version).telebridge_campaign
    except msgspec.MsgspecError as error:
        raise ConfigurationError(str(path), "is no exported campaign", hint) from error
    if version != VERSION:
        raise ConfigurationError(
            str(path), f"is of format {version}, and this release reads {VERSION}", "upgrade telebridge"
        )
    try:
        return msgspec.json.decode(line, type=ArchiveHead)
    except msgspec.MsgspecError as error:
        raise _broken(path, f"line 1: {error}") from error


def _decoded(path: Path, lines: Iterator[bytes], digest: "hashlib._Hash") -> Iterator[tuple[int, ArchiveLine]]:
    decoder = msgspec.json.Decoder(ArchiveLine)
    for number, line in enumerate(lines, 2):
        digest.update(line)
        try:
            yield number, decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise _broken(path, f"line {number}: {error}") from error


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[bytes]]:
    try:
        with gzip.open(path, "rb") as file:
            yield iter(lambda: file.readline(LONGEST_LINE), b"")
    except gzip.BadGzipFile as error:
        hint = f"`telebridge campaign export NAME` writes NAME{ENDING}"
        raise ConfigurationError(str(path), "is no exported campaign", hint) from error
    except (EOFError, zlib.error) as error:
        raise _broken(path, "it breaks off") from error
    except OSError as error:
        raise ConfigurationError(str(path), f"cannot be read ({error.strerror})") from error


def _broken(path: Path, problem: str) -> ConfigurationError:
    return ConfigurationError(str(path), f"is broken: {problem}", "export the campaign once more")


def as_json(counts: ArchiveCounts) -> Mapping[str, int]:
    """What an archive has, as plain values."""
    return msgspec.structs.asdict(counts)
