import asyncio

import pytest

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


@pytest.mark.parametrize("text", ["", "  ", ".", "...", " — ", '"?!"'])
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
