"""Draws a recorded call: both legs on one time axis, with prompts, marks, clears and keys.

Needs the extra `telebridge[pictures]`; check for it before this module is imported.
"""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from telebridge.audio.mulaw import SAMPLE_RATE, to_pcm
from telebridge.errors import ConfigurationError
from telebridge.simulator.media.recording import DualChannelRecording, EventKind

BINS_PER_SECOND = 100
SECONDS_PER_CHARACTER = 0.085  # how wide a letter of a prompt is drawn, for a call that fills the picture
PICTURED_SECONDS = 15.0
SIGNS = {
    EventKind.KEY: ("key {}", "tab:red"),
    EventKind.CLEAR: ("clear", "tab:purple"),
    EventKind.HUNG_UP: ("{} hung up", "black"),
}
MOMENT_COLORS = {"pauses": "tab:orange", "resumes": "tab:green"}
MOMENT_HEIGHTS = (-0.46, -0.58)


def draw_call(
    recording: DualChannelRecording, prompts: list[tuple[float, str]], moments: list[tuple[float, str]], file: Path
) -> None:
    """Draw a recorded call into a PNG file.

    Args:
        recording: The call.
        prompts: The texts that the bridge said, each with the millisecond at which it began.
        moments: What else is marked, in milliseconds, with a label each, such as that the bridge yielded to the caller,
            or that an expectation was not met.
        file: The path of the picture.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    figure = Figure(figsize=(13, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    caller, bridge = figure.subplots(2, 1, sharex=True, sharey=True)
    _draw_leg(caller, "caller", recording.caller_leg(), "tab:orange")
    _draw_leg(bridge, "bridge, as the caller heard it", recording.bridge_leg(), "tab:blue")
    seconds = max(1.0, recording.duration_ms / 1000, *(event.at_ms / 1000 for event in recording.events))
    _draw_prompts(bridge, prompts, seconds)
    _draw_marks(bridge, recording)
    _draw_moments(bridge, moments, seconds)
    _draw_sounds(caller, recording)
    for event in recording.of_kind(*SIGNS):
        words, color = SIGNS[event.kind]
        at = event.at_ms / 1000
        side = "right" if event.kind is EventKind.HUNG_UP else "left"
        for axes in (caller, bridge):
            axes.axvline(at, color=color, linewidth=0.9, alpha=0.8)
        axes = bridge if event.kind is EventKind.CLEAR else caller
        height = -0.72 if event.kind is EventKind.CLEAR else 0.97
        axes.annotate(f" {words.format(event.detail)} ", (at, height), fontsize=8, color=color, va="top", ha=side)
    bridge.set_xlabel("seconds since the line opened")
    bridge.set_xlim(0, seconds)
    bridge.set_ylim(-1, 1.05)
    try:
        figure.savefig(file, dpi=110)
    except OSError as error:
        raise ConfigurationError(str(file), f"cannot be written ({error.strerror})") from error


def _draw_leg(axes: Any, name: str, mulaw: bytes, color: str) -> None:
    """The loudest sample of each hundredth of a second, up and down."""
    samples = np.frombuffer(to_pcm(mulaw), "<i2").astype(float) / 32768
    size = SAMPLE_RATE // BINS_PER_SECOND
    bins = samples[: len(samples) // size * size].reshape(-1, size)
    seconds = np.arange(len(bins)) / BINS_PER_SECOND
    axes.fill_between(seconds, bins.min(axis=1, initial=0), bins.max(axis=1, initial=0), color=color, linewidth=0)
    axes.set_title(name, loc="left", fontsize=9)
    axes.set_yticks([])
    axes.grid(axis="x", alpha=0.3)


def _draw_prompts(axes: Any, prompts: list[tuple[float, str]], seconds: float) -> None:
    """Each prompt's words where it begins, cut to the room before the next one."""
    room = SECONDS_PER_CHARACTER * seconds / PICTURED_SECONDS
    ends = [*(at_ms / 1000 for at_ms, _ in prompts[1:]), seconds]
    for (at_ms, text), end in zip(prompts, ends, strict=True):
        shown = int((end - at_ms / 1000) / room)
        words = text if len(text) <= shown else f"{text[: max(0, shown - 1)]}…"
        axes.axvline(at_ms / 1000, ymin=0.86, color="tab:blue", linewidth=0.9)
        axes.annotate(f" {words}", (at_ms / 1000, 0.97), fontsize=8, color="tab:blue", va="top")


def _draw_moments(axes: Any, moments: list[tuple[float, str]], seconds: float) -> None:
    """Neighbours are written at different heights, so that none covers another, and away from the nearer edge."""
    for number, (at_ms, words) in enumerate(moments):
        color = MOMENT_COLORS.get(words, "tab:red")
        height = MOMENT_HEIGHTS[number % len(MOMENT_HEIGHTS)]
        side = "left" if at_ms / 1000 < seconds / 2 else "right"
        axes.axvline(at_ms / 1000, ymin=0.1, ymax=0.9, color=color, linewidth=1.1, linestyle=":")
        axes.annotate(f" {words} ", (at_ms / 1000, height), fontsize=8, color=color, va="top", ha=side)


def _draw_sounds(axes: Any, recording: DualChannelRecording) -> None:
    """Label the beginning of each sound of the caller."""
    for event in recording.of_kind(EventKind.CALLER):
        verb, _, words = event.detail.partition(" ")
        if verb == "Speak":
            axes.annotate(words or "speaks", (event.at_ms / 1000, 0.8), fontsize=8, color="tab:orange", va="top")


def _draw_marks(axes: Any, recording: DualChannelRecording) -> None:
    """Draw a tick for each returned mark; marks returned by a clear prove nothing and are drawn pale."""
    flushed = {event.at_ms for event in recording.of_kind(EventKind.CLEAR)}
    for event in recording.of_kind(EventKind.MARK_RETURNED):
        color = "lightgray" if event.at_ms in flushed else "dimgray"
        axes.axvline(event.at_ms / 1000, ymax=0.06, color=color, linewidth=1.2)
    axes.annotate(
        "ticks: marks that came back; clear: what was waiting is not played",
        (0.995, 0.09),
        xycoords="axes fraction",
        fontsize=7,
        color="dimgray",
        ha="right",
    )
