"""Serves an aiohttp application that is measured, until its process is ended."""

import asyncio
import sys

from aiohttp import web


async def serve(app: web.Application) -> None:
    """Listen on a free port of this machine, and print it."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()
