"""Speaks what a language model writes while it writes it, and tells the model what the caller heard of it.

    telebridge serve --app config.python.streamed:bridge

Calls whose webhook is `/twilio/voice/streamed` are led by it. The model is a stand-in that writes a word at a time;
put a real one in place of `model`. What the caller says is heard by the recognizer of the settings (`[recognition]`);
without one the model learns only that they have spoken. With `barge_in.judge = "words"` an "mm-hm" stops nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from telebridge import Bridge, Call, CallerTurn

bridge = Bridge()

WORD_SECONDS = 0.05
SILENT_SECONDS = 10.0
TURNS = 3


@dataclass(frozen=True)
class Line:
    """One line of the conversation, as language models take it: who said what."""

    role: str
    text: str


async def model(conversation: list[Line]) -> AsyncGenerator[str, None]:
    """A stand-in for a language model: tokens that carry their own spaces, each after a while."""
    last = conversation[-1].text
    answer = f"You said {last}. I could tell you a very long story about that, which goes on and on, until you stop me."
    for word in answer.split():
        await asyncio.sleep(WORD_SECONDS)
        yield f"{word} "


@bridge.flow("streamed")
async def streamed(call: Call) -> None:
    """Talk by turns; when the caller interrupts, the model learns how far they listened."""
    conversation = [Line("user", "hello")]
    async with aclosing(call.turns()) as turns:
        for _ in range(TURNS):
            conversation.append(await spoken(call, conversation))
            said = await next_words(turns)
            if said is None:
                break
            conversation.append(Line("user", said))
    call.result["conversation"] = [f"{line.role}: {line.text}" for line in conversation]
    await call.hang_up("That was all. Goodbye.")


async def next_words(turns: AsyncIterator[CallerTurn]) -> str | None:
    """What the caller says next; None where they are silent for too long."""
    try:
        async with asyncio.timeout(SILENT_SECONDS):
            async for turn in turns:
                if turn.final and not turn.back_channel:
                    return turn.words or "something that I did not understand"
    except TimeoutError:
        pass
    return None


async def spoken(call: Call, conversation: list[Line]) -> Line:
    """Speak the model's answer; what was not heard was not said, as far as the conversation goes."""
    written: list[str] = []

    async def words() -> AsyncIterator[str]:
        async with aclosing(model(conversation)) as answer:
            async for word in answer:
                written.append(word)
                yield word

    interruption = await call.say(words())
    heard = "".join(written).strip() if interruption is None else interruption.heard_text
    return Line("assistant", heard)
