"""A streamed text is read once and can be had again from any place."""

import asyncio

import pytest

from telebridge.errors import SpeechUnavailable
from telebridge.speech.streamed_text import TokenTape


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


def taped(author):
    told = []
    return TokenTape(author, on_token=told.append, on_end=lambda: told.append(None)), told


async def test_everybody_reads_the_same_text_from_where_he_asked():
    author = Author()
    tape, told = taped(author)
    first, second = tape.since(0), tape.since(4)
    author.tokens.put_nowait("one ")
    assert await anext(first) == "one "
    author.tokens.put_nowait("two")
    assert (await anext(first), await anext(second)) == ("two", "two")
    author.tokens.put_nowait(None)
    assert [token async for token in first] == [token async for token in second] == []
    assert [token async for token in tape.since(2)] == ["e two"]
    assert told == ["one ", "two", None]


async def test_a_reader_that_goes_away_takes_nothing_from_the_author():
    author = Author()
    tape, _ = taped(author)
    reader = asyncio.create_task(anext(tape.since(0)))
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    author.tokens.put_nowait("one")
    author.tokens.put_nowait(None)
    assert [token async for token in tape.since(0)] == ["one"]


async def test_what_the_author_raised_is_raised_after_what_he_wrote():
    author = Author()
    tape, told = taped(author)
    author.tokens.put_nowait("one")
    author.tokens.put_nowait(ValueError("out of words"))
    tokens = tape.since(0)
    assert await anext(tokens) == "one"
    with pytest.raises(ValueError, match="out of words"):
        await anext(tokens)
    assert isinstance(tape.error, ValueError)
    assert told == ["one", None]


async def test_a_stopped_author_is_let_go_and_his_readers_learn_of_it():
    author = Author()
    tape, _ = taped(author)
    tokens = asyncio.create_task(anext(tape.since(0)))
    await asyncio.sleep(0)
    tape.stop()
    with pytest.raises(SpeechUnavailable):
        await tokens
    assert author.stopped
