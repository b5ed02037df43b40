"""Serves recordings in ranges, also what there is of one that is still being written.

One rule: what has one address never changes, so that a player may ask for it piece by piece while the call goes on.
"""

import asyncio
from pathlib import Path

from aiohttp import hdrs, web

from telebridge.call.runner.call_recording import HEADER_BYTES, recording_header
from telebridge.server.pages.rendering import HEADERS

CHUNK = 65_536
FRAME_BYTES = 4
"""A sample of each of both tracks."""
TYPE = {"Content-Type": "audio/wav", "Cache-Control": "private, no-cache"}


def sample_bytes(recording: Path) -> int:
    """How many bytes of samples of both tracks a recording has by now; 0 where there is none."""
    try:
        size = recording.stat().st_size - HEADER_BYTES
    except OSError:
        return 0
    return max(0, size - size % FRAME_BYTES)


async def send_file(path: Path) -> web.StreamResponse:
    """A WAV file that is complete, or the range of it that was asked for.

    Raises:
        web.HTTPNotFound: There is none.
    """
    if not await asyncio.to_thread(path.is_file):
        raise web.HTTPNotFound(text="There is no such recording.\n")
    return web.FileResponse(path, headers=TYPE)


async def send_beginning(request: web.Request, recording: Path, samples: int) -> web.StreamResponse:
    """The beginning of a recording as a whole WAV file, or the range of it that was asked for.

    Args:
        request: Asks for it.
        recording: A file that may be growing.
        samples: How many bytes of samples, see `sample_bytes`.

    Raises:
        web.HTTPNotFound: It is not that long.
        web.HTTPRequestRangeNotSatisfiable: The range is none of it.
    """
    if samples <= 0 or samples % FRAME_BYTES or await asyncio.to_thread(sample_bytes, recording) < samples:
        raise web.HTTPNotFound(text="There is no such recording.\n")
    size = HEADER_BYTES + samples
    try:
        start, stop, _ = request.http_range.indices(size)
    except ValueError:
        start = stop = 0
    if start >= stop:
        raise web.HTTPRequestRangeNotSatisfiable(headers={hdrs.CONTENT_RANGE: f"bytes */{size}"})
    answer = web.StreamResponse(headers=HEADERS | TYPE | {hdrs.ACCEPT_RANGES: "bytes"})
    answer.content_length = stop - start
    if hdrs.RANGE in request.headers:
        answer.set_status(web.HTTPPartialContent.status_code)
        answer.headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{stop - 1}/{size}"
    await answer.prepare(request)
    while start < stop and request.method != hdrs.METH_HEAD:
        piece = await asyncio.to_thread(_piece, recording, samples, start, min(stop, start + CHUNK))
        await answer.write(piece)
        start += len(piece)
    return answer


def _piece(recording: Path, samples: int, start: int, stop: int) -> bytes:
    """Some bytes of the beginning of a recording, with the header of a file that is complete."""
    header = recording_header(samples)[start:stop]
    with recording.open("rb") as file:
        file.seek(max(start, HEADER_BYTES))
        return header + file.read(stop - start - len(header))
