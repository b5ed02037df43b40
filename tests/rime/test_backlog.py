import asyncio

import pytest
from support.virtual_time import virtually

from telebridge.errors import SpeechUnavailable
from telebridge.rime.backlog import TextBacklog


async def all_of(backlog):
    requests = []
    try:
        while (request := await backlog.next_request()) is not None:
            requests.append(request)
    finally:
        await backlog.aclose()
    return requests


async def tokens_of(*tokens):
    for token in tokens:
        yield token
        await asyncio.sleep(0)


async def test_a_whole_text_is_one_request_where_it_may_be():
    assert await all_of(TextBacklog("One. Two. Three.", 500)) == ["One. Two. Three."]


async def test_a_long_text_is_cut_into_requests_within_the_limit():
    assert await all_of(TextBacklog("One one. Two two. Three.", 18)) == ["One one. Two two. ", "Three."]


@pytest.mark.parametrize("text", ["", "  ", ".", "...", " — ", '"?!"', "😀", "**", "।", "$ %"])
async def test_what_has_no_sound_is_not_asked_for(text):
    assert await all_of(TextBacklog(text, 500)) == []
    assert await all_of(TextBacklog(tokens_of(*text), 500)) == []


async def test_what_gathers_while_rime_speaks_is_one_request():
    backlog = TextBacklog(tokens_of("One. ", "Two. ", "Three. ", "Four."), 500)
    first = await backlog.next_request()
    await asyncio.sleep(0.01)
    rest = await all_of(backlog)
    assert (first, rest) == ("One. ", ["Two. Three. Four."])


async def test_what_the_author_raises_comes_after_what_was_written():
    async def tokens():
        yield "Said. "
        raise ValueError("gone")

    backlog = TextBacklog(tokens(), 500)
    assert await backlog.next_request() == "Said. "
    with pytest.raises(ValueError, match="gone"):
        await backlog.next_request()
    await backlog.aclose()


async def test_an_author_who_is_cancelled_keeps_nobody_waiting():
    async def tokens():
        yield "Said. "
        raise asyncio.CancelledError

    backlog = TextBacklog(tokens(), 500)
    assert await backlog.next_request() == "Said. "
    with pytest.raises(SpeechUnavailable, match="cancelled"):
        await backlog.next_request()
    await backlog.aclose()


async def test_closing_stops_reading_in_the_middle():
    ended = []

    async def tokens():
        try:
            yield "Said. "
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    backlog = TextBacklog(tokens(), 500)
    assert await backlog.next_request() == "Said. "
    await backlog.aclose()
    assert ended == [True]


@virtually
async def test_an_author_who_stalls_in_a_sentence_has_its_whole_words_spoken_after_a_while():
    loop = asyncio.get_running_loop()

    async def stalling():
        for token in ("The price", " is tw"):
            yield token
            await asyncio.sleep(0.9)
        await asyncio.sleep(5)
        yield "elve dollars"
        await asyncio.sleep(5)
        yield "."

    began = loop.time()
    backlog = TextBacklog(stalling(), 500, stalled_seconds=1.0)
    assert (await backlog.next_request(), loop.time() - began) == ("The price is ", pytest.approx(1.9))
    assert await backlog.next_request() == "twelve "
    assert await all_of(backlog) == ["dollars."]


@virtually
async def test_tokens_that_come_in_time_cost_no_timer_each():
    async def steady():
        for _ in range(100):
            yield "word "
            await asyncio.sleep(0.05)

    loop = asyncio.get_running_loop()
    armed = []
    call_at = loop.call_at
    loop.call_at = lambda when, *rest, **more: (armed.append(when), call_at(when, *rest, **more))[1]
    try:
        backlog = TextBacklog(steady(), 5000, stalled_seconds=1.0)
        assert await all_of(backlog) == ["word " * 100]
    finally:
        del loop.call_at
    sleeps = 100
    assert len(armed) - sleeps <= 7, "one for each second, and no more"
