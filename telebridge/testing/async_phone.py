"""The telephone of an asynchronous test.

    async def test_billing(aphone):
        async with aphone.call("front-desk.yaml") as call:
            await call.hears("press 1 for billing", within=3)
            await call.press("1")

Calls take place on the clock and the event loop that they have in a synchronous test, in a thread of their own; the
event loop of the test goes on meanwhile, and may serve the program that is called by its URL.

One rule: what takes time is awaited, and whatever is read is read at once.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, update_wrapper
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from telebridge.errors import ConfigurationError
from telebridge.testing.call.failure import CallFailure
from telebridge.testing.call.placed_call import PlacedCall
from telebridge.testing.campaign import TestedCampaign
from telebridge.testing.phone import Phone

P = ParamSpec("P")
T = TypeVar("T")
Inner = TypeVar("Inner")


class _Awaiting:
    """Does what takes time in a thread.

    Args:
        inner: Who does it.
        thread: Where.
    """

    def __init__(self, inner: Any, thread: ThreadPoolExecutor) -> None:
        self._inner = inner
        self._thread = thread

    def __getattr__(self, name: str) -> Any:
        """Whatever is read."""
        return getattr(self._inner, name)


def _awaited(
    method: Callable[Concatenate[Any, P], T],
) -> Callable[Concatenate["_Awaiting", P], Coroutine[Any, Any, T]]:
    """The method as a coroutine."""

    async def wait(self: "_Awaiting", /, *args: P.args, **kwargs: P.kwargs) -> T:
        __tracebackhide__ = True
        work = partial(method, self._inner, *args, **kwargs)
        try:
            return await _in_thread(self._thread, work)
        except CallFailure as failure:
            raise failure.with_traceback(None) from None  # the frames of the thread say nothing

    update_wrapper(wait, method)
    return wait


class AsyncCall(_Awaiting):
    """One call of an asynchronous test: the verbs of `PlacedCall` as coroutines, and what can be read of it."""

    hears = _awaited(PlacedCall.hears)
    hears_nothing = _awaited(PlacedCall.hears_nothing)
    hears_sound = _awaited(PlacedCall.hears_sound)
    cut = _awaited(PlacedCall.cut)
    transferred_to = _awaited(PlacedCall.transferred_to)
    ends = _awaited(PlacedCall.ends)
    press = _awaited(PlacedCall.press)
    says = _awaited(PlacedCall.says)
    coughs = _awaited(PlacedCall.coughs)
    makes = _awaited(PlacedCall.makes)
    waits = _awaited(PlacedCall.waits)
    stands_in = _awaited(PlacedCall.stands_in)
    uses_loudspeaker = _awaited(PlacedCall.uses_loudspeaker)
    follows = _awaited(PlacedCall.follows)
    drop_stream = _awaited(PlacedCall.drop_stream)
    hangs_up = _awaited(PlacedCall.hangs_up)
    _leave = _awaited(PlacedCall.__exit__)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        await self._leave(kind, error, trace)


class AsyncCampaign(_Awaiting):
    """A campaign of an asynchronous test: await its `run`, then read."""

    run = _awaited(TestedCampaign.run)


class _Opening:
    """A call that is placed when it is awaited, or at the beginning of an `async with`."""

    def __init__(self, place: Callable[[], Coroutine[Any, Any, AsyncCall]]) -> None:
        self._place = place
        self._call: AsyncCall | None = None

    def __await__(self) -> Generator[Any, None, AsyncCall]:
        return self._place().__await__()

    async def __aenter__(self) -> AsyncCall:
        __tracebackhide__ = True
        self._call = await self._place()
        return self._call

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        if self._call is not None:
            await self._call.__aexit__(kind, error, trace)


class AsyncPhone(_Awaiting):
    """A telephone whose calls are awaited; see `Phone`.

    `answers`, `inject`, `rime`, `twilio` and `web` are those of `Phone`.
    """

    def __init__(self, phone: Phone) -> None:
        super().__init__(phone, ThreadPoolExecutor(1, thread_name_prefix="telebridge phone"))

    restart = _awaited(Phone.restart)
    inject = _awaited(Phone.inject)
    drop_stream = _awaited(Phone.drop_stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def call(self, *args: Any, **kwargs: Any) -> _Opening:
        """Call; the arguments are those of `Phone.call`.

        Returns:
            What is awaited for the call, or used in `async with`, which hangs up at its end.
        """
        return _Opening(partial(self._call, *args, **kwargs))

    async def _call(self, *args: Any, **kwargs: Any) -> AsyncCall:
        __tracebackhide__ = True
        work = partial(self._inner.call, *args, **kwargs)
        return AsyncCall(await _in_thread(self._thread, work), self._thread)

    async def campaign(
        self, contacts: Mapping[str, Mapping[str, Any]] | Sequence[str], *, flow: str, **wishes: Any
    ) -> AsyncCampaign:
        """A campaign that calls these contacts; see `Phone.campaign`."""
        work = partial(self._inner.campaign, contacts, flow=flow, **wishes)
        return AsyncCampaign(await _in_thread(self._thread, work), self._thread)

    def close(self) -> None:
        """End all calls and everything around them. May be called again, and waits until that is done."""
        try:
            self._thread.submit(self._inner.close).result()
        except RuntimeError:
            self._inner.close()  # it was closed before
        self._thread.shutdown()


async def _in_thread(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Do something in a thread.

    Raises:
        ConfigurationError: No event loop of asyncio runs here.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError as error:
        raise ConfigurationError("aphone", "runs on asyncio", "run the test on asyncio, or take 'phone'") from error
    return await loop.run_in_executor(thread, work)
