"""Twilio's end of a one-way stream, `<Start><Stream>`: it sends what the caller says and hears, and receives nothing.

Follows Twilio's `<Stream>` ("Unidirectional") and its WebSocket messages. A message of the server is error 31924.

One rule: numbers are strings, `chunk` counts for each track alone, and both tracks have the timestamp of their frame.
"""

import json
from binascii import b2a_base64
from collections import Counter
from collections.abc import Mapping

from telebridge.audio.mulaw import FRAME_BYTES, FRAME_MS
from telebridge.simulator.caller.sounds import SILENCE
from telebridge.simulator.media.stream import FIRST_TIMESTAMP_MS

MEDIA_FORMAT = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}


class ForkLeg:
    """One one-way stream of a call.

    Args:
        stream_sid: The sid of the stream.
        tracks: Which audio it carries: "inbound" from the caller, "outbound" to the caller.
    """

    def __init__(self, stream_sid: str, tracks: tuple[str, ...]) -> None:
        self.stream_sid = stream_sid
        self.tracks = tracks
        self._identity: dict[str, str] = {}
        self._sequence = 0
        self._frames = 0
        self._chunks: Counter[str] = Counter()

    def open(self, *, call_sid: str, account_sid: str, parameters: Mapping[str, str]) -> list[bytes]:
        """Return the messages that open the stream."""
        self._identity = {"accountSid": account_sid, "callSid": call_sid}
        start: dict[str, object] = {"streamSid": self.stream_sid, **self._identity, "tracks": self.tracks}
        start |= {"customParameters": dict(parameters), "mediaFormat": MEDIA_FORMAT}
        connected = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        return [json.dumps(connected).encode(), self._message("start", start)]

    def send_frame(self, inbound: bytes, outbound: bytes) -> list[bytes]:
        """Return the messages with 20 ms of each track."""
        timestamp_ms = FIRST_TIMESTAMP_MS + self._frames * FRAME_MS
        self._frames += 1
        audio = {"inbound": inbound, "outbound": outbound.ljust(FRAME_BYTES, SILENCE)}
        return [self._media(track, audio[track], timestamp_ms) for track in self.tracks]

    def stop(self) -> bytes:
        """Return the message that ends the stream."""
        return self._message("stop", self._identity)

    def _media(self, track: str, payload: bytes, timestamp_ms: int) -> bytes:
        self._chunks[track] += 1
        media = {"track": track, "chunk": str(self._chunks[track]), "timestamp": str(timestamp_ms)}
        return self._message("media", {**media, "payload": b2a_base64(payload, newline=False).decode()})

    def _message(self, event: str, content: Mapping[str, object]) -> bytes:
        self._sequence += 1
        head = {"event": event, "sequenceNumber": str(self._sequence), "streamSid": self.stream_sid}
        return json.dumps({**head, event: content}).encode()
