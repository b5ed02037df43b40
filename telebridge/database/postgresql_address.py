"""Reads the address of a PostgreSQL database as libpq does, for a driver that is not libpq.

Source: PostgreSQL 18, "34.1.2. Parameter Key Words" and "34.1.1.2. Connection URIs".

One rule: each keyword of libpq's is honoured, or refused by its name; none is dropped that the owner relies on. Nothing
of an address that may be a secret is repeated in an error.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from telebridge.errors import ConfigurationError

SETTING = "database.url"
EXAMPLE = "postgresql://user:password@host/name is one"
CONNECT_SECONDS = 60.0
SYSTEM = "system"
"""What `sslrootcert` is when the certificates of the system are meant."""

DRIVER = (
    "host", "port", "dbname", "user", "password", "passfile", "service", "sslmode", "sslnegotiation", "sslcert",
    "sslkey", "sslpassword", "sslrootcert", "sslcrl", "ssl_min_protocol_version", "ssl_max_protocol_version",
    "target_session_attrs", "krbsrvname", "gsslib",
)  # fmt: skip
"""Keywords that the driver reads itself."""
SERVER = ("application_name", "options")
"""Keywords that are settings of the session at the server."""
KEEPALIVES = ("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
"""Keywords that are options of the socket; numbers."""
OWN = ("fallback_application_name", "connect_timeout", "client_encoding", "ssl", "requiressl", "pgbouncer", *KEEPALIVES)
"""Keywords that are read here. `pgbouncer` is none of libpq; hosts hand it out, and a pooler is noticed without it."""
ONLY = {
    "channel_binding": ("disable", "prefer"),
    "gssencmode": ("disable", "prefer"),
    "gssdelegation": ("0",),
    "replication": ("false", "off", "no", "0"),
    "sslcompression": ("0",),
    "sslcertmode": ("allow",),
    "sslsni": ("1",),
    "load_balance_hosts": ("disable",),
    "min_protocol_version": ("3.0",),
    "max_protocol_version": ("3.0", "3.2", "latest"),
}
"""Keywords of which the driver does these values, and no other."""
REFUSED = {
    "hostaddr": "write the address as the host",
    "requirepeer": "leave it out",
    "require_auth": "leave it out, and use sslmode=verify-full",
    "sslcrldir": "name one file with sslcrl",
    "sslkeylogfile": "leave it out",
    "scram_client_key": "use the password",
    "scram_server_key": "use the password",
    "servicefile": "set PGSERVICEFILE",
    "oauth_issuer": "use another way to log in",
    "oauth_client_id": "use another way to log in",
    "oauth_client_secret": "use another way to log in",
    "oauth_scope": "use another way to log in",
}
"""Keywords that the driver cannot do, and what to do instead."""
KNOWN = (*DRIVER, *SERVER, *OWN, *ONLY, *REFUSED)

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
CHOICES = {
    "sslmode": SSL_MODES,
    "sslnegotiation": ("postgres", "direct"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    "ssl_min_protocol_version": TLS_VERSIONS,
    "ssl_max_protocol_version": TLS_VERSIONS,
    "ssl": ("true", *SSL_MODES),
    "requiressl": ("0", "1"),
    "pgbouncer": ("true", "false"),
}
FILES = ("passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl")
NUMBER = re.compile(r"-?[0-9]{1,9}")
PORTS = re.compile(r"([0-9]{1,5})?(,([0-9]{1,5})?)*")


@dataclass(frozen=True, slots=True)
class PostgresqlAddress:
    """What an address says.

    Args:
        dsn: What the driver reads itself.
        connect_seconds: How long a connection may take; None for as long as it takes.
        server_settings: Settings of the session.
        keepalives: Options of the socket that differ from the system's, by libpq's keyword.
        system_certificates: Whether the server's certificate must be known to the system, and be that of the host.
    """

    dsn: str = field(repr=False)
    connect_seconds: float | None = CONNECT_SECONDS
    server_settings: Mapping[str, str] = field(default_factory=dict)
    keepalives: Mapping[str, int] = field(default_factory=dict)
    system_certificates: bool = False


def read_address(address: str) -> PostgresqlAddress:
    """Read an address such as `postgresql://user@host/name?sslmode=require`.

    Args:
        address: One that begins with `postgresql://` or `postgres://`.

    Raises:
        ConfigurationError: It is none, or has a keyword that nobody knows, that the driver cannot do, or whose value is
            wrong.
    """
    try:
        parts = urlsplit(address)
        query = parts.query.replace("+", "%2B")  # in these addresses a plus sign is one
        given = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict")
        hosts = parts.netloc.rpartition("@")[2]
    except ValueError:
        raise ConfigurationError(SETTING, "is no address of a database", EXAMPLE) from None
    if parts.fragment or "@" in parts.netloc.rpartition("@")[0] or "@" in parts.path:
        raise ConfigurationError(SETTING, "has a second '@', or a '#'", "write them as %40 and %23")
    _check_ports(re.sub(r"\[[^\]]*\]", "", hosts))
    words: dict[str, str] = {}
    for keyword, value in given:  # SQLAlchemy writes a list of hosts as several keywords
        words[keyword] = f"{words[keyword]},{value}" if keyword == "host" and keyword in words else value
    for keyword, value in words.items():
        _check(keyword, value)
    return _address(parts.scheme, parts.netloc, parts.path, words)


def _address(scheme: str, netloc: str, path: str, words: dict[str, str]) -> PostgresqlAddress:
    mode = _ssl_mode(words)
    driver = {keyword: words[keyword] for keyword in DRIVER if words.get(keyword)}
    if mode:
        driver["sslmode"] = mode
    system = driver.get("sslrootcert") == SYSTEM
    if system:
        if mode not in ("", "verify-full"):
            raise _wrong("sslrootcert", "is 'system'", "write sslmode=verify-full with it")
        driver.pop("sslrootcert")
        driver.pop("sslmode", None)
    if words.get("channel_binding") == "require" and not (system or mode == "verify-full"):
        raise _wrong(
            "channel_binding",
            "is 'require', which the driver cannot do",
            "leave it out, or let the certificate prove the server: sslmode=verify-full&sslrootcert=system",
        )
    settings = {keyword: words[keyword] for keyword in SERVER if words.get(keyword)}
    if "fallback_application_name" in words:
        settings.setdefault("application_name", words["fallback_application_name"])
    seconds = int(words.get("connect_timeout") or CONNECT_SECONDS)
    return PostgresqlAddress(
        dsn=f"{scheme}://{netloc}{path}" + (f"?{urlencode(driver, quote_via=quote)}" if driver else ""),
        connect_seconds=seconds if seconds > 0 else None,
        server_settings=settings,
        keepalives={keyword: int(words[keyword]) for keyword in KEEPALIVES if words.get(keyword)},
        system_certificates=system,
    )


def _ssl_mode(words: Mapping[str, str]) -> str:
    """The mode, by whichever keyword it is given; empty when none gives it."""
    if words.get("sslmode"):
        return words["sslmode"]
    if words.get("ssl"):
        return "require" if words["ssl"] == "true" else words["ssl"]
    return {"1": "require", "0": "prefer"}.get(words.get("requiressl", ""), "")


def _check(keyword: str, value: str) -> None:
    """Refuse a keyword that cannot be done, or a value of it. An empty value is as none, as libpq has it."""
    if keyword not in KNOWN:
        near = get_close_matches(keyword, KNOWN, n=1, cutoff=0.6)
        hint = (
            f"did you mean '{near[0]}'?" if near else "leave it out; PostgreSQL's documentation lists libpq's keywords"
        )
        raise _wrong(keyword, "is no keyword of libpq's", hint)
    if not value:
        return
    if keyword in REFUSED:
        raise _wrong(keyword, "is not supported", REFUSED[keyword])
    if keyword in ONLY and value not in ONLY[keyword] and (keyword, value) != ("channel_binding", "require"):
        raise _wrong(keyword, "is supported only as " + " or ".join(ONLY[keyword]), "leave it out")
    if keyword in CHOICES and value not in CHOICES[keyword]:
        raise _wrong(keyword, "is none of its values", "write one of " + ", ".join(CHOICES[keyword]))
    for keywords, fits, what in _KINDS:
        if keyword in keywords and not fits(value):
            raise _wrong(keyword, *what)


def _is_readable(file: str) -> bool:
    try:
        with Path(file).open("rb"):
            return True
    except OSError:
        return False


def _is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("-", "").replace("_", "") in ("utf8", "unicode", "auto")


_KINDS: tuple[tuple[tuple[str, ...], Callable[[str], object], tuple[str, str]], ...] = (
    (FILES, lambda file: file == SYSTEM or _is_readable(file), ("names a file that cannot be read", "correct it")),
    (("connect_timeout", *KEEPALIVES), NUMBER.fullmatch, ("is no whole number", "correct it")),
    (("port",), PORTS.fullmatch, ("is no list of ports", "correct it")),
    (("client_encoding",), _is_utf8, ("is not UTF8, which alone is supported", "leave it out")),
)


def _check_ports(hosts: str) -> None:
    for host in hosts.split(","):
        if not PORTS.fullmatch(host.partition(":")[2]):
            raise ConfigurationError(SETTING, "has a port that is no number", "write host:port, or %3A for a ':'")


def _wrong(keyword: str, problem: str, hint: str) -> ConfigurationError:
    shown = keyword if re.fullmatch(r"[\w.-]{1,40}", keyword, re.ASCII) else "…"
    return ConfigurationError(SETTING, f"'{shown}' {problem}", hint)
