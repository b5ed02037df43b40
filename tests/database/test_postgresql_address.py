"""Every keyword of libpq's is honoured or refused by its name."""

import ctypes
import ctypes.util
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebridge.database.postgresql_address import KEEPALIVES, KNOWN, ONLY, OWN, REFUSED, read_address
from telebridge.errors import ConfigurationError

BASE = "postgresql://anna:s3cret@db.example.com:5432/calls"
DOCUMENTED = {
    "host", "hostaddr", "port", "dbname", "user", "password", "passfile", "require_auth", "channel_binding",
    "connect_timeout", "client_encoding", "options", "application_name", "fallback_application_name", "keepalives",
    "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "replication", "gssencmode",
    "sslmode", "requiressl", "sslnegotiation", "sslcompression", "sslcert", "sslkey", "sslkeylogfile",
    "sslpassword", "sslcertmode", "sslrootcert", "sslcrl", "sslcrldir", "sslsni", "requirepeer",
    "ssl_min_protocol_version", "ssl_max_protocol_version", "min_protocol_version", "max_protocol_version",
    "krbsrvname", "gsslib", "gssdelegation", "scram_client_key", "scram_server_key", "service",
    "target_session_attrs", "load_balance_hosts", "oauth_issuer", "oauth_client_id", "oauth_client_secret",
    "oauth_scope", "servicefile",
}  # fmt: skip
"""PostgreSQL 18 and 17, "34.1.2. Parameter Key Words"."""

VALUES = {
    "host": "a:5432,b:5433", "port": "5432,5433", "dbname": "calls", "user": "anna", "password": "x", "service": "x",
    "channel_binding": "prefer", "connect_timeout": "10", "client_encoding": "UTF8", "options": "-c search_path=x",
    "application_name": "bridge", "fallback_application_name": "bridge", "replication": "false",
    "gssencmode": "prefer", "sslmode": "require", "requiressl": "1", "sslnegotiation": "direct", "sslcompression": "0",
    "sslpassword": "x", "sslcertmode": "allow", "sslsni": "1", "ssl_min_protocol_version": "TLSv1.2",
    "ssl_max_protocol_version": "TLSv1.3", "min_protocol_version": "3.0", "max_protocol_version": "latest",
    "krbsrvname": "x", "gsslib": "gssapi", "gssdelegation": "0", "target_session_attrs": "read-write",
    "load_balance_hosts": "disable", "ssl": "true", "pgbouncer": "true", **dict.fromkeys(KEEPALIVES, "1"),
    **dict.fromkeys(("passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl"), __file__),
}  # fmt: skip
"""A value of each keyword that is honoured."""


def read(query):
    return read_address(f"{BASE}?{query}")


def driver_words(address):
    return {keyword: values[0] for keyword, values in parse_qs(urlsplit(address.dsn).query).items()}


def test_the_table_is_total():
    assert DOCUMENTED | {"ssl", "pgbouncer"} == set(KNOWN)
    assert len(KNOWN) == len(set(KNOWN))
    assert set(VALUES) == set(KNOWN) - set(REFUSED)


def test_the_table_has_what_the_installed_libpq_knows():
    try:
        library = ctypes.CDLL("libpq.so.5")
    except OSError:
        pytest.skip("libpq is not installed")

    class Option(ctypes.Structure):
        names = ("keyword", "envvar", "compiled", "val", "label", "dispchar")
        _fields_ = [*((name, ctypes.c_char_p) for name in names), ("dispsize", ctypes.c_int)]

    library.PQconndefaults.restype = ctypes.POINTER(Option)
    options, found = library.PQconndefaults(), []
    while options[len(found)].keyword:
        found.append(options[len(found)].keyword.decode())
    assert len(found) > 20
    assert set(found) <= set(KNOWN)


@pytest.mark.parametrize("keyword", sorted(VALUES))
def test_a_keyword_that_is_honoured_reaches_whoever_does_it(keyword):
    address = read(f"{keyword}={VALUES[keyword]}")
    plain = read_address(BASE)
    if keyword not in OWN and keyword not in ONLY and keyword not in address.server_settings:
        assert driver_words(address) == {keyword: VALUES[keyword]}
    elif keyword in ONLY or (keyword, VALUES[keyword]) in {("client_encoding", "UTF8"), ("pgbouncer", "true")}:
        assert address == plain
    else:
        assert address != plain


@pytest.mark.parametrize("keyword", sorted({*REFUSED, *ONLY}))
def test_a_keyword_that_cannot_be_done_is_refused_by_its_name(keyword):
    with pytest.raises(ConfigurationError, match=f"^database.url: '{keyword}' is ") as raised:
        read(f"{keyword}=s3cret")
    assert "s3cret" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        *((f"sslmode={mode}", {"sslmode": mode}) for mode in ("disable", "allow", "prefer", "require", "verify-ca")),
        ("ssl=true", {"sslmode": "require"}),
        ("ssl=verify-full", {"sslmode": "verify-full"}),
        ("requiressl=1", {"sslmode": "require"}),
        ("requiressl=0", {"sslmode": "prefer"}),
        ("sslmode=", {}),
        ("host=a:1&host=b:2", {"host": "a:1,b:2"}),
        ("options=-c%20work_mem%3D4MB&application_name=a+b", {}),
    ],
)
def test_what_the_driver_is_told(query, words):
    assert driver_words(read(query)) == words


def test_what_is_told_to_others():
    address = read("options=-c%20work_mem%3D4MB&application_name=a+b&fallback_application_name=c&connect_timeout=0")
    assert address.server_settings == {"options": "-c work_mem=4MB", "application_name": "a+b"}
    assert address.connect_seconds is None
    assert read("fallback_application_name=c").server_settings == {"application_name": "c"}
    assert read("keepalives_idle=30").keepalives == {"keepalives_idle": 30}


def test_binding_to_the_channel_is_done_by_the_certificate_or_not_at_all():
    with pytest.raises(ConfigurationError, match=r"'channel_binding' is 'require', .*sslmode=verify-full"):
        read("sslmode=require&channel_binding=require")
    assert read("channel_binding=require&sslmode=verify-full&sslrootcert=system").system_certificates
    with pytest.raises(ConfigurationError, match="'sslrootcert' is 'system'; write sslmode=verify-full with it"):
        read("sslmode=require&sslrootcert=system")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (f"{BASE}?sslmod=require", "'sslmod' is no keyword of libpq's; did you mean 'sslmode'?"),
        (f"{BASE}?sslmode=yes", "'sslmode' is none of its values; write one of disable, allow, prefer, require,"),
        (f"{BASE}?sslrootcert=/nowhere/s3cret", "'sslrootcert' names a file that cannot be read"),
        (f"{BASE}?connect_timeout=soon", "'connect_timeout' is no whole number"),
        (f"{BASE}?keepalives_idle=soon", "'keepalives_idle' is no whole number"),
        (f"{BASE}?client_encoding=LATIN1", "'client_encoding' is not UTF8"),
        (f"{BASE}?port=x", "'port' is no list of ports"),
        (f"{BASE}?sslmode", "is no address of a database"),
        (f"{BASE}?s3cret%20x%0a=1", "'…' is no keyword"),
        ("postgresql://anna:s3@cret@host/x", "has a second '@'"),
        ("postgresql://anna:s3/cret@host/x", "has a second '@'|has a port that is no number"),
        ("postgresql://anna:s3#cret@host/x", "has a second '@', or a '#'|port that is no number"),
        ("postgresql://host:s3cret/x", "has a port that is no number"),
        ("postgresql://[::1/x", "is no address of a database"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_without_secrets(address, told):
    with pytest.raises(ConfigurationError, match=told.replace("?", r"\?")) as raised:
        read_address(address)
    assert str(raised.value).startswith("database.url: ")
    assert "\n" not in str(raised.value)
    assert not {"s3cret", "cret@", "s3"} & set(str(raised.value).split("'"))


@pytest.mark.parametrize(
    "address",
    ["postgres://h1:5432,h2:5433,h3/x", "postgresql://[2001:db8::1]:5432/x", "postgresql:///x?host=/run/postgresql",
     "postgresql://", "postgresql://a%40b:c%2Fd@h/x"],
)  # fmt: skip
def test_addresses_as_libpq_takes_them(address):
    assert read_address(address).dsn.replace("%2F", "/") == address.replace("%2F", "/")


@settings(max_examples=100)
@given(st.text(max_size=30), st.text(max_size=12), st.text(max_size=12))
def test_any_text_is_an_address_or_one_line(netloc, keyword, value):
    told = ""
    try:
        read_address(f"postgresql://{netloc}/x?{keyword}={value}")
    except ConfigurationError as error:
        told = str(error)
    assert "\n" not in told
