"""Both voices of a call: what is being said, what is heard meanwhile, and which of the two yields to the other.

What concerns one of them alone is told to `speaking` or to `listening`; here is what takes both.

One rule: every utterance that is over, heard or cut off, is noted in the record here and nowhere else.
"""

from dataclasses import dataclass

from telebridge.call.record import CallRecord, SpokenUtterance, utterance_json
from telebridge.call.session.effects import CallEffect, ForwardAudio, PublishEvent
from telebridge.call.session.listening import CallerActivity, Listening, ListeningOptions
from telebridge.call.session.message import MessageRecording
from telebridge.call.session.speaking import FinishedUtterance, Speaking
from telebridge.errors import SpeechError
from telebridge.flows.steps import Record, Say
from telebridge.playback.writer import PlaybackOptions
from telebridge.turns.barge_in import BargeInCause


@dataclass(frozen=True, slots=True)
class UtteranceOver:
    """An utterance is over.

    Args:
        effects: What follows at once.
        utterance: How it was heard.
        error: Why it was not spoken to its end; None when it was, or was cut off.
    """

    effects: list[CallEffect]
    utterance: SpokenUtterance
    error: SpeechError | None = None


class FullDuplex:
    """The line of one call, both ways.

    Attributes:
        speaking: Our voice.
        listening: The caller's.
        recording: What keeps the caller's; None while nobody wants it kept.
        handing_on: Whether somebody takes the caller's audio as it comes.
    """

    __slots__ = ("_options", "_record", "handing_on", "listening", "recording", "speaking")

    def __init__(self, record: CallRecord, playback: PlaybackOptions, listening: ListeningOptions) -> None:
        self.speaking = Speaking(playback)
        self.listening = Listening(listening)
        self.recording: MessageRecording | None = None
        self.handing_on = False
        self._record = record
        self._options = listening

    @property
    def idle(self) -> bool:
        """Whether nothing is being said or recorded."""
        return self.speaking.in_progress is None and self.recording is None

    def yields(self, say: Say, cause: BargeInCause) -> bool:
        """Whether `cause` interrupts it, by its own policy or else that of the settings."""
        return say.yields_to(cause, self._options.barge_in.policy)

    # Our voice.

    def say(self, say: Say, *, now: float) -> list[CallEffect]:
        """Begin an utterance; who speaks already is heard out, where it yields to speech.

        Raises:
            LocalProtocolError: Something is still being said.
        """
        effects = self.speaking.begin(say)
        if self.listening.speaking and self.yields(say, BargeInCause.SPEECH):
            self.listening.prompt_waits()
            effects += self.speaking.pause(now=now)
        return effects

    def interrupt(self, cause: BargeInCause, *, now: float) -> UtteranceOver:
        """End the utterance in progress at once.

        Raises:
            LocalProtocolError: Nothing is being said.
        """
        stop_ms = self.listening.floor.stop_ms if cause is BargeInCause.SPEECH else 0.0
        effects, utterance = self.speaking.interrupt(cause, now=now, stop_ms=stop_ms)
        self.listening.interrupted()
        return UtteranceOver([*effects, self._noted(utterance)], utterance)

    def mark_returned(self, name: str, *, now: float) -> UtteranceOver | None:
        """A mark came back; answers with the utterance that has now been heard to its end, if one has."""
        return self._heard_whole(self.speaking.mark_returned(name, now=now))

    def handle_timeout(self, *, now: float) -> UtteranceOver | None:
        """Give up waiting for a mark that is overdue: its utterance counts as heard."""
        return self._heard_whole(self.speaking.handle_timeout(now=now))

    def _heard_whole(self, spoken: FinishedUtterance | None) -> UtteranceOver | None:
        if spoken is None:
            return None
        return UtteranceOver([self._noted(spoken.utterance)], spoken.utterance, spoken.error)

    def _noted(self, utterance: SpokenUtterance) -> PublishEvent:
        self._record.utterances.append(utterance)
        return PublishEvent("utterance", utterance_json(utterance))

    # The caller's voice.

    def attend(self, *, live: bool, awaited: bool, between_steps: bool) -> bool:
        """Listen as long as somebody wants to know whether the caller speaks.

        Args:
            live: Whether the stream is there.
            awaited: Whether a question is open.
            between_steps: Whether no step is in progress: a Python flow takes a moment to go on.

        Returns:
            Whether nobody listens any more, but did until now.
        """
        listening, saying = self.listening, self.speaking.in_progress
        if saying is not None:
            wanted = self.yields(saying, BargeInCause.SPEECH)
        else:
            wanted = awaited or self.recording is not None
        attentive = live and (wanted or listening.floor.callers or (between_steps and listening.speaking))
        stopped = listening.attentive and not attentive
        listening.attend(attentive=attentive)
        return stopped

    def hear(self, *, now: float) -> CallerActivity | None:
        """Judge the frame that `listening` kept last and found worth it; None when it told nothing."""
        speaking = self.speaking
        saying = speaking.in_progress
        yields = saying is not None and self.yields(saying, BargeInCause.SPEECH)
        return self.listening.hear(
            played_ms=(lambda: speaking.heard_ms(now=now)) if yields else None,
            sounded=(lambda ms: speaking.sounded(ms, now=now)) if speaking.sounds(now=now) else None,
        )

    def hand_on(self, *, wanted: bool) -> list[CallEffect]:
        """Somebody takes the caller's audio from now on, or no longer."""
        self.handing_on = wanted
        return [ForwardAudio(self.listening.hand_on())] if wanted else []

    def record(self, record: Record) -> None:
        """Keep the caller's voice from now on."""
        self.recording = MessageRecording(record)

    def stop_recording(self) -> bytes:
        """Keep it no longer.

        Returns:
            What there is to keep.
        """
        recording, self.recording = self.recording, None
        return b"" if recording is None else recording.audio()

    # The stream.

    def stream_started(self, *, now: float) -> list[CallEffect]:
        """The stream is there; media time begins anew."""
        self.listening = Listening(self._options)
        return self.speaking.stream_opened(now=now)
