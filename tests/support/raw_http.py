"""Requests written byte by byte, as no client library would send them."""

import asyncio


def raw_request(method, target, body=b"", headers=(), kind=None):
    """The bytes of a request; `headers` are whole lines."""
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
    if kind is not None:
        lines.append(f"Content-Type: {kind}")
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in lines):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def connected(url):
    """A connection to a server: its reader and its writer."""
    host, _, port = url.removeprefix("http://").partition(":")
    return await asyncio.open_connection(host, int(port))


async def answer_to(url, raw, *, seconds=10):
    """The status and the body that come back; a response without an end is read to its headers."""
    reader, writer = await connected(url)
    try:
        writer.write(raw)
        async with asyncio.timeout(seconds):
            return await read_answer(reader)
    finally:
        writer.close()


async def read_answer(reader):
    """The status and the body of a response; 0 when the connection is closed before there is one."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(first.split()[1]), body.decode("utf-8", "replace")
