"""The Stream resource: a one-way media stream of a call.

Follows Twilio's Stream resource: it is created and stopped over REST or by `<Start>` and `<Stop>`, and never listed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from telebridge.simulator.resources.call import API_VERSION, rfc2822
from telebridge.simulator.resources.fields import RequestFields
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.simulator.twiml.nouns import TRACKS
from telebridge.simulator.twiml.verbs import StartStreamVerb, StreamVerb

MOST_PARAMETERS = 99


@dataclass(slots=True)
class StreamResource:
    """One one-way stream."""

    sid: str
    account_sid: str
    call_sid: str
    name: str
    created_at: datetime
    status: str = "in-progress"

    def as_json(self) -> dict[str, object]:
        """Return the resource as Twilio does."""
        path = f"/{API_VERSION}/Accounts/{self.account_sid}/Calls/{self.call_sid}/Streams/{self.sid}.json"
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "call_sid": self.call_sid,
            "name": self.name or None,
            "status": self.status,
            "date_updated": rfc2822(self.created_at),
            "uri": path,
        }


def read_stream(raw: Mapping[str, Sequence[str]]) -> StartStreamVerb:
    """Return the parameters of a create request.

    Raises:
        ApiProblem: As Twilio would answer.
    """
    fields = RequestFields(raw)
    url, track = fields.text("Url"), fields.text("Track", "inbound_track")
    if not url.startswith(("ws://", "wss://")):
        raise ApiProblem(400, 21205, url)
    if track not in TRACKS:
        raise ApiProblem(400, 20422, "Track")
    parameters = [
        (fields.text(f"Parameter{number}.Name"), fields.text(f"Parameter{number}.Value"))
        for number in range(1, MOST_PARAMETERS + 1)
    ]
    stream = StreamVerb(
        url=url,
        name=fields.text("Name"),
        parameters=tuple((name, value) for name, value in parameters if name),
        status_callback=fields.url("StatusCallback", 21609),
        status_callback_method=fields.method("StatusCallbackMethod"),
    )
    return StartStreamVerb(stream, TRACKS[track])
