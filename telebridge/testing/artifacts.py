"""A call as files: call.wav with the caller on the left, and call.png with both legs on one time axis."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from telebridge.audio.wav import write_stereo
from telebridge.call.record import CallRecord
from telebridge.simulator.media.recording import DualChannelRecording
from telebridge.testing.call.placed_call import PlacedCall
from telebridge.turns.barge_in import BargeInCause


def write_call(call: PlacedCall, folder: Path) -> list[str]:
    """Write the audio and the picture of a call, and its timeline.

    Returns:
        Lines that say where they are.

    Raises:
        OSError: The folder or a file cannot be written.
        ConfigurationError: The picture cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "call.wav").write_bytes(call.audio)
    (folder / "call.txt").write_text(f"{call.timeline()}\n", encoding="utf-8")
    prompts = [(line.start_ms, line.text) for line in call.lines if line.text]
    drawn = draw(call.recording, prompts, call.unmet, folder / "call.png")
    return [f"audio: {folder / 'call.wav'}", *([f"picture: {folder / 'call.png'}"] if drawn else [])]


def write_recording(recording: DualChannelRecording, record: CallRecord, folder: Path) -> bool:
    """Write call.wav and call.png of a call that telebridge led; returns whether the picture could be drawn.

    Raises:
        OSError: The audio cannot be written.
        ConfigurationError: The picture cannot be written.
    """
    prompts = [
        ((utterance.began_at - recording.opened_at) * 1000, utterance.text)
        for utterance in record.utterances
        if utterance.began_at is not None
    ]
    moments = [((at - recording.opened_at) * 1000, words) for at, words in _moments(record)]
    with (folder / "call.wav").open("wb") as file:
        write_stereo(file, recording.caller_leg(), recording.bridge_leg())
    return draw(recording, prompts, moments, folder / "call.png")


def draw(
    recording: DualChannelRecording, prompts: list[tuple[float, str]], moments: list[tuple[float, str]], file: Path
) -> bool:
    """Draw a call, where the extra `telebridge[pictures]` is installed; returns whether it is."""
    if importlib.util.find_spec("matplotlib") is None:
        return False
    from telebridge.testing.picture import draw_call

    draw_call(recording, prompts, moments, file)
    return True


def _moments(record: CallRecord) -> Iterator[tuple[float, str]]:
    """Yield the times at which the bridge yielded to the caller, and at which it went on."""
    for utterance in record.utterances:
        for pause in utterance.pauses:
            yield pause.paused_at, "pauses"
            yield pause.resumed_at, "resumes"
        cut = utterance.interruption
        if cut is not None and cut.cause is not BargeInCause.HANG_UP and utterance.ended_at is not None:
            yield utterance.ended_at, f"yields to {cut.cause.value}"
