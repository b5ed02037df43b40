"""`<Gather>`: keys pressed while prompts play and for some seconds after each.

Follows Twilio's "TwiML <Gather>": the first key stops the prompts; a finishing key, the wanted number of keys or a
pause ends it.
"""

import asyncio
from collections.abc import Awaitable, Callable

from telebridge.simulator.driver import LineDriver
from telebridge.simulator.twiml import Done
from telebridge.simulator.verbs import Gather, Prompt


async def gather(
    act: Gather, driver: LineDriver, queue_prompts: Callable[[tuple[Prompt, ...]], Awaitable[float]]
) -> Done:
    """Carry it out on an open line; the keys are in the outcome's `Digits`."""
    while not driver.keys.empty():
        driver.keys.get_nowait()  # Twilio knows no type-ahead
    patience = await queue_prompts(act.prompts) + act.timeout_seconds
    digits = ""
    while act.num_digits is None or len(digits) < act.num_digits:
        try:
            async with asyncio.timeout(patience):
                key = await driver.keys.get()
        except TimeoutError:
            break
        if not digits:
            driver.line.playout.clear(now=driver.now())
        if key == act.finish_on_key:
            return Done({"Digits": digits, "FinishedOnKey": key})
        digits += key
        patience = act.timeout_seconds
    return Done({"Digits": digits})
