"""Connections are opened ahead of need, lent to one request at a time, and closed without anybody waiting."""

import asyncio
import http
import itertools
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from support.faults import fault
from support.virtual_time import virtually
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from telebridge.errors import SpeechRejected, SpeechUnavailable
from telebridge.rime.connections import KEEP_SECONDS, MOST_ADDRESSES, Connections
from telebridge.rime.parameters import RimeOptions
from telebridge.rime.pool import FIRST_DELAY_SECONDS


class Rime:
    """Accepts connections, or refuses them with `status`; notes what comes over them."""

    def __init__(self):
        self.status = None
        self.paths = []  # of every handshake
        self.open = 0
        self.messages = []
        self.url = ""

    async def answer(self, connection, request):
        self.paths.append(request.path)
        return None if self.status is None else connection.respond(http.HTTPStatus(self.status), "because")

    async def talk(self, connection):
        self.open += 1
        try:
            while True:
                self.messages.append(await connection.recv())
        except ConnectionClosed:
            self.open -= 1


@asynccontextmanager
async def connections(**options):
    rime = Rime()
    async with serve(rime.talk, "127.0.0.1", 0, process_request=rime.answer) as server:
        rime.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        kept = Connections(RimeOptions(url=rime.url, api_key="key", **options))
        yield rime, kept
        await kept.aclose()
        await asyncio.sleep(0.1)
        assert rime.open == 0


@virtually
async def test_a_released_connection_is_lent_again():
    async with connections(warm_sockets=1) as (rime, kept):
        first = await kept.acquire(rime.url)
        kept.release(rime.url, first)
        assert await kept.acquire(rime.url) is first
        kept.close(first)


@virtually
async def test_a_fresh_connection_is_none_that_was_released():
    async with connections(warm_sockets=1) as (rime, kept):
        first = await kept.acquire(rime.url)
        kept.release(rime.url, first)
        second = await kept.acquire(rime.url, fresh=True)
        assert second is not first
        kept.close(second)


@virtually
async def test_without_spares_a_released_connection_is_closed():
    async with connections(warm_sockets=0) as (rime, kept):
        connection = await kept.acquire(rime.url)
        kept.release(rime.url, connection)
        await asyncio.sleep(0.1)
        assert connection.state is State.CLOSED


@fault(
    "Rime closes a spare connection while nobody uses it.",
    caller="The next prompt, without a delay.",
    operator="Nothing unusual.",
    kept="The prompt: it is not sent into a closed connection.",
)
@virtually
async def test_a_spare_that_was_closed_at_the_other_end_is_not_lent():
    async with connections(warm_sockets=1) as (rime, kept):
        first = await kept.acquire(rime.url)
        kept.release(rime.url, first)
        await first.close()
        second = await kept.acquire(rime.url)
        assert second.state is State.OPEN
        kept.close(second)


@virtually
async def test_an_address_that_is_kept_warm_has_its_spares_and_gets_them_back():
    async with connections(warm_sockets=2) as (rime, kept):
        kept.keep_warm(rime.url)
        await asyncio.sleep(0.1)
        assert rime.open == 2
        lent = await kept.acquire(rime.url)
        await asyncio.sleep(0.1)
        assert rime.open == 3, "another is opened in its place"
        kept.close(lent)
        await asyncio.sleep(10 * KEEP_SECONDS)
        assert rime.open == 2, "however long nobody speaks"


@virtually
async def test_an_address_that_is_used_no_more_loses_its_spares():
    async with connections(warm_sockets=1) as (rime, kept):
        kept.close(await kept.acquire(rime.url))
        await asyncio.sleep(1)
        assert rime.open == 1
        await asyncio.sleep(KEEP_SECONDS + 5)
        assert rime.open == 0


@virtually
async def test_a_spare_that_is_too_old_is_replaced():
    async with connections(warm_sockets=1, max_idle_seconds=30.0) as (rime, kept):
        kept.keep_warm(rime.url)
        await asyncio.sleep(45)
        assert len(rime.paths) == 2
        assert rime.open == 1


@virtually
async def test_the_number_of_addresses_with_spares_is_bounded():
    async with connections(warm_sockets=1) as (rime, kept):
        kept.keep_warm(rime.url)
        for number in range(3 * MOST_ADDRESSES):
            kept.close(await kept.acquire(f"{rime.url}/?speaker={number}"))
            await asyncio.sleep(0.1)
        assert rime.open <= MOST_ADDRESSES
        spares = len(rime.paths)
        kept.close(await kept.acquire(rime.url))
        await asyncio.sleep(0.1)
        assert len(rime.paths) == spares + 1, "the address kept warm still had one, which is replaced"


@virtually
async def test_a_last_message_is_sent_before_the_connection_is_closed():
    async with connections(warm_sockets=0) as (rime, kept):
        kept.close(await kept.acquire(rime.url), last_message="<CLEAR>")
        await asyncio.sleep(0.1)
        assert rime.messages == ["<CLEAR>"]


@pytest.mark.parametrize(
    ("status", "error", "retryable"),
    [
        (400, SpeechRejected, False),
        (401, SpeechRejected, False),
        (403, SpeechRejected, False),
        (429, SpeechUnavailable, True),
        (500, SpeechUnavailable, True),
    ],
)
@virtually
async def test_a_refused_handshake_is_an_error_with_its_status(status, error, retryable):
    async with connections(warm_sockets=0) as (rime, kept):
        rime.status = status
        with pytest.raises(error, match="because") as caught:
            await kept.acquire(rime.url)
        assert (caught.value.status, caught.value.retryable) == (status, retryable)


@fault(
    "Rime answers the opening of spare connections with 429.",
    caller="A prompt may begin a handshake later.",
    operator="Nothing more than one attempt in the back-off.",
    kept="The spares: they are opened when Rime takes them again.",
)
@virtually
async def test_refused_spares_are_opened_again_after_a_back_off():
    async with connections(warm_sockets=1) as (rime, kept):
        rime.status = 429
        kept.keep_warm(rime.url)
        await asyncio.sleep(4)
        assert len(rime.paths) == 1, "a 429 slows the pool down"
        rime.status = None
        await asyncio.sleep(10)
        assert rime.open == 1


UNFORESEEN = [
    ValueError("a header"),
    RuntimeError("a library"),
    KeyError("a key"),
    AssertionError(),
    MemoryError(),
    RecursionError(),
    ExceptionGroup("several", [OSError("one")]),
    EOFError(),
    StopAsyncIteration(),
    asyncio.CancelledError(),
    asyncio.InvalidStateError(),
    TimeoutError(),
    SpeechRejected("no", status=401),
]


class Spare:
    state = State.OPEN

    async def close(self):
        pass


@given(st.lists(st.sampled_from(UNFORESEEN), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_whatever_the_opening_of_a_spare_raises_the_next_one_is_opened_after_the_back_off(errors):
    left, times = list(errors), []

    async def opener(_):
        times.append(asyncio.get_running_loop().time())
        if left:
            raise left.pop(0)
        return Spare()

    @virtually
    async def opened_and_failed():
        kept = Connections(RimeOptions(url="ws://rime", warm_sockets=1))
        kept._connect = opener
        kept.keep_warm("ws://rime")
        await asyncio.sleep(20)
        await kept.aclose()

    with capture_logs():
        opened_and_failed()
    assert len(times) == len(errors) + 1, "the last one was opened"
    for number, (before, after) in enumerate(itertools.pairwise(times)):
        assert after - before >= FIRST_DELAY_SECONDS * 2**number


@virtually
async def test_an_unforeseen_error_of_a_request_is_that_of_the_connection():
    async with connections(warm_sockets=0) as (rime, kept):

        async def failing(_):
            raise KeyError("a library")

        kept._connect = failing
        with pytest.raises(SpeechUnavailable, match="KeyError: 'a library'"):
            await kept.acquire(rime.url)


@virtually
async def test_a_check_of_the_spares_that_fails_is_made_again():
    async with connections(warm_sockets=1) as (rime, kept):
        kept.keep_warm(rime.url)
        await asyncio.sleep(0.1)
        pool = kept._pools[rime.url]
        expired = pool.expired
        pool.expired = lambda *_, **__: 1 / 0
        await asyncio.sleep(3)
        pool.expired = expired
        [spare] = pool.drain()
        kept.close(spare)
        await asyncio.sleep(3)
        assert rime.open == 1
