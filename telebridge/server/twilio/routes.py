"""The routes of the bridge, and the check that stands before those meant for Twilio."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from multidict import MultiDict

from telebridge import metrics
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.logs import logger
from telebridge.server.health import HealthDoor
from telebridge.server.twilio.campaign_calls import CampaignCalls
from telebridge.server.twilio.media import MediaHandler
from telebridge.server.twilio.prompts import PromptDoor
from telebridge.server.twilio.request_validation import FIELDS, Trust
from telebridge.server.twilio.status import StatusDoor
from telebridge.server.twilio.voice import VoiceDoor, apology
from telebridge.twilio.signed_urls import CallVariables, StreamTokens

log = logger(__name__)

Door = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_routes(  # noqa: PLR0913 - what each door needs
    app: web.Application,
    calls: LiveCalls,
    trust: Trust,
    tokens: StreamTokens,
    variables: CallVariables,
    prompts: PromptDoor,
    campaigns: CampaignCalls,
    *,
    default_flow: str,
    numbers: dict[str, str],
) -> None:
    """Put every door of the bridge into `app`."""
    voice = VoiceDoor(calls, trust, tokens, variables, campaigns, default_flow=default_flow, numbers=numbers)
    status = StatusDoor(calls, campaigns)
    health = HealthDoor(calls)
    for path, door in {
        "/twilio/voice": _apologising(voice.voice),
        "/twilio/voice/{flow}": _apologising(voice.voice),
        "/twilio/next": _apologising(voice.next),
        "/twilio/dial-status": _apologising(voice.dial_status),
        "/twilio/whisper": _apologising(voice.whisper),
        "/twilio/status": status.call_status,
        "/twilio/amd": status.machine_detected,
        "/twilio/stream-status": status.stream_status,
    }.items():
        app.router.add_get(path, _for_twilio(trust, door), allow_head=False)
        app.router.add_post(path, _for_twilio(trust, door))
    app.router.add_get("/twilio/media/{token}", MediaHandler(calls, trust, tokens).media, allow_head=False)
    app.router.add_get("/prompts/{signed}.wav", prompts.prompt)
    app.router.add_get("/healthz", health.healthz)
    app.router.add_get("/readyz", health.readyz)
    app.router.add_get("/metrics", health.metrics)


def _apologising(door: Door) -> Door:
    """Answer with an apology where a fault of ours would have Twilio read its own error to the caller."""

    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await door(request)
        except web.HTTPException:
            raise
        except Exception:  # the top of a request: the caller must hear something
            log.exception("webhook failed", path=request.path, call_sid=request[FIELDS].get("CallSid"))
            return apology()

    return answered


def _for_twilio(trust: Trust, door: Door) -> Door:
    """Let only requests through that Twilio signed; their parameters are at `request[FIELDS]`.

    A GET carries them in its query, which is part of the signed address; a POST in its form, which is signed beside it.
    """

    async def checked(request: web.Request) -> web.StreamResponse:
        form = await request.post() if request.method == "POST" else None
        texts = MultiDict((name, value) for name, value in (form or {}).items() if isinstance(value, str))
        if not trust.is_twilio(request, texts, stream=False):
            metrics.REFUSED.labels("webhook", "signature").inc()
            log.warning(
                "request refused: the signature does not fit",
                path=request.path,
                signed=bool(request.headers.get("X-Twilio-Signature")),
                checked_url=trust.public_url(request, request.raw_path),
            )
            raise web.HTTPForbidden(text="X-Twilio-Signature is missing or does not fit this address.\n")
        request[FIELDS] = dict(request.query if form is None else texts)
        return await door(request)

    return checked
