"""Both voices of a call: what is being said, what is heard meanwhile, and which of the two yields to the other.

It joins two halves: `Speaking`, to which the session gives what the speech source sends, and `Listening`.

One rule: every utterance that is over, heard or cut off, is noted in the record here and nowhere else.
"""

from dataclasses import dataclass

from telebridge.call.record import CallRecord, SpokenUtterance, utterance_json
from telebridge.call.session.audio.listening import Listening, ListeningOptions
from telebridge.call.session.audio.message import MessageRecording
from telebridge.call.session.audio.speaking import FinishedUtterance, Speaking
from telebridge.call.session.effects import CallEffect, ForwardAudio, PublishEvent
from telebridge.errors import SpeechError
from telebridge.flows.steps import Play, Record, Say
from telebridge.turns.barge_in import BargeIn, BargeInCause, Decision
from telebridge.turns.voice_activity import CallerSpeechEnded, CallerSpeechStarted
from telebridge.turns.words_judge import FloorContest, Settled
from telebridge.twilio.media_stream import AudioReceived


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


@dataclass(frozen=True, slots=True)
class CallerActivity:
    """What a frame of the caller's led to.

    Args:
        speech: Speech that started or ended with it.
        effects: What follows at once.
        interrupted: The utterance that it cut off.
    """

    speech: CallerSpeechStarted | CallerSpeechEnded | None
    effects: tuple[CallEffect, ...] = ()
    interrupted: UtteranceOver | None = None


NO_ACTIVITY = CallerActivity(None)
"""Of a frame that says nothing but is forwarded or recorded."""


class FullDuplex:
    """The audio of one call, both ways.

    Args:
        record: Every utterance is noted here.
        speaking: The bridge's half.
        listening: How the caller is listened to.

    Attributes:
        recording: Records the caller; None while nobody wants that.
        forwarding: Whether a Python flow takes the caller's audio as it comes.
        recognizing: Whether a recognizer takes what the caller says just now.
        prompts: How many prompts have begun or ended.
        barge_in: The last interruption, whatever its cause.
        contest: Decides by words about sounds of the caller's; None where the sound alone does.
    """

    __slots__ = (
        "_listening",
        "_options",
        "_record",
        "_speaking",
        "_yields",
        "barge_in",
        "contest",
        "forwarding",
        "prompts",
        "recognizing",
        "recording",
    )

    def __init__(self, record: CallRecord, speaking: Speaking, listening: ListeningOptions) -> None:
        self._speaking = speaking
        self.recording: MessageRecording | None = None
        self.forwarding = self.recognizing = False
        self.contest: FloorContest | None = None
        self.prompts = 0
        self.barge_in: BargeIn | None = None
        self._listening = Listening(listening, self._speaking)
        self._yields = False  # whether what is being said yields to speech
        self._record = record
        self._options = listening

    @property
    def idle(self) -> bool:
        """Whether nothing is being said or recorded."""
        return self._speaking.in_progress is None and self.recording is None

    @property
    def saying(self) -> Say | None:
        """What is being said, until the caller has heard it."""
        return self._speaking.in_progress

    @property
    def saying_text(self) -> str:
        """The text of what is being said, as far as it is known; empty when nothing is."""
        return self._speaking.text or ""

    @property
    def yields_to_speech(self) -> bool:
        """Whether something is being said that speech interrupts."""
        return self._yields

    @property
    def stream_open(self) -> bool:
        """Whether the stream is there."""
        return self._speaking.stream_open

    @property
    def caller_speaking(self) -> bool:
        """Whether the caller speaks, as far as anybody listened."""
        return self._listening.speaking

    @property
    def awaits_silence(self) -> bool:
        """Whether a message, the caller's speech or a pause of the prompt ends by their silence."""
        return self.recording is not None or self._listening.speaking or self._speaking.paused

    def caller_began_at(self, *, now: float) -> float:
        """When the caller last began to speak, in monotonic seconds."""
        return now - self._listening.speech_age_ms / 1000

    @property
    def media_ms(self) -> float:
        """Media time of the end of the caller's last frame."""
        return self._listening.pre_roll.now_ms

    def yields(self, say: Say, cause: BargeInCause) -> bool:
        """Whether `cause` interrupts it, by its own policy or else that of the settings."""
        return say.yields_to(cause, self._options.barge_in.policy)

    # The bridge's voice.

    def say(self, say: Say, *, now: float) -> list[CallEffect]:
        """Begin an utterance. While the caller speaks, one that yields to speech waits for their end.

        Raises:
            LocalProtocolError: Something is still being said.
        """
        return self._begun(self._speaking.begin(say), now)

    def play(self, play: Play, *, now: float) -> list[CallEffect]:
        """Play audio that is there already, as `say` speaks.

        Raises:
            LocalProtocolError: Something is still being said.
        """
        return self._begun(self._speaking.play(play, now=now), now)

    def _begun(self, effects: list[CallEffect], now: float) -> list[CallEffect]:
        """The effects of an utterance that has begun, and waits for a caller who speaks if it yields to them."""
        saying = self.saying
        self._yields = saying is not None and self.yields(saying, BargeInCause.SPEECH)
        self._prompt_began()
        if not self._yields or not self._listening.speaking:
            return effects
        self._listening.prompt_waits()
        return [*effects, *self._speaking.pause(now=now)]

    def _prompt_began(self) -> None:
        """Another prompt begins, or the one before is over: nobody contests it."""
        self.prompts += 1
        if self.contest is not None:
            self.contest.prompt_began(self.prompts)

    def interrupt(self, cause: BargeInCause, *, now: float, reason: str = "") -> UtteranceOver:
        """End the utterance in progress at once; `reason` says why, for the record.

        Raises:
            LocalProtocolError: Nothing is being said.
        """
        stop_ms = self._listening.floor.stop_ms if cause is BargeInCause.SPEECH else 0.0
        effects, utterance = self._speaking.interrupt(cause, now=now, stop_ms=stop_ms, reason=reason)
        self.barge_in = utterance.interruption
        self._listening.interrupted()
        self._yields = False
        self._prompt_began()
        return UtteranceOver([*effects, self._noted(utterance)], utterance)

    def mark_returned(self, name: str, *, now: float) -> UtteranceOver | None:
        """Take a mark that came back; returns the utterance that has now been heard to its end, if one has."""
        return self._finished(self._speaking.mark_returned(name, now=now))

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        return self._speaking.next_deadline()

    def handle_timeout(self, *, now: float) -> UtteranceOver | None:
        """Give up waiting for a mark that is overdue: its utterance counts as heard."""
        return self._finished(self._speaking.handle_timeout(now=now))

    def _finished(self, finished: FinishedUtterance | None) -> UtteranceOver | None:
        if finished is None:
            return None
        self._yields = False
        self._prompt_began()
        return UtteranceOver([self._noted(finished.utterance)], finished.utterance, finished.error)

    def _noted(self, utterance: SpokenUtterance) -> PublishEvent:
        self._record.utterances.append(utterance)
        return PublishEvent("utterance", utterance_json(utterance))

    # The caller's voice.

    def attend(self, *, live: bool, awaited: bool, between_steps: bool) -> bool:
        """Listen as long as somebody needs to know whether the caller speaks.

        Args:
            live: Whether the stream is there.
            awaited: Whether a question is open.
            between_steps: Whether no step is in progress: a Python flow takes a moment to go on.

        Returns:
            Whether nobody listens any more, but did until now.
        """
        listening = self._listening
        asked = awaited or self.recording is not None
        wanted = asked if self._speaking.in_progress is None else self._yields
        attentive = live and (wanted or listening.floor.callers or (between_steps and listening.speaking))
        stopped = listening.attentive and not attentive
        listening.attend(attentive=attentive)
        return stopped

    def receive_media(self, frame: AudioReceived, now: float) -> CallerActivity | None:
        """Take a frame of the caller's; None when nobody needs it, or it says nothing and nobody takes it."""
        listening = self._listening
        payload = listening.pre_roll.append(frame.payload, frame.timestamp_ms)
        judged = None
        if listening.attentive:
            judged = listening.judge(payload, self._yields, now)
        if judged is None:
            if self.forwarding or self.recognizing or self.recording is not None:
                return NO_ACTIVITY
            return None
        if judged.decision is None:
            return CallerActivity(judged.speech)
        if self.contest is None:
            return self._decided(judged.decision, judged.speech, now)
        settled = self.contest.sound_decided(
            judged.decision, contested=listening.floor.contested, speaking=listening.speaking, now=now
        )
        if settled is None:
            return CallerActivity(judged.speech)
        return self._decided(settled.decision, judged.speech, now, settled.reason)

    def settle(self, settled: Settled, *, now: float) -> CallerActivity:
        """Do what words have decided about the prompt; without a stream there is none to decide about."""
        if not self._speaking.stream_open or self.saying is None:
            self._prompt_began()
            return NO_ACTIVITY
        return self._decided(settled.decision, None, now, settled.reason)

    def _decided(
        self, decision: Decision, speech: CallerSpeechStarted | CallerSpeechEnded | None, now: float, reason: str = ""
    ) -> CallerActivity:
        match decision:
            case Decision.PAUSE:
                return CallerActivity(speech, tuple(self._speaking.pause(now=now)))
            case Decision.RESUME:
                return CallerActivity(speech, tuple(self._speaking.resume(now=now, reason=reason)))
            case Decision.COMMIT:
                interrupted = self.interrupt(BargeInCause.SPEECH, now=now, reason=reason)
                return CallerActivity(speech, interrupted=interrupted)

    def forward_audio(self, *, wanted: bool) -> list[CallEffect]:
        """Forward the caller's audio from now on, from the beginning of their last speech; or no longer."""
        self.forwarding = wanted
        return [ForwardAudio(self._listening.forward_speech())] if wanted else []

    def frame_forwarded(self) -> None:
        """The last frame was forwarded: nobody needs it again."""
        self._listening.frame_forwarded()

    def speech_so_far(self) -> bytes:
        """What the caller said since they last began to speak, and the pre-roll before it, for a recognizer."""
        return self._listening.speech_so_far()

    def speech_recognized(self) -> None:
        """The recognizer has everything up to the last frame."""
        self._listening.speech_recognized()

    def record(self, record: Record) -> None:
        """Record the caller from now on."""
        self.recording = MessageRecording(record)

    def stop_recording(self) -> bytes:
        """Stop the recording; returns its audio, which is empty when there was none."""
        recording, self.recording = self.recording, None
        return b"" if recording is None else recording.audio()

    # The stream.

    def stream_started(self, *, now: float) -> list[CallEffect]:
        """The stream is there; media time begins anew."""
        self._listening = Listening(self._options, self._speaking)
        self._prompt_began()
        return self._speaking.stream_opened(now=now)
