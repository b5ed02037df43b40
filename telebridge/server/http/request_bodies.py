"""Reads the bodies of requests, and refuses those that are malformed or slow.

A form is read here and not by aiohttp: Twilio sends `application/x-www-form-urlencoded` in UTF-8 and nothing else, and
all other ways in which a body can be written (multipart, other character sets, compression) are ways to fail.

Sources: Twilio, "Security", *Validating requests*; WHATWG URL Standard, 5.1 on parsing such forms.

One rule: whatever a body holds, the answer is a status below 500 and one line.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qsl

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware
from multidict import MultiDict

from telebridge.server.http.problems import shown

FORM = "application/x-www-form-urlencoded"
BODY_SECONDS = 10.0
"""How long a body may take; of an upload, each of its chunks."""
MOST_FORM_BYTES = 1 << 18
MOST_FIELDS = 1000
CHARSETS = ("utf-8", "utf8", "us-ascii", "ascii")
CLOSE = {"Connection": "close"}
"""The header of an answer after which nothing more is read."""
NOT_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def well_formed() -> Middleware:
    """The middleware that refuses requests whose address or headers say that nobody can read them."""

    @web.middleware
    async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
        check_head(request)
        return await handler(request)

    return checked


def check_head(request: web.Request) -> None:
    """Refuse a request by what stands before its body.

    Raises:
        web.HTTPBadRequest: Its address is not percent-encoded or holds NUL, or its body is encoded or in a
            character set other than UTF-8.
    """
    if (problem := _percent_problem(request.raw_path, "The address")) is not None:
        raise _refused(problem)
    if "\0" in request.raw_path or "%00" in request.raw_path:
        raise _refused("The address holds NUL.")
    coding = request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
    if coding not in ("", "identity"):
        raise _refused("The body has a Content-Encoding; send it as it is.")
    charset = _charset(request)
    if charset is not None and charset.lower() not in CHARSETS:
        raise _refused("The body is in another character set than UTF-8; send UTF-8.")


async def read_form(request: web.Request) -> MultiDict[str]:
    """The fields of a form, those without a value too.

    Raises:
        web.HTTPException: There is none that can be read.
    """
    body = await read_bytes(request, MOST_FORM_BYTES)
    try:
        return form_fields(body, request.content_type)
    except ValueError as error:
        raise _refused(str(error)) from error


def form_fields(body: bytes, content_type: str) -> MultiDict[str]:
    """The fields of a form.

    Raises:
        ValueError: The body is none; the error says why, in one line.
    """
    if body and content_type != FORM:
        raise ValueError(f"The body is no form: send '{FORM}'.")
    try:
        text = body.decode()
        if (problem := _percent_problem(text, "The form")) is not None:
            raise ValueError(problem)
        if text.count("&") >= MOST_FIELDS:
            raise ValueError(f"The form has more than {MOST_FIELDS} fields.")
        fields = parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("The form is not UTF-8.") from None
    for name, value in fields:
        if "\0" in name or "\0" in value:
            raise ValueError(f"{shown(name)} is no text: it holds NUL.")
    return MultiDict(fields)


async def read_bytes(request: web.Request, most: int) -> bytes:
    """The body of a request.

    Args:
        request: The request.
        most: How many bytes it may have.

    Raises:
        web.HTTPException: It is too large, too slow, or broken.
    """
    if (request.content_length or 0) > most:
        raise _too_large(most)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > most:
                    raise _too_large(most)
    except (HttpProcessingError, web.RequestPayloadError) as error:
        raise _broken(request) from error
    except TimeoutError as error:
        raise _too_slow(request) from error
    return bytes(body)


async def read_chunks(request: web.Request, read: Callable[[int], Awaitable[bytes]], size: int) -> AsyncIterator[bytes]:
    """An upload in chunks of at most `size` bytes.

    Args:
        request: The request.
        read: Reads from its body: `request.content.read` for all of it, `read_chunk` of a part for that part.
        size: How many bytes a chunk has at the most.

    Raises:
        web.HTTPException: It is broken, or nothing of it came for a while.
    """
    while True:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                chunk = await read(size)
        except (HttpProcessingError, web.RequestPayloadError) as error:
            raise _broken(request) from error
        except TimeoutError as error:
            raise _too_slow(request) from error
        if not chunk:
            return
        yield chunk


def _charset(request: web.Request) -> str | None:
    try:
        return request.charset
    except (ValueError, LookupError):  # the parser of the header is the standard library's, for mail
        return ""


def _percent_problem(text: str, what: str) -> str | None:
    """What is wrong when a `%` is followed by something else than two hexadecimal digits."""
    found = NOT_PERCENT.search(text)
    return None if found is None else f"{what} is not percent-encoded at character {found.start() + 1}."


def _refused(problem: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=f"{problem}\n")


def _broken(request: web.Request) -> web.HTTPBadRequest:
    request.protocol.close()
    text = "The body breaks off, or is not sent as its headers say.\n"
    return web.HTTPBadRequest(text=text, headers=CLOSE)


def _too_large(most: int) -> web.HTTPRequestEntityTooLarge:
    return web.HTTPRequestEntityTooLarge(most, most + 1, text=f"The body has more than {most} bytes.\n")


def _too_slow(request: web.Request) -> web.HTTPRequestTimeout:
    request.protocol.close()
    text = f"The body did not come within {BODY_SECONDS:g} s; send it at once.\n"
    return web.HTTPRequestTimeout(text=text, headers=CLOSE)
