"""Reminds somebody of an appointment, and keeps their answer.

    TELEBRIDGE_TRANSFERS__ALLOWED='["+1555123"]' telebridge serve --app config.python.reminder:bridge

Calls whose webhook is `/twilio/voice/reminder` are led by it. The answer is in the record of the call, under `result`.
"""

import asyncio

from telebridge import Bridge, Call

bridge = Bridge()

OFFICE = "+15551230100"


@bridge.flow("reminder")
async def reminder(call: Call) -> None:
    """Ask whether the appointment stands; who wants to move it is connected with the office."""
    name = call.variables.get("name", "there")
    when = call.variables.get("when", "tomorrow at ten")
    if not call.resumed:  # another process has said hello, and was cut off after that
        await call.say(f"Hello {name}. This is Acme Dental, about your appointment {when}.")
        call.checkpoint("greeted")
    answer = await call.ask("To confirm it, press 1. To move it, press 2. To cancel it, press 3.", choices="123")
    match answer.digits:
        case "1":
            call.result["answer"] = "confirmed"
            await call.hang_up(f"Thank you. We will see you {when}.")
        case "2":
            call.result["answer"] = "to be moved"
            await move(call)
        case "3":
            call.result["answer"] = "cancelled"
            await call.hang_up("Your appointment is cancelled. Goodbye.")
        case _:
            call.result["answer"] = "none"
            await call.hang_up("We did not get an answer. Please call us back. Goodbye.")


async def move(call: Call) -> None:
    """Connect them with the office, or take a message when nobody answers."""
    talk = await call.transfer(OFFICE, timeout_seconds=20, whisper="Somebody wants to move an appointment.")
    if talk.connected:
        return
    try:
        async with asyncio.timeout(90):
            message = await call.record(
                "Nobody is free. Please say after the tone when we may call you, then press pound."
            )
    except TimeoutError:
        call.result["message"] = "too long"
    else:
        call.result["message"] = message.file
    await call.hang_up("Thank you. We will call you back. Goodbye.")
