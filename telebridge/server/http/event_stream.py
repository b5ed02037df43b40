"""The answer that server-sent events are written to, and what all streams of them have in common.

Source: HTML, "Server-sent events".
"""

from collections.abc import Mapping

from aiohttp import web

KEEP_ALIVE_SECONDS = 15.0
"""A stream that has been silent for so long gets a comment, so that proxies keep it open."""
RETRY = b"retry: 2000\n\n"
"""Comes first: after so many milliseconds a browser connects again."""
COMMENT = b":\n\n"


def event_stream(headers: Mapping[str, str] | None = None) -> web.StreamResponse:
    """Make the answer, which nobody stores or buffers; it is still to be prepared.

    Args:
        headers: Those that it has besides.
    """
    response = web.StreamResponse(headers={**(headers or {}), "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.content_type = "text/event-stream"
    return response
