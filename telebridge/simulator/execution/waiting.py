"""What callers hear while they wait in a queue, or for a conference to begin: a document, performed over and over.

Follows Twilio's `<Enqueue>` and `<Conference>` ("waitUrl"). Without an address Twilio plays music of its own; here
there is silence, as with an empty one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from telebridge.simulator.execution.live_call import LiveCallParts
from telebridge.simulator.twiml.interpreter import (
    LEFT_QUEUE,
    EndOfTwiml,
    Fetch,
    Instruction,
    InstructionOutcome,
    Interpreter,
)
from telebridge.simulator.twiml.verbs import GatherVerb, PauseVerb, PlayVerb, RejectVerb, SayVerb

ALLOWED = (Fetch, SayVerb, PlayVerb, PauseVerb, GatherVerb)
SHORTEST_SECONDS = 1.0
"""A document that takes no time is asked for once a second."""

Execute = Callable[[Instruction], Awaitable[InstructionOutcome]]


async def wait_by_documents(
    call: LiveCallParts, url: str, method: str, fields: Callable[[], Mapping[str, str]], execute: Execute
) -> str:
    """Perform the document at `url` again and again; the current document of the call is the same afterwards.

    Args:
        call: The call.
        url: The address; empty for silence.
        method: How it is asked for.
        fields: Returns what is sent with each request, in addition to the fields of the call.
        execute: Performs one instruction on the call.

    Returns:
        Why the caller does not wait any longer: `LEFT_QUEUE` or "hangup".
    """
    base_url = call.base_url
    try:
        return await _perform_for_ever(call, url, method, fields, execute)
    finally:
        call.base_url = base_url


async def _perform_for_ever(
    call: LiveCallParts, url: str, method: str, fields: Callable[[], Mapping[str, str]], execute: Execute
) -> str:
    while url:
        began = call.now()
        interpreter = Interpreter(in_queue=True)
        instruction = interpreter.start(url, method, fields())
        while isinstance(instruction, ALLOWED):
            instruction = interpreter.resume(await execute(instruction))
        call.report(interpreter.problems)
        if isinstance(instruction, EndOfTwiml) and instruction.code is not None:
            break  # what cannot be asked for or read is silence; the failure was noted when it was asked for
        if isinstance(instruction, RejectVerb) or getattr(instruction, "reason", "") == "hangup":
            return "hangup"
        if getattr(instruction, "reason", "") == LEFT_QUEUE:
            return LEFT_QUEUE
        await asyncio.sleep(max(0.0, began + SHORTEST_SECONDS - call.now()))
    await asyncio.Event().wait()  # until the caller is taken out of the queue
    raise AssertionError
