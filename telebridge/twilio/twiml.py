"""The TwiML documents that the bridge answers with, built by Twilio's own builder.

Source: Twilio, "TwiML for Programmable Voice". A `<Stream>` address has no query string: Twilio strips it.
"""

from twilio.twiml.voice_response import VoiceResponse


def connect_stream(url: str, *, status_callback: str, then_redirect: str) -> str:
    """Open a two-way stream, and ask `then_redirect` what follows when it ends.

    The redirect is what keeps a call alive: without a verb after `<Connect>`, a lost stream hangs up.
    """
    response = VoiceResponse()
    response.connect().stream(url=url, status_callback=status_callback, status_callback_method="POST")
    response.redirect(then_redirect, method="POST")
    return str(response)


def dial(to: str, *, action: str, timeout_seconds: float, caller_id: str | None, whisper: str | None) -> str:
    """Connect the caller with somebody else, and tell `action` how it went.

    Args:
        to: A number in E.164, or an address that begins with `sip:` or `client:`.
        action: Asked what follows, whether they talked or not.
        timeout_seconds: How long it rings.
        caller_id: The number shown; None for the caller's own.
        whisper: The address of a document that is performed to who answers before they are connected.
    """
    response = VoiceResponse()
    shown = {} if caller_id is None else {"caller_id": caller_id}
    connecting = response.dial(action=action, method="POST", timeout=max(5, round(timeout_seconds)), **shown)
    told = {} if whisper is None else {"url": whisper, "method": "POST"}
    scheme, _, name = to.partition(":")
    match scheme:
        case "sip" | "sips":
            connecting.sip(to, **told)
        case "client":
            connecting.client(name, **told)
        case _:
            connecting.number(to, **told)
    return str(response)


def say(text: str) -> str:
    """Let Twilio's own voice say one thing."""
    response = VoiceResponse()
    response.say(text)
    return str(response)


def hang_up() -> str:
    """End the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def say_and_hang_up(text: str) -> str:
    """Let Twilio's own voice say one thing, and end the call: the last resort when no audio can be had."""
    response = VoiceResponse()
    response.say(text)
    response.hangup()
    return str(response)


def reject(*, reason: str = "busy") -> str:
    """Refuse a call without answering it, which costs the caller nothing.

    Args:
        reason: "busy" or "rejected": what the caller hears.
    """
    response = VoiceResponse()
    response.reject(reason=reason)
    return str(response)
