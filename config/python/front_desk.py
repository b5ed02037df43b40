"""The front desk of config/flows/front-desk.yaml, written in Python; and a function that flow files can run.

    telebridge serve --app config.python.front_desk:bridge

A Python flow goes before a file of the same name, so this one answers wherever `front-desk` is asked for.
"""

from typing import Any

from telebridge import Bridge, Call, DigitRules

bridge = Bridge()

COMPANY = "Acme Dental"
MAIN = "For opening hours, press 1. To check an appointment, press 2. To hear this again, press star."
ACCOUNT = DigitRules(min_digits=6, max_digits=6, between_seconds=4.0)
APPOINTMENTS = {"123456": "on Tuesday at ten"}


@bridge.flow("front-desk")
async def front_desk(call: Call) -> None:
    """Ask what they want until they want nothing more."""
    await call.say(f"Thank you for calling {COMPANY}.")
    while answer := await call.ask(MAIN, choices="12*", wait_seconds=6.0):
        match answer.digits:
            case "1":
                await call.say("We are open Monday to Friday, from eight in the morning to six in the evening.")
            case "2":
                await appointment(call)
            case _:
                continue
        if not await call.ask("To go back to the choices, press 1. Otherwise, just hang up.", choices="1", reprompt=0):
            break
    await call.hang_up(f"Thank you for calling {COMPANY}. Goodbye.")


async def appointment(call: Call) -> None:
    """Ask for the account, three times at the most."""
    for _ in range(3):
        answer = await call.collect("Please enter your six digit account number, then press pound.", rules=ACCOUNT)
        if ACCOUNT.accepts(answer.digits):
            break
        await call.say("An account number has six digits.")
    else:
        return
    call.result["account"] = answer.digits
    when = await find_appointment({"account": answer.digits})
    spelled = " ".join(answer.digits)
    await call.say(
        f"Account {spelled} has an appointment {when}." if when else f"Account {spelled} has no appointment."
    )


@bridge.function("find_appointment")
async def find_appointment(variables: dict[str, Any]) -> str | None:
    """When the account in `variables` has its appointment; a flow file says `run: find_appointment`."""
    return APPOINTMENTS.get(variables["account"])
