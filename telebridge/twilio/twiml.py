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
