"""The endpoints of messages that callers left: list, hear, mark as heard, delete.

One rule: a message is deleted with its file; where the file is on another machine, that machine must be asked.
"""

import asyncio
from typing import Annotated

from aiohttp import hdrs, web
from pydantic import Field

from telebridge.call.messages.mail import addresses_in
from telebridge.call.messages.message import CallerMessage
from telebridge.call.messages.store import CallerMessages
from telebridge.server.http.bodies import Nothing, RequestModel, ResponseModel
from telebridge.server.http.endpoint import endpoint, respond
from telebridge.server.http.problems import Problem
from telebridge.timing.epoch import Clock, iso_time

WAV = "audio/wav"
UNKNOWN = {404: "There is no such message, or its file is on another machine."}


class MessagesQuery(RequestModel):
    """Which messages to list."""

    heard: Annotated[bool, Field(strict=False)] | None = Field(
        None, description="Only those that were heard, or only the others."
    )
    limit: Annotated[int, Field(ge=1, le=200, strict=False)] = Field(50, description="How many at the most.")
    cursor: Annotated[str, Field(max_length=200, pattern=r"^[0-9]{1,15}\.[A-Za-z0-9-]{1,100}$")] | None = Field(
        None, description="`next` of the answer before, to go on where it ended."
    )


class MarkMessageRequest(RequestModel):
    """How a message is marked."""

    heard: bool = Field(default=True, description="Whether it was heard.")


class MessageResponse(ResponseModel):
    """A message that a caller left."""

    id: str
    call_sid: str
    flow: str
    from_: str = Field(alias="from")
    to: str
    seconds: float
    recorded_at: str
    heard_at: str | None
    mail_to: list[str] = Field(description="The addresses that get it by e-mail.")
    mailed_at: str | None
    mail_error: str | None = Field(description="Why the e-mail was not sent the last time.")


class MessagesResponse(ResponseModel):
    """A page of messages, newest first."""

    messages: list[MessageResponse]
    next: str | None = Field(description="The cursor of the next page; null after the last.")


class MessageEndpoints:
    """Answers `/api/messages…`.

    Args:
        store: The messages.
        clock: Returns the epoch milliseconds of now.
    """

    def __init__(self, store: CallerMessages, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @endpoint(
        hdrs.METH_GET, "/api/messages", "List the messages that callers left, newest first.", {200: MessagesResponse}
    )
    async def list_messages(self, _request: web.Request, query: MessagesQuery, _body: Nothing) -> web.Response:
        """A page of messages."""
        recorded_at, _, message_id = (query.cursor or "").partition(".")
        before = (int(recorded_at), message_id) if query.cursor else None
        found = await self._store.page(heard=query.heard, limit=query.limit + 1, before=before)
        page = found[: query.limit]
        more = f"{page[-1].note.recorded_at}.{page[-1].note.id}" if len(found) > query.limit else None
        return respond(MessagesResponse(messages=[_response(message) for message in page], next=more))

    @endpoint(hdrs.METH_GET, "/api/messages/{message}", "One message.", {200: MessageResponse}, problems=UNKNOWN)
    async def find_message(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """One message."""
        return respond(_response(await self._require(request)))

    @endpoint(
        hdrs.METH_GET, "/api/messages/{message}/audio", "The WAV file of a message.", {200: WAV}, problems=UNKNOWN
    )
    async def hear_message(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.StreamResponse:
        """The WAV file of a message; it is not marked as heard."""
        message = await self._require(request)
        if not await asyncio.to_thread(message.file.is_file):
            raise _elsewhere(message)
        return web.FileResponse(message.file, headers={hdrs.CONTENT_TYPE: WAV, hdrs.CACHE_CONTROL: "private"})

    @endpoint(
        hdrs.METH_POST,
        "/api/messages/{message}/mark",
        "Mark a message as heard, or as not heard.",
        {200: MessageResponse},
        problems=UNKNOWN,
        example={"heard": True},
    )
    async def mark_message(self, request: web.Request, _query: Nothing, body: MarkMessageRequest) -> web.Response:
        """Mark a message."""
        message = await self._require(request)
        await self._store.mark(message.note.id, self._clock() if body.heard else None)
        return respond(_response(await self._require(request)))

    @endpoint(
        hdrs.METH_DELETE,
        "/api/messages/{message}",
        "Delete a message and its file.",
        {200: MessageResponse},
        problems=UNKNOWN,
    )
    async def delete_message(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """Delete a message; the answer is what it was."""
        message = await self._require(request)
        await asyncio.to_thread(message.file.unlink, missing_ok=True)
        await self._store.delete(message.note.id)
        return respond(_response(message))

    async def _require(self, request: web.Request) -> CallerMessage:
        message_id = request.match_info["message"]
        found = await self._store.find(message_id) if message_id.isprintable() else None
        if found is None:
            raise Problem(404, f"There is no message '{message_id}'.", kind="unknown-message")
        return found


def _elsewhere(message: CallerMessage) -> Problem:
    detail = f"The file '{message.file.name}' is not on this machine: ask the one that recorded it."
    return Problem(404, detail, kind="unknown-message")


def _response(message: CallerMessage) -> MessageResponse:
    note = message.note
    return MessageResponse.model_validate(
        {
            "id": note.id,
            "call_sid": note.call_sid,
            "flow": note.flow,
            "from": note.from_number,
            "to": note.to_number,
            "seconds": round(note.length_ms / 1000, 1),
            "recorded_at": iso_time(note.recorded_at),
            "heard_at": None if message.heard_at is None else iso_time(message.heard_at),
            "mail_to": addresses_in(message.mail_to),
            "mailed_at": None if message.mailed_at is None else iso_time(message.mailed_at),
            "mail_error": message.mail_error,
        }
    )
