"""The routes of the bridge but for the API's, and the check of signatures on those meant for Twilio."""

from aiohttp import web
from aiohttp.typedefs import Handler

from telebridge import metrics
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.logs import logger
from telebridge.server.health import HealthHandler
from telebridge.server.http.connections import known
from telebridge.server.http.idempotency_store import UsedTokens
from telebridge.server.http.refusal_log import RefusalLog, masked
from telebridge.server.http.request_bodies import read_form
from telebridge.server.twilio.campaign_calls import CampaignCalls
from telebridge.server.twilio.media import MediaHandler
from telebridge.server.twilio.prompts import PromptHandler
from telebridge.server.twilio.request_validation import FIELDS, RequestValidator
from telebridge.server.twilio.status import StatusHandler
from telebridge.server.twilio.voice import VoiceHandler, error_message
from telebridge.twilio.calls import is_sid
from telebridge.twilio.signed_urls import CallVariables, StreamTokens

log = logger(__name__)


def add_routes(  # noqa: PLR0913 - what the handlers need
    app: web.Application,
    calls: LiveCalls,
    validator: RequestValidator,
    tokens: StreamTokens,
    variables: CallVariables,
    prompts: PromptHandler,
    campaigns: CampaignCalls,
    *,
    default_flow: str,
    numbers: dict[str, str],
    overflow_url: str = "",
    used_tokens: UsedTokens | None = None,
    health: HealthHandler | None = None,
) -> None:
    """Add every route of the bridge but the API's to `app`."""
    voice = VoiceHandler(
        calls,
        validator,
        tokens,
        variables,
        campaigns,
        default_flow=default_flow,
        numbers=numbers,
        overflow_url=overflow_url,
    )
    status = StatusHandler(calls, campaigns)
    health = health or HealthHandler(calls)
    refusals = RefusalLog()
    for path, handler in {
        "/twilio/voice": _with_error_message(voice.voice),
        "/twilio/voice/{flow}": _with_error_message(voice.voice),
        "/twilio/next": _with_error_message(voice.next),
        "/twilio/dial-status": _with_error_message(voice.dial_status),
        "/twilio/queue-status": _with_error_message(voice.queue_status),
        "/twilio/whisper": _with_error_message(voice.whisper),
        "/twilio/status": status.call_status,
        "/twilio/amd": status.machine_detected,
        "/twilio/stream-status": status.stream_status,
    }.items():
        checked = _for_twilio(validator, refusals, handler)
        app.router.add_get(path, checked, allow_head=False)
        app.router.add_post(path, checked)
    app.router.add_get(
        "/twilio/media/{token}", MediaHandler(calls, validator, tokens, used_tokens).media, allow_head=False
    )
    app.router.add_get("/prompts/{signed}.wav", prompts.prompt)
    app.router.add_get("/healthz", health.healthz)
    app.router.add_get("/readyz", health.readyz)
    app.router.add_get("/metrics", health.metrics)


def _with_error_message(handler: Handler) -> Handler:
    """Answer with an error message when a handler fails: otherwise Twilio would read its own error to the caller."""

    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception:  # the top of a request: the caller must hear something
            log.exception("webhook failed", path=masked(request.path), call_sid=request[FIELDS].get("CallSid"))
            return error_message()

    return answered


def _require_sid(call_sid: str) -> None:
    """Refuse a request whose CallSid is missing or none: it names rows and files.

    Raises:
        web.HTTPBadRequest: It is.
    """
    if is_sid(call_sid):
        return
    metrics.REFUSED.labels("webhook", "CallSid" if call_sid else "no CallSid").inc()
    problem = "is no SID" if call_sid else "is missing"
    raise web.HTTPBadRequest(text=f"CallSid {problem}: this address is for Twilio's webhooks.\n")


def _for_twilio(validator: RequestValidator, refusals: RefusalLog, handler: Handler) -> Handler:
    """Let only requests through that Twilio signed; their parameters are at `request[FIELDS]`.

    A GET carries them in its query, which is part of the signed address; a POST in its form, which is signed beside it.
    """

    async def checked(request: web.Request) -> web.StreamResponse:
        form = await read_form(request) if request.method == "POST" else None
        if not validator.is_twilio(request, form, stream=False):
            metrics.REFUSED.labels("webhook", "signature").inc()
            refusals.write(
                "request refused: the signature does not fit",
                signed=bool(request.headers.get("X-Twilio-Signature")),
                checked_url=validator.checked_url(request),
            )
            raise web.HTTPForbidden(text="X-Twilio-Signature is missing or does not fit this address.\n")
        known(request)
        fields = dict(request.query if form is None else form)
        _require_sid(fields.get("CallSid", ""))
        request[FIELDS] = fields
        return await handler(request)

    return checked
