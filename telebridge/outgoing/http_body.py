"""The body of an answer over HTTP."""

import aiohttp

PIECE_BYTES = 65536


async def read_body(answer: aiohttp.ClientResponse, *, most_bytes: int) -> bytes | None:
    """Read the body of an answer, in however many pieces it comes; None as soon as it is larger than `most_bytes`.

    Raises:
        aiohttp.ClientError: The connection ends before the body does.
    """
    read = bytearray()
    async for piece in answer.content.iter_chunked(PIECE_BYTES):
        read += piece
        if len(read) > most_bytes:
            return None
    return bytes(read)
