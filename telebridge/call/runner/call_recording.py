"""Recordings of calls: a stereo WAV (the caller left, the bridge right) and the events as JSON lines, per call.

Both files are written as the call goes on, by one thread, so that they are there up to the last seconds whatever
becomes of the process. A disk that refuses costs the recording, and never the call.

Position 0 is when the call began. The inbound track lies where it was heard; the outbound track where it plays, as far
as the bridge can know: what a clear takes back is taken back here. They lie in the folder `flights`.

One rule: what `CallTracks.pop` has handed out does not change any more.
"""

import asyncio
import audioop
import itertools
import json
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from telebridge.audio.mulaw import BYTES_PER_MS, PCM_WIDTH, SAMPLE_RATE, SILENCE_BYTE, to_pcm
from telebridge.call.record import CallRecord
from telebridge.call.session.effects import (
    CallEffect,
    ClearPlayback,
    CloseStream,
    PublishEvent,
    ReleaseCall,
    StartSpeech,
)
from telebridge.logs import logger
from telebridge.playback.writer import SendAudio
from telebridge.private_files import make_private, make_private_folder, open_private

log = logger(__name__)

_BYTES_PER_SECOND = BYTES_PER_MS * 1000
_SILENCE = bytes([SILENCE_BYTE])


class CallTracks:
    """Both tracks of one call, as mu-law at 8000 Hz.

    Args:
        began_at: When it began, in monotonic seconds.
    """

    def __init__(self, began_at: float) -> None:
        self._began_at = began_at
        self._popped = 0  # bytes of each track that were handed out
        self._caller = bytearray()
        self._bridge = bytearray()

    def at_ms(self, now: float) -> float:
        """How long the call has lasted."""
        return (now - self._began_at) * 1000

    def add_inbound(self, payload: bytes, *, now: float) -> None:
        """Add audio of the caller's; its last sample sounded now."""
        _put(self._caller, payload, self._position(now) - len(payload))

    def add_outbound(self, payload: bytes, *, now: float) -> None:
        """Add audio that was sent; it plays now, or after what was sent before."""
        _put(self._bridge, payload, self._position(now))

    def clear_outbound(self, *, now: float) -> None:
        """Remove what was sent and has not played: it never will."""
        del self._bridge[max(0, self._position(now)) :]

    def pop(self, *, now: float) -> tuple[bytes, bytes]:
        """Return what nothing will change any more of the inbound and of the outbound track, equally long."""
        size = max(0, self._position(now))
        self._popped += size
        return _cut(self._caller, size), _cut(self._bridge, size)

    def _position(self, now: float) -> int:
        """Where `now` lies in what was not handed out."""
        return round((now - self._began_at) * _BYTES_PER_SECOND) - self._popped


def _put(track: bytearray, payload: bytes, position: int) -> None:
    track += _SILENCE * max(0, position - len(track))
    track += payload


def _cut(track: bytearray, size: int) -> bytes:
    part = bytes(track[:size])
    del track[:size]
    return part + _SILENCE * (size - len(part))


WRITTEN_EVERY_MS = 2000.0
HEADER_BYTES = 44
UNKNOWN_SIZE = 0xFFFFFFFF  # as players take it from a file that is still being written


class CallRecording:
    """The recording of one call.

    Args:
        file: The files that it is written to.
        began_at: When the call began, in monotonic seconds.
        submit: Runs a function on the thread that writes, in order.
    """

    def __init__(
        self, file: "CallRecordingFile", began_at: float, submit: Callable[[Callable[[], None]], None]
    ) -> None:
        self._file = file
        self._tracks = CallTracks(began_at)
        self._submit = submit
        self._lines: list[str] = []
        self._written_ms = 0.0
        self._samples = 0

    def add_inbound(self, payload: bytes, *, now: float) -> None:
        """Add a frame of the caller's, and write to the file every two seconds."""
        self._tracks.add_inbound(payload, now=now)
        if self._tracks.at_ms(now) - self._written_ms >= WRITTEN_EVERY_MS:
            self._write(now)

    def add_event(self, kind: str, data: dict[str, Any], *, now: float) -> None:
        """Add a line to the events."""
        line = {"at_ms": round(self._tracks.at_ms(now), 1), "kind": kind, **data}
        self._lines.append(json.dumps(line, default=str) + "\n")

    def add_effect(self, effect: CallEffect, record: CallRecord, *, now: float) -> None:
        """Add what the bridge did; the last event has the whole record."""
        match effect:
            case SendAudio(payload):
                self._tracks.add_outbound(payload, now=now)
            case ClearPlayback():
                self._tracks.clear_outbound(now=now)
                self.add_event("clear", {}, now=now)
            case PublishEvent(kind, data):
                self.add_event(kind, data, now=now)
            case StartSpeech(utterance, say):
                self.add_event("speak", {"utterance": utterance, "text": say.text}, now=now)
            case CloseStream():
                self.add_event("close-stream", {}, now=now)
            case ReleaseCall():
                self.add_event("end", record.as_json(), now=now)
                self.close(now=now)
            case _:
                pass

    def close(self, *, now: float) -> None:
        """Write the rest, and complete the WAV."""
        self._write(now, last=True)

    def _write(self, now: float, *, last: bool = False) -> None:
        left, right = self._tracks.pop(now=now)
        lines, self._lines = "".join(self._lines), []
        self._written_ms = self._tracks.at_ms(now)
        self._samples += len(left)
        total = self._samples if last else None
        self._submit(lambda: self._file.append(_stereo(left, right), lines, total=total))


class CallRecordingFile:
    """The two files of a recording. The first write makes them, under a name that no other part of the call has.

    Args:
        folder: Where.
        call_sid: The call.
    """

    def __init__(self, folder: Path, call_sid: str) -> None:
        self._folder = folder
        self._call_sid = call_sid
        self._path: Path | None = None

    def append(self, samples: bytes, lines: str, *, total: int | None) -> None:
        """Add to both files; with the total number of samples of a track, the WAV is complete.

        Raises:
            OSError: The disk refuses.
        """
        path = self._path = self._path or self._make()
        with path.with_suffix(".wav").open("r+b") as file:
            file.seek(0, 2)
            file.write(samples)
            if total is not None:
                file.seek(0)
                file.write(recording_header(total * 2 * PCM_WIDTH))
        with open_private(path.with_suffix(".jsonl"), "a", encoding="utf-8") as file:
            file.write(lines)

    def _make(self) -> Path:
        """The first name that is free: another process may be recording the same call."""
        make_private_folder(self._folder)
        make_private(self._folder)
        for part in itertools.count(1):
            path = self._folder / (self._call_sid if part == 1 else f"{self._call_sid}-{part}")
            try:
                with open_private(path.with_suffix(".wav"), "xb") as file:
                    file.write(recording_header(UNKNOWN_SIZE))
            except FileExistsError:
                continue
            return path
        raise AssertionError("numbers have no end")


class CallRecorder:
    """Opens the recordings of calls; to be closed.

    Args:
        folder: Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, "call recorder")
        self._failed = False

    def open(self, call_sid: str, *, now: float) -> CallRecording:
        """Begin the recording of a call; what another process has recorded of it is left alone."""
        return CallRecording(CallRecordingFile(self._folder, call_sid), now, self._do)

    def close(self) -> None:
        """Wait until everything is written; call it in a thread."""
        self._thread.shutdown()

    def _do(self, work: Callable[[], None]) -> None:
        _ = asyncio.get_running_loop().run_in_executor(self._thread, self._try, work)

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            if not self._failed:
                log.error("calls are not recorded", folder=str(self._folder), error=str(error))
            self._failed = True


def _stereo(left: bytes, right: bytes) -> bytes:
    both = audioop.tostereo(to_pcm(left), PCM_WIDTH, 1, 0), audioop.tostereo(to_pcm(right), PCM_WIDTH, 0, 1)
    return audioop.add(*both, PCM_WIDTH)


def recording_header(data_bytes: int) -> bytes:
    """The first `HEADER_BYTES` of a recording with so many bytes of samples."""
    frame = 2 * PCM_WIDTH
    kind = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, SAMPLE_RATE, SAMPLE_RATE * frame, frame, 8 * PCM_WIDTH)
    riff = min(UNKNOWN_SIZE, data_bytes + HEADER_BYTES - 8)
    return struct.pack("<4sI4s", b"RIFF", riff, b"WAVE") + kind + struct.pack("<4sI", b"data", data_bytes)
