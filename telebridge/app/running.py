"""Starts the parts of the bridge, the database first; stops them, the database last."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from telebridge.app.closing import CLOSING, Closing
from telebridge.app.detector import return_freed_memory
from telebridge.app.parts import BridgeParts
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.flows.prefetch import FirstPrompts
from telebridge.call.flows.reload import FlowReload
from telebridge.call.runner.incoming_call import contact_variables
from telebridge.call.store.opening import FIRST_READ_SECONDS, OpeningByHand
from telebridge.campaigns.engine.claim import Claim
from telebridge.errors import ConfigurationError
from telebridge.flows.nodes.hours_in_service import load_holidays
from telebridge.logs import logger
from telebridge.server.api.originate import TwilioOriginator

log = logger(__name__)

DRAINED_SECONDS, STORED_SECONDS, ENDED_SECONDS = 0.2, 0.45, 0.55
"""How long after draining the parts may take to close: those that wait for others, the store, and the database."""


async def running(parts: BridgeParts, originator: TwilioOriginator, app: web.Application) -> AsyncIterator[None]:
    """Start the parts, the database first; when the application ends, stop them, the database last."""
    closing = app[CLOSING]
    first = FirstPrompts(parts.flows, parts.voice.source, parts.surroundings)
    parts.campaigning.calls.on_ringing = first.fetch
    parts.campaigning.on_placed = lambda claim: first.fetch(claim.campaign.plan.flow, _variables(claim))
    closing.add("database", parts.engine.dispose, seconds=ENDED_SECONDS)
    try:
        await parts.records.open()
        closing.add("call store", parts.store.aclose, seconds=STORED_SECONDS)
        if parts.flights is not None:
            closing.add("call recorder", partial(asyncio.to_thread, parts.flights.close), seconds=DRAINED_SECONDS)
        closing.add("Twilio's API", originator.aclose, seconds=DRAINED_SECONDS)
        closing.add("voice", parts.voice.aclose, seconds=DRAINED_SECONDS)
        if parts.recognizer is not None:
            closing.add("recognizer", parts.recognizer.aclose, seconds=DRAINED_SECONDS)
        closing.add("requests of flows", parts.errands.aclose, seconds=DRAINED_SECONDS)
        closing.add("first prompts", first.aclose, seconds=DRAINED_SECONDS)
        closing.add("campaigns", parts.campaigning.aclose, seconds=DRAINED_SECONDS)
        closing.add("start of the database", parts.records.stop_retrying, seconds=DRAINED_SECONDS)
        await parts.voice.__aenter__()
        await parts.records.start()
        await _start_opening(parts.opening, closing)
        _run_until_closed(closing, "delivery of messages", parts.delivery.run())
        loading = asyncio.create_task(_load(parts), name="load what calls need")
        closing.add("detector", partial(asyncio.wait, [loading]), seconds=DRAINED_SECONDS)
        yield
    finally:
        parts.calls.abandon_all()
        await closing.close()


async def _start_opening(opening: OpeningByHand, closing: Closing) -> None:
    """Read what was set by hand before the first call, if the database answers in time, and then every two seconds."""
    with suppress(SQLAlchemyError, OSError, TimeoutError):
        async with asyncio.timeout(FIRST_READ_SECONDS):
            await opening.read()
    _run_until_closed(closing, "hours set by hand", opening.run())


def _run_until_closed(closing: Closing, name: str, work: Coroutine[Any, Any, None]) -> None:
    running = asyncio.create_task(work, name=name)

    async def stop() -> None:
        running.cancel()
        await asyncio.wait([running])

    closing.add(name, stop, seconds=DRAINED_SECONDS)


async def _load(parts: BridgeParts) -> None:
    """Load the detector, the holidays of flows and the recognizer while the process begins to listen: no call waits."""
    try:
        await asyncio.to_thread(parts.detector.load)
        await asyncio.to_thread(load_holidays, parts.flows.files(), parts.campaigning.wallclock())
        if parts.recognizer is not None:
            await parts.recognizer.prepare()
        await asyncio.to_thread(return_freed_memory)
    except ConfigurationError as error:
        log.error("the detector of speech cannot be loaded: calls cannot be answered", error=str(error))


def _variables(claim: Claim) -> dict[str, str]:
    return contact_variables(
        claim.contact.variables, from_number=claim.from_number, to_number=claim.contact.called_phone
    )


async def reloading(flows: FlowCatalogue, _: web.Application) -> AsyncIterator[None]:
    """Read flow files again when they change, for as long as the application runs."""
    reloading = asyncio.create_task(FlowReload(flows).run())
    yield
    reloading.cancel()
    await asyncio.wait([reloading])
