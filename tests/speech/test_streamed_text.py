"""A text that is still being written can be spoken again from any place."""

import asyncio

from telebridge.speech.streamed_text import StreamedText


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
