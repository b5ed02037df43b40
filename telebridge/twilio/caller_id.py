"""Which number a transfer shows: Twilio takes only a telephone number in E.164 (error 13214 otherwise).

Twilio, "TwiML <Dial>", *callerId*: without the attribute the caller's own id is passed on. That of a caller from a
browser or a SIP telephone (`client:…`, `sip:…`), or of one who withholds the number, is none.

One rule: what is given to Twilio is a number, or nothing.
"""

import re

E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
WITHHELD = frozenset({"+266696687", "+86282452253", "+8656696", "+2562533", "+7378742833", "+86266696687"})
"""What Twilio sends for ANONYMOUS, UNAVAILABLE, UNKNOWN, BLOCKED and RESTRICTED, as keys of a telephone."""


def is_caller_id(written: str | None) -> bool:
    """Whether Twilio takes it as the number that is shown."""
    return written is not None and E164.fullmatch(written) is not None and written not in WITHHELD


def caller_id_of(given: str | None, *, to: str, from_number: str, to_number: str) -> str | None:
    """The number that a transfer shows.

    Args:
        given: What the flow or the API asked for; None for the caller's own.
        to: Who is dialled.
        from_number: Who calls.
        to_number: The number that was called.

    Returns:
        A number, or None where Twilio may pass the caller's own id on, or where there is no number at all.
    """
    if to.partition(":")[0] in ("sip", "sips", "client") and given is not None:
        return given  # between addresses that are no numbers, any name is shown
    if is_caller_id(given):
        return given
    if is_caller_id(from_number):
        return None
    return to_number if is_caller_id(to_number) else None
