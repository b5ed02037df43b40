"""The TwiML documents that the bridge answers with, built by the `twilio` package.

Follows Twilio, "TwiML for Programmable Voice". A `<Stream>` address has no query string, because Twilio strips it.

One rule: a function returns a whole document; its caller sends it unchanged.
"""

from twilio.twiml.voice_response import VoiceResponse

from telebridge.unicode_text import is_speakable, xml_text


def connect_stream(url: str, *, status_callback: str, then_redirect: str) -> str:
    """Open a two-way media stream, and request `then_redirect` when it ends.

    The redirect keeps the call alive: without a verb after `<Connect>`, the loss of the stream hangs up.

    Args:
        url: The address of the media stream, `wss://…`.
        status_callback: The address of the reports about the stream.
        then_redirect: The address of the document that follows the stream.
    """
    response = VoiceResponse()
    response.connect().stream(url=url, status_callback=status_callback, status_callback_method="POST")
    response.redirect(then_redirect, method="POST")
    return str(response)


def dial(to: str, *, action: str, timeout_seconds: float, caller_id: str | None, whisper: str | None) -> str:
    """Connect the caller with somebody else, and report the result to `action`.

    Args:
        to: A number in E.164, or an address that begins with `sip:` or `client:`.
        action: The address that receives the result and answers the document that follows.
        timeout_seconds: How long it rings; at least 5 seconds.
        caller_id: The number shown; None for the caller's own.
        whisper: The address of a document that is played to whoever answers before they are connected; None for none.
    """
    response = VoiceResponse()
    options = {} if caller_id is None else {"caller_id": xml_text(caller_id)}
    target = response.dial(action=xml_text(action), method="POST", timeout=max(5, round(timeout_seconds)), **options)
    screening = {} if whisper is None else {"url": xml_text(whisper), "method": "POST"}
    to = xml_text(to)
    scheme, _, name = to.partition(":")
    match scheme:
        case "sip" | "sips":
            target.sip(to, **screening)
        case "client":
            target.client(name, **screening)
        case _:
            target.number(to, **screening)
    return str(response)


def enqueue(name: str, *, action: str, wait_url: str | None) -> str:
    """Put the caller into a queue, and report the end of their wait to `action`.

    Follows Twilio, "TwiML <Enqueue>". The queue is made when the account has none of that name.

    Args:
        name: The queue's name.
        action: The address that receives the result and answers the document that follows.
        wait_url: The address of the TwiML or the recording that the caller hears; None for Twilio's music.
    """
    response = VoiceResponse()
    waiting = {} if wait_url is None else {"wait_url": xml_text(wait_url)}
    response.enqueue(xml_text(name), action=xml_text(action), method="POST", **waiting)
    return str(response)


def _say(response: VoiceResponse, text: str) -> None:
    """Add a text without the characters that no XML document may hold; one with nothing to say would be an error."""
    if is_speakable(text):
        response.say(xml_text(text))


def say(text: str) -> str:
    """Say a text in Twilio's own voice."""
    response = VoiceResponse()
    _say(response, text)
    return str(response)


def redirect(url: str) -> str:
    """Go on with the document at another address."""
    response = VoiceResponse()
    response.redirect(xml_text(url), method="POST")
    return str(response)


def hang_up() -> str:
    """End the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def say_and_hang_up(text: str) -> str:
    """Say a text in Twilio's own voice and end the call: for a call that has no audio of ours."""
    response = VoiceResponse()
    _say(response, text)
    response.hangup()
    return str(response)


def reject(*, reason: str = "busy") -> str:
    """Refuse a call without answering it, at no cost to the caller.

    Args:
        reason: "busy" or "rejected"; it decides what the caller hears.
    """
    response = VoiceResponse()
    response.reject(reason=reason)
    return str(response)
