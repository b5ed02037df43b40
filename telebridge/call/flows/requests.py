"""Performs the actions of flows while the caller waits: requests to web services, and Python functions.

One rule: an action never raises; an error is its outcome, for which the flow has a branch.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from yarl import URL

from telebridge.call.flows.http_client import FlowHttpClient, WebRequestRefused
from telebridge.call.flows.recordings import Recordings
from telebridge.call.flows.sms import SmsSender
from telebridge.call.record import CallRecord
from telebridge.flows.steps import Action, Done, LoadAudio, Request, Run, SendSms
from telebridge.logs import logger
from telebridge.outgoing.http_body import read_body
from telebridge.unicode_text import repaired_values

log = logger(__name__)

Function = Callable[[dict[str, Any]], Awaitable[Any]]
"""A Python function of an application: takes the variables of the call, returns a value for the flow."""

MAX_RESPONSE_BYTES = 1 << 20


class ActionRunner:
    """Performs actions. Close it after use.

    Args:
        functions: The Python functions of the application, by name.
        sms: Sends text messages; None where none are sent.
    """

    def __init__(self, functions: Mapping[str, Function] | None = None, sms: SmsSender | None = None) -> None:
        self._functions = functions or {}
        self._sms = sms
        self._web = FlowHttpClient()
        self._recordings = Recordings(self._web)

    async def run(self, action: Action, record: CallRecord | None = None) -> Done:
        """Perform an action, for its `timeout_seconds` at most; `record` is of its call, which a text message needs."""
        try:
            async with asyncio.timeout(action.timeout_seconds):
                match action:
                    case Request():
                        return await self._request(action)
                    case Run():
                        return await self._run(action)
                    case LoadAudio(source):
                        return await self._load(source)
                    case SendSms():
                        return await self._send_sms(action, record)
        except TimeoutError:
            return Done(problem=f"took longer than {action.timeout_seconds:g} s")

    async def _load(self, source: str) -> Done:
        try:
            return Done(await self._recordings.load(source))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            log.warning("recording not played", error=str(error) or type(error).__name__)
            return Done(problem=str(error) or type(error).__name__)

    async def _send_sms(self, sms: SendSms, record: CallRecord | None) -> Done:
        if self._sms is None or record is None:
            return Done(problem="no text messages are sent here")
        return await self._sms.send(sms, record)

    async def aclose(self) -> None:
        """Close connections that are kept open."""
        await self._web.aclose()
        if self._sms is not None:
            await self._sms.aclose()

    async def _run(self, run: Run) -> Done:
        function = self._functions.get(run.function)
        if function is None:
            return Done(problem=f"there is no function '{run.function}'")
        try:
            return Done(await function(dict(run.variables)))
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            return Done(problem="was cancelled")  # what the function awaited was cancelled
        except Exception as error:  # code of a user: whatever it raises is the outcome
            log.exception("function failed", function=run.function)
            return Done(problem=f"{type(error).__name__}: {error}")

    async def _request(self, request: Request) -> Done:
        try:
            answer = await self._web.send(request.method, URL(request.url), request.headers, _body(request))
            async with answer:
                return await _read_response(answer)
        except (
            aiohttp.ClientError,
            OSError,
            ValueError,
            TypeError,
            LookupError,
            RecursionError,
            WebRequestRefused,
        ) as error:
            problem = f"{request.method} {request.url}: {error or type(error).__name__}"
            log.warning("request failed", error=problem)
            return Done(problem=problem)


def _body(request: Request) -> dict[str, Any]:
    if request.json is not None:
        return {"json": request.json}
    return {} if request.form is None else {"data": dict(request.form)}


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _read_response(answer: aiohttp.ClientResponse) -> Done:
    read = await read_body(answer, most_bytes=MAX_RESPONSE_BYTES)
    if read is None:
        raise WebRequestRefused(f"answered more than {MAX_RESPONSE_BYTES} bytes")
    text = read.decode(answer.charset or "utf-8", errors="replace")
    value = repaired_values(json.loads(text)) if answer.content_type.endswith("json") and text.strip() else text
    if not 200 <= answer.status < 300:
        return Done(value, f"{answer.method} {answer.url}: answered {answer.status}")
    return Done(value)
