"""Twilio's Calls over HTTP, through the official `twilio` package's asynchronous client.

The package is imported with the first request, in a thread: it is large, a process that only answers calls never needs
it, and no live call waits for it.

One rule: a request that may have placed a call is never repeated here. Only a 429 is known not to have been processed;
after a timeout nobody knows, and a person might be rung twice.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from aiohttp import ClientConnectorError, ClientError

from telebridge.errors import TwilioAPIError
from telebridge.timing.running_time import RunningTimeout
from telebridge.twilio.calls import CallRequest, CallStatus

if TYPE_CHECKING:
    from twilio.base.exceptions import TwilioException
    from twilio.http.async_http_client import AsyncTwilioHttpClient
    from twilio.rest import Client

T = TypeVar("T")

OVER_CODES = frozenset({20404, 21220})
"""Answers to ending a call that say it has ended already: not found, and not in a state to be changed."""

LARGEST_PAGE = 1000
"""So many calls Twilio lists in one answer, at most."""


@dataclass(frozen=True, slots=True)
class CallResource:
    """A call as Twilio's Call resource describes it.

    Args:
        sid: Its SID.
        status: Its status.
        to: The number that is called.
        from_: The number that calls.
        duration_seconds: How long it was, once it has ended.
        answered_by: The verdict of machine detection, or empty.
        created_at: When Twilio accepted the request, to the second.
        queue_ms: How long Twilio expected it to wait before it is dialled.
    """

    sid: str
    status: CallStatus
    to: str
    from_: str
    duration_seconds: int | None
    answered_by: str = ""
    created_at: datetime | None = None
    queue_ms: int | None = None


class TwilioCalls:
    """Places, reads and ends calls of one account. Close it after use.

    Args:
        account_sid: The account whose calls these are.
        password: Its auth token, or the secret of the API key.
        api_key_sid: An API key of the account; empty to use the auth token.
        base_url: Another API host, such as a local stand-in; None for Twilio's.
        timeout_seconds: For each request as a whole; the package itself would wait without end.
    """

    def __init__(
        self,
        account_sid: str,
        password: str,
        *,
        api_key_sid: str = "",
        base_url: str | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        self._credentials = (api_key_sid or account_sid, password, account_sid)
        self._base_url = base_url
        self._http: AsyncTwilioHttpClient | None = None
        self._client: Client | None = None
        self._timeout = timeout_seconds

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def create(self, request: CallRequest) -> CallResource:
        """Ask for a call. The answer means that Twilio has queued it, nothing more.

        Raises:
            TwilioAPIError: Twilio refused (`status`, `code`), or gave no answer in time (`status` 0: it may ring).
        """
        return await self._ask(lambda client: client.calls.create_async(**request.parameters()), _placed)

    async def fetch(self, sid: str) -> CallResource:
        """Fetch a call.

        Raises:
            TwilioAPIError: There is no such call, or no answer.
        """
        return await self._ask(lambda client: client.calls(sid).fetch_async(), _placed)

    async def hang_up(self, sid: str) -> None:
        """End a call; one that has ended already is no error.

        Raises:
            TwilioAPIError: Twilio refused for another reason, or gave no answer.
        """
        try:
            await self._ask(lambda client: client.calls(sid).update_async(status=CallStatus.COMPLETED.value), _placed)
        except TwilioAPIError as error:
            if error.code not in OVER_CODES:
                raise

    async def cancel(self, sid: str) -> None:
        """Cancel a call that is not answered yet; one that is answered or over is left as it is.

        Raises:
            TwilioAPIError: Twilio refused for another reason, or gave no answer.
        """
        try:
            await self._ask(lambda client: client.calls(sid).update_async(status=CallStatus.CANCELED.value), _placed)
        except TwilioAPIError as error:
            if error.code not in OVER_CODES:
                raise

    async def recent(self, *, to: str | None = None, from_: str | None = None, limit: int = 50) -> list[CallResource]:
        """The latest calls, newest first, which Twilio may show a little late.

        Raises:
            TwilioAPIError: Twilio refused or gave no answer.
        """
        filters = {name: number for name, number in (("to", to), ("from_", from_)) if number is not None}
        return await self._ask(
            lambda client: client.calls.list_async(limit=limit, **filters),
            lambda calls: [_placed(call) for call in calls],
        )

    async def created_since(self, since: datetime, *, from_: str) -> list[CallResource]:
        """All calls from a number that were created at an instant or later, newest first, page by page.

        Raises:
            TwilioAPIError: Twilio refused or gave no answer.
        """
        found: list[CallResource] = []
        page = await self._ask(lambda client: client.calls.page_async(from_=from_, page_size=LARGEST_PAGE), _same)
        while page is not None:
            calls = [_placed(call) for call in page]
            found += [call for call in calls if call.created_at is not None and call.created_at >= since]
            if not calls or calls[-1].created_at is None or calls[-1].created_at < since:
                break
            page = await self._ask(lambda _: page.next_page_async(), _same)  # noqa: B023 - called at once
        return found

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()

    async def _opened(self) -> "Client":
        """The package's client, made with the first request."""
        if self._client is None:
            await asyncio.to_thread(import_module, "twilio.rest.api")
            await asyncio.to_thread(import_module, "twilio.http.async_http_client")
        if self._client is None:  # nobody has made it meanwhile
            from twilio.http.async_http_client import AsyncTwilioHttpClient
            from twilio.rest import Client

            self._http = AsyncTwilioHttpClient()
            self._client = Client(*self._credentials, http_client=self._http)
            if self._base_url is not None:
                self._client.api.base_url = self._base_url
        return self._client

    async def _ask(self, request: "Callable[[Client], Awaitable[Any]]", read: Callable[[Any], T]) -> T:
        client = await self._opened()
        from twilio.base.exceptions import TwilioException, TwilioRestException  # imported by now

        try:
            async with RunningTimeout(self._timeout):
                return read(await request(client))
        except TwilioRestException as error:
            raise TwilioAPIError(error.status, error.code, error.msg) from error
        except TimeoutError as error:
            raise TwilioAPIError(0, None, f"no answer within {self._timeout:g} s") from error
        except ClientConnectorError as error:  # no connection, so nothing was sent
            raise TwilioAPIError(0, None, f"cannot be reached: {error}", sent=False) from error
        except (ClientError, OSError) as error:
            raise TwilioAPIError(0, None, f"cannot be reached: {error}") from error
        except TwilioException as error:
            raise _page_refused(error) from error
        except ValueError as error:
            raise TwilioAPIError(0, None, f"an answer that cannot be read: {error}") from error


def _same(page: Any) -> Any:
    return page


def _page_refused(error: "TwilioException") -> TwilioAPIError:
    """Convert the exception that the package raises for a list that Twilio refused: it holds the answer alone."""
    answer = error.args[1] if len(error.args) > 1 else None
    status = getattr(answer, "status_code", 0)
    try:
        problem = json.loads(getattr(answer, "text", ""))
        return TwilioAPIError(status, problem["code"], problem["message"])
    except (ValueError, KeyError, TypeError):
        return TwilioAPIError(status, None, f"an answer that cannot be read: {error.args[0]}")


def _placed(call: Any) -> CallResource:
    duration = int(call.duration) if call.duration is not None else None
    from_ = call._from  # noqa: SLF001 - the package has no other name for it
    queue_ms = int(call.queue_time) if call.queue_time is not None else None
    return CallResource(
        call.sid,
        CallStatus(call.status),
        call.to,
        from_,
        duration,
        answered_by=call.answered_by or "",
        created_at=call.date_created,
        queue_ms=queue_ms,
    )
