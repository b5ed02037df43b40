"""Says in one line why a database cannot be used, and what its owner can do.

One rule: nothing of an address that may hold a password is repeated.
"""

import socket
from pathlib import Path

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from telebridge.errors import ConfigurationError

SETTING = "database.url"

SQLITE_HINTS = {
    "file is not a database": "name another file, or move this one away",
    "unable to open database file": "let the user of this process write to '{folder}', or choose another folder",
    "readonly database": "let the user of this process write to '{file}' and to its folder",
    "disk is full": "make room on the disk of '{folder}', or choose a folder on another one",
    "disk i/o error": "look after the disk of '{folder}', or choose a folder on another one",
    "database is locked": "stop the program that holds it, or wait for it",
    "malformed": "restore the file from a backup, or name another one",
}
"""What to do, by a part of SQLite's message. Source: sqlite.org/rescode.html."""
POSTGRESQL_HINTS = {
    "28": "correct the user name and the password, or what pg_hba.conf allows",
    "3D": "create the database, or correct its name",
    "42501": "let the user create tables in the database",
    "53": "give PostgreSQL more room, or more connections",
    "57": "wait until PostgreSQL has started, and start again",
}
"""What to do, by the beginning of the SQLSTATE. Source: PostgreSQL, "PostgreSQL Error Codes"."""

POOLER_HINTS = {
    "unsupported startup parameter": "leave that keyword out of database.url, or put it in PgBouncer's"
    " ignore_startup_parameters",
    "statement pooling mode": "set PgBouncer's pool_mode to transaction or session",
    "rejected SSL upgrade": "let the server use TLS, or write sslmode=prefer",
    "CERTIFICATE_VERIFY_FAILED": "name the certificate of the authority with sslrootcert, and the host as in the"
    " server's certificate",
}
"""What to do, by a part of the message: these come from poolers, or from TLS."""


class DatabaseUnusable(ConfigurationError):
    """The database is away, or is none; it may be there at another time."""


def is_failure(error: Exception) -> bool:
    """Whether an error says that the database cannot be used; asyncpg raises its own while it connects."""
    if isinstance(error, DBAPIError | OSError) or isinstance(getattr(error, "sqlstate", None), str):
        return True
    return type(error).__module__.startswith("asyncpg.")


def unusable(error: Exception, url: URL) -> DatabaseUnusable:
    """Make the error for the owner of the settings."""
    cause = getattr(error, "orig", None) or error
    said = " ".join(str(cause).split()) or type(cause).__name__
    if url.get_backend_name() == "sqlite":
        problem, hint = _sqlite(said, Path(url.database or ""))
    else:
        problem, hint = said, _postgresql(cause)
    return DatabaseUnusable(SETTING, f"the database cannot be used ({problem})", hint)


def _sqlite(said: str, file: Path) -> tuple[str, str]:
    if file.is_dir():
        return f"'{file}' is a folder", "name a file in it"
    hint = next((hint for part, hint in SQLITE_HINTS.items() if part in said.lower()), "name another file")
    return f"{said}: '{file}'", hint.format(file=file, folder=file.parent)


def _postgresql(cause: object) -> str:
    said = str(cause)
    if hint := next((hint for part, hint in POOLER_HINTS.items() if part in said), ""):
        return hint
    state = str(getattr(cause, "sqlstate", None) or "")
    hint = next((hint for start, hint in POSTGRESQL_HINTS.items() if state.startswith(start)), "")
    if not hint and isinstance(cause, socket.gaierror):
        hint = "correct the name of the host"
    if not hint and isinstance(cause, OSError):
        hint = "start PostgreSQL, or correct the host and the port"
    return hint or "look into the log of PostgreSQL"
