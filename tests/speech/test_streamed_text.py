"""A text that is still being written can be spoken again from any place."""

import asyncio

import pytest

from telebridge.errors import SpeechUnavailable
from telebridge.speech.streamed_text import ReplayBuffer, StreamedText


async def words(*texts, gone=None):
    try:
        for text in texts:
            await asyncio.sleep(0)
            yield text
    finally:
        if gone is not None:
            gone.append(True)


async def read(text):
    return "".join([token async for token in text])


async def test_it_is_read_from_the_beginning_as_often_as_wanted():
    text = StreamedText.by(words("Hello ", "there ", "friend."))
    assert await read(text) == "Hello there friend."
    assert await read(text) == "Hello there friend."


async def test_it_goes_on_from_a_place_and_from_a_place_after_that():
    text = StreamedText.by(words("Hello ", "there ", "friend."))
    assert await read(text.since(6)) == "there friend."
    assert await read(text.since(6).since(6)) == "friend."


async def test_who_reads_again_gets_what_is_written_meanwhile():
    text = StreamedText.by(words(*"abcdef"))
    first = aiter(text)
    assert await anext(first) == "a"
    assert await read(text.since(1)) == "bcdef"


async def test_an_author_whom_nobody_hears_any_more_is_stopped():
    gone = []
    text = StreamedText.by(words(*"ab" * 1000, gone=gone))
    await anext(aiter(text))
    text.stop()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert gone == [True]


# The replay buffer.


class Author:
    """Writes what the test puts in."""

    def __init__(self):
        self.tokens = asyncio.Queue()
        self.stopped = False

    async def __aiter__(self):
        try:
            while (token := await self.tokens.get()) is not None:
                if isinstance(token, Exception):
                    raise token
                yield token
        finally:
            self.stopped = True


def buffered(author):
    told = []
    return ReplayBuffer(author, on_token=told.append, on_end=lambda: told.append(None)), told


async def test_everybody_reads_the_same_text_from_where_he_asked():
    author = Author()
    buffer, told = buffered(author)
    first, second = buffer.since(0), buffer.since(4)
    author.tokens.put_nowait("one ")
    assert await anext(first) == "one "
    author.tokens.put_nowait("two")
    assert (await anext(first), await anext(second)) == ("two", "two")
    author.tokens.put_nowait(None)
    assert [token async for token in first] == [token async for token in second] == []
    assert [token async for token in buffer.since(2)] == ["e two"]
    assert told == ["one ", "two", None]


async def test_a_reader_that_goes_away_takes_nothing_from_the_author():
    author = Author()
    buffer, _ = buffered(author)
    reader = asyncio.create_task(anext(buffer.since(0)))
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    author.tokens.put_nowait("one")
    author.tokens.put_nowait(None)
    assert [token async for token in buffer.since(0)] == ["one"]


async def test_what_the_author_raised_is_raised_after_what_he_wrote():
    author = Author()
    buffer, told = buffered(author)
    author.tokens.put_nowait("one")
    author.tokens.put_nowait(ValueError("out of words"))
    tokens = buffer.since(0)
    assert await anext(tokens) == "one"
    with pytest.raises(ValueError, match="out of words"):
        await anext(tokens)
    assert isinstance(buffer.error, ValueError)
    assert told == ["one", None]


async def test_a_stopped_author_is_let_go_and_his_readers_learn_of_it():
    author = Author()
    buffer, _ = buffered(author)
    tokens = asyncio.create_task(anext(buffer.since(0)))
    await asyncio.sleep(0)
    buffer.stop()
    with pytest.raises(SpeechUnavailable):
        await tokens
    assert author.stopped
