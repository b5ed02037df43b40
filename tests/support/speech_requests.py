"""Requests for speech as clients of Rime's send them."""

import json

import aiohttp


async def post(url, body, accept, path="/v1/rime-tts", key="key"):
    """Ask for speech; returns the status, the media type and the body.

    Args:
        accept: The header `Accept`; None for none.
    """
    headers = {"Authorization": f"Bearer {key}", **({} if accept is None else {"Accept": accept})}
    data = body if isinstance(body, bytes) else json.dumps(body)
    skipped = ["Accept"] if accept is None else []
    async with (
        aiohttp.ClientSession(skip_auto_headers=skipped) as session,
        session.post(url.replace("ws", "http", 1) + path, data=data, headers=headers) as answer,
    ):
        return answer.status, answer.headers.get("Content-Type", ""), await answer.read()
