"""The parameters of the REST requests that create and update a call, checked as Twilio checks them.

Follows Twilio's Call resource ("Create a Call", "Update a Call"), its error dictionary and its test credentials page.

One rule: any request gives a `CallSetup` or `CallUpdate`, or raises an `ApiProblem` with Twilio's code.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from telebridge.errors import TelebridgeError

EVENTS = ("initiated", "ringing", "answered", "completed")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
ADDRESS = re.compile(r"(sip:|client:)\S+", re.IGNORECASE)
SEND_DIGITS = re.compile(r"[0-9A-Da-d#*wW]{1,32}")
LONGEST_TWIML = 4000

# Twilio's magic numbers; no telephone has them.
MAGIC_FROM = {"+15005550001": 21212}
MAGIC_TO = {"+15005550001": 21217, "+15005550002": 21214, "+15005550003": 21215, "+15005550004": 21216}

MESSAGES = {
    20003: "Authenticate",
    20404: "The requested resource {} was not found",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred",
    21201: "No 'To' number is specified",
    21205: "Url is not a valid URL: {}",
    21206: "SendDigits contains an invalid digit: {}",
    21208: "Timeout must be a number of seconds from 1 to 600: {}",
    21210: "The source phone number provided, {}, is not yet verified for your account.",
    21211: "The phone number you are attempting to call, {}, is not valid.",
    21212: "The source phone number provided, {}, is not valid.",
    21213: "No 'From' number is specified",
    21214: "The phone number you are attempting to call, {}, cannot be reached.",
    21215: "Account not authorized to call {}.",
    21216: "Account not allowed to call {}.",
    21217: "Phone number {} does not appear to be valid.",
    21218: "ApplicationSid is not valid: {}",
    21220: "Call is not in-progress. Cannot redirect.",
    21234: "MachineDetection is not valid: {}",
    21609: "The 'StatusCallback' URL {} is not a valid URL.",
    21626: "The 'StatusCallbackEvent' {} is not valid.",
}


class ApiProblem(TelebridgeError):
    """An error response of the REST API.

    Args:
        status: The HTTP status.
        code: Twilio's error code.
        about: The value or path that is wrong, for the message.
    """

    def __init__(self, status: int, code: int, about: str = "") -> None:
        super().__init__(status, code, about)
        self.status = status
        self.code = code
        self.about = about

    def as_json(self) -> dict[str, object]:
        """Return the body of the response."""
        return {
            "code": self.code,
            "message": MESSAGES.get(self.code, "Invalid Parameter {}").format(self.about),
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


@dataclass(frozen=True, slots=True)
class MachineDetection:
    """The answering machine detection of a call."""

    mode: str
    asynchronous: bool = False
    callback: str | None = None
    callback_method: str = "POST"

    def verdict(self, answered_by: str) -> str:
        """Return Twilio's `AnsweredBy` for what answers according to the script."""
        if answered_by != "machine":
            return answered_by
        return "machine_start" if self.mode == "Enable" else "machine_end_beep"


@dataclass(frozen=True, slots=True)
class CallSetup:
    """The parameters of a call: of a create request, or of the number that an inbound call reaches."""

    to: str
    from_: str
    url: str | None = None
    method: str = "POST"
    twiml: str | None = None
    fallback_url: str | None = None
    fallback_method: str = "POST"
    status_callback: str | None = None
    status_callback_method: str = "POST"
    status_events: tuple[str, ...] = ("completed",)
    timeout_seconds: float = 60.0
    time_limit_seconds: float = 14_400.0
    send_digits: str = ""
    detection: MachineDetection | None = None


@dataclass(frozen=True, slots=True)
class CallUpdate:
    """The parameters of an update of a live call; `status` ends the call."""

    status: str | None = None
    url: str | None = None
    method: str = "POST"
    twiml: str | None = None


class RequestFields:
    """The parameters of one request, read and checked by type."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def text(self, name: str, default: str = "") -> str:
        """Return the last value of a parameter."""
        values = self._fields.get(name)
        return values[-1] if values else default

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a parameter."""
        return tuple(self._fields.get(name, ()))

    def url(self, name: str, code: int = 21205) -> str | None:
        """Return an http or https address; None for an empty one.

        Raises:
            ApiProblem: It is no address.
        """
        text = self.text(name)
        if not text:
            return None
        try:
            parts = urlsplit(text)
            valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            valid = False
        if not valid:
            raise ApiProblem(400, code, text)
        return text

    def method(self, name: str) -> str:
        """Return GET or POST.

        Raises:
            ApiProblem: It is neither.
        """
        method = self.text(name, "POST").upper()
        if method not in {"GET", "POST"}:
            raise ApiProblem(400, 20422, name)
        return method

    def seconds(self, name: str, default: int, least: int, most: int, code: int = 20422) -> float:
        """Return a number of seconds.

        Raises:
            ApiProblem: It is none, or out of range.
        """
        text = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,6}", text) or not least <= int(text) <= most:
            raise ApiProblem(400, code, text if code != 20422 else name)
        return float(text)


def read_create(raw: Mapping[str, Sequence[str]], *, owned_numbers: frozenset[str] | None = None) -> CallSetup:
    """Return the parameters of a create request.

    Args:
        raw: The form, a list of values for each name.
        owned_numbers: The values that `From` may have; None for any number.

    Raises:
        ApiProblem: As Twilio would answer.
    """
    fields = RequestFields(raw)
    to, from_ = _numbers(fields, owned_numbers)
    url, twiml = fields.url("Url"), fields.text("Twiml") or None
    if fields.text("ApplicationSid"):
        raise ApiProblem(400, 21218, fields.text("ApplicationSid"))
    if url is None and twiml is None:
        raise ApiProblem(400, 21205, "")
    if twiml is not None and len(twiml) > LONGEST_TWIML:
        raise ApiProblem(400, 20422, "Twiml")
    send_digits = fields.text("SendDigits")
    if send_digits and not SEND_DIGITS.fullmatch(send_digits):
        raise ApiProblem(400, 21206, send_digits)
    return CallSetup(
        to=to,
        from_=from_,
        url=url,
        method=fields.method("Method"),
        twiml=twiml if url is None else None,
        fallback_url=fields.url("FallbackUrl"),
        fallback_method=fields.method("FallbackMethod"),
        status_callback=_callback(fields, "StatusCallback"),
        status_callback_method=fields.method("StatusCallbackMethod"),
        status_events=_events(fields),
        timeout_seconds=fields.seconds("Timeout", 60, 1, 600, 21208),
        time_limit_seconds=fields.seconds("TimeLimit", 14_400, 60, 86_400),
        send_digits=send_digits,
        detection=None if send_digits else _detection(fields),
    )


def read_update(raw: Mapping[str, Sequence[str]]) -> CallUpdate:
    """Return the parameters of an update request.

    Raises:
        ApiProblem: As Twilio would answer.
    """
    fields = RequestFields(raw)
    status, url, twiml = fields.text("Status") or None, fields.url("Url"), fields.text("Twiml") or None
    if status not in {None, "canceled", "completed"}:
        raise ApiProblem(400, 20422, "Status")
    if url is not None and twiml is not None:
        raise ApiProblem(400, 20422, "Twiml")
    return CallUpdate(status, url, fields.method("Method"), twiml)


def _numbers(fields: RequestFields, owned_numbers: frozenset[str] | None) -> tuple[str, str]:
    to, from_ = fields.text("To"), fields.text("From")
    if not to:
        raise ApiProblem(400, 21201)
    if not from_:
        raise ApiProblem(400, 21213)
    if not _is_address(to) or to == from_:
        raise ApiProblem(400, 21211, to)
    if not _is_address(from_) or from_ in MAGIC_FROM:
        raise ApiProblem(400, 21212, from_)
    if owned_numbers is not None and from_ not in owned_numbers:
        raise ApiProblem(400, 21210, from_)
    if to in MAGIC_TO:
        raise ApiProblem(400, MAGIC_TO[to], to)
    return to, from_


def _is_address(text: str) -> bool:
    return bool(E164.fullmatch(text) or ADDRESS.fullmatch(text))


def _callback(fields: RequestFields, name: str) -> str | None:
    url = fields.url(name, 21609)
    if url is not None and "_" in (urlsplit(url).hostname or ""):
        raise ApiProblem(400, 21609, url)
    return url


def _events(fields: RequestFields) -> tuple[str, ...]:
    # One repeated key as documented; the space-separated list that TwiML uses is taken too.
    events = tuple(word for value in fields.all("StatusCallbackEvent") for word in value.split())
    for event in events:
        if event not in EVENTS:
            raise ApiProblem(400, 21626, event)
    return events or ("completed",)


def _detection(fields: RequestFields) -> MachineDetection | None:
    mode = fields.text("MachineDetection")
    if mode not in {"", "Enable", "DetectMessageEnd"}:
        raise ApiProblem(400, 21234, mode)
    if not mode:
        return None
    # The value is a string, and only the lower-case word is documented: Python's "True" is not it.
    asynchronous = fields.text("AsyncAmd", "false") == "true"
    callback = fields.url("AsyncAmdStatusCallback")
    return MachineDetection(mode, asynchronous, callback, fields.method("AsyncAmdStatusCallbackMethod"))
