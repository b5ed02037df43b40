"""A client of Rime's as its documents show one, for asking a server what it really does."""

import asyncio
import json
from base64 import b64decode
from contextlib import asynccontextmanager

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

PLAIN = "speaker=astra&modelId=mistv2&audioFormat=mulaw&samplingRate=8000"
QUIET_SECONDS = 3.0


@asynccontextmanager
async def opened(url, path="/ws", query=PLAIN, key="key"):
    """A socket to the server."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with connect(f"{url}{path}?{query}", additional_headers=headers, proxy=None, compression=None) as socket:
        yield socket


async def refused(url, path="/ws", query=PLAIN, headers=None):
    """The status, the words and the headers of a refused upgrade."""
    try:
        async with connect(f"{url}{path}?{query}", additional_headers=headers or {}, proxy=None):
            return 101, "", {}
    except InvalidStatus as error:
        return error.response.status_code, error.response.body.decode(), error.response.headers


async def until_quiet(socket, seconds=QUIET_SECONDS):
    """Everything that comes until nothing does for a while, or the server closes."""
    received = []
    while True:
        try:
            async with asyncio.timeout(seconds):
                received.append(await socket.recv())
        except (TimeoutError, ConnectionClosed):
            return received


async def until_closed(socket):
    """Everything that comes until the server closes, and the code and reason of the close."""
    received = []
    while True:
        try:
            async with asyncio.timeout(60):
                received.append(await socket.recv())
        except ConnectionClosed as error:
            return received, (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "")


async def audio(socket):
    """The audio that comes on a plain socket until it is quiet."""
    return b"".join(await until_quiet(socket))


async def events(socket):
    """The messages that come on a JSON socket until it is quiet."""
    return [json.loads(message) for message in await until_quiet(socket)]


def joined(messages, context="any"):
    """The audio of the chunks, of all contexts or of one."""
    chunks = [each for each in messages if each["type"] == "chunk" and context in ("any", each["contextId"])]
    return b"".join(b64decode(chunk["data"]) for chunk in chunks)


def kinds(messages):
    """The kinds of messages in order, chunks that follow each other as one."""
    told = []
    for each in messages:
        if not told or told[-1] != "chunk" or each["type"] != "chunk":
            told.append(each["type"])
    return told


async def say(socket, *texts, operation=None, **fields):
    """Send texts over a JSON socket, then an operation."""
    for text in texts:
        await socket.send(json.dumps({"text": text, **fields}))
    if operation is not None:
        await socket.send(json.dumps({"operation": operation}))
