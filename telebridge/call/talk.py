"""What passes between the caller and the bridge: our utterances, their voice, their keys, their recording.

It performs the steps of a flow that need nobody else, one at a time, and says when each is over. Announcements come
from beside the flow; each is said when nothing else is, and a question it fell into begins to wait anew.

One rule: a step ends when the caller has *heard* it, which the ledger says, not when it was sent.
"""

from dataclasses import dataclass

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.audio.tones import beep
from telebridge.call.effects import Effect, HandOnAudio, KeepRecording, ReportAnnouncement, Tell
from telebridge.call.events import AnnouncementAsked, RecordingKept, TextTaken
from telebridge.call.listening import Heard, Listening, ListeningOptions
from telebridge.call.record import CallRecord, SpokenUtterance, utterance_json
from telebridge.call.recording import Recording
from telebridge.call.speaking import Speaking, SpeechNews
from telebridge.call.speaking import Spoken as SpokenNews
from telebridge.errors import LocalProtocolError, NotLive, TelebridgeError
from telebridge.flows.steps import (
    Collect,
    Gathered,
    Outcome,
    Play,
    Record,
    Recorded,
    RecordingEnd,
    Said,
    Say,
    Spoken,
    Wait,
)
from telebridge.playback.writer import PlaybackOptions
from telebridge.turns.barge_in import BargeIn, BargeInCause, Decision
from telebridge.turns.digits import Collected, DigitCollector
from telebridge.turns.voice_activity import SpeechEnded as CallerStopped
from telebridge.turns.voice_activity import SpeechStarted as CallerStarted
from telebridge.twilio.media_stream import AudioReceived


@dataclass(frozen=True, slots=True)
class StepOver:
    """The step in progress is over."""

    outcome: Outcome | TelebridgeError


News = Effect | StepOver


class Talk:
    """The talk of one call.

    Attributes:
        step: The step in progress.
    """

    __slots__ = (
        "_announcements",
        "_announcing",
        "_beeped",
        "_digits",
        "_handing_on",
        "_held",
        "_late_keys",
        "_listening",
        "_listening_options",
        "_record",
        "_recorded",
        "_recording",
        "_speaking",
        "_waits_until",
        "step",
    )

    def __init__(self, record: CallRecord, playback: PlaybackOptions, listening: ListeningOptions) -> None:
        self.step: Spoken | None = None
        self._record = record
        self._listening_options = listening
        self._speaking = Speaking(playback)
        self._listening = Listening(listening)
        self._digits = DigitCollector()
        self._handing_on = False  # whether somebody takes the caller's audio
        self._waits_until: float | None = None  # the end of a step that only waits
        self._beeped = False
        self._recording: Recording | None = None
        self._recorded: Recorded | None = None  # ended, but not yet kept
        self._announcements: list[AnnouncementAsked] = []
        self._announcing: int | None = None
        self._held: Spoken | None = None  # a step that waits for the end of an announcement
        self._late_keys = ""  # pressed during an announcement that does not yield to them

    # Steps.

    def begin(self, step: Spoken, *, now: float) -> list[News]:
        """Begin a step; the one before it must be over.

        Raises:
            LocalProtocolError: It is not.
        """
        if self.step is not None or self._held is not None:
            raise LocalProtocolError(f"{step} was asked for while {self.step or self._held} is in progress")
        if self._announcing is not None:
            self._held = step
            return []
        self.step = step
        match step:
            case Say():
                return self._say(step, now)
            case Play():
                return [*self._speaking.play(step, now=now)]
            case Wait(seconds):
                self._waits_until = now + seconds
                return []
            case Collect():
                return self._collect(step, now)
            case Record(prompt):
                self._beeped = False
                return self._prompt_over(None, now) if prompt is None else self._say(prompt, now)

    def cancel(self, *, now: float) -> list[News]:
        """Nobody waits for the step any more; what was recorded so far is kept all the same."""
        spoken = self._announcing is None and self._speaking.in_progress is not None
        recording, self._recording, self._recorded = self._recording, None, None
        audio = b"" if recording is None else recording.audio()
        self._forget_step()
        self._digits.stop()
        kept: list[News] = [KeepRecording(audio)] if audio else []
        return [*kept, *self._interrupt(BargeInCause.API, now)[0]] if spoken else kept

    def announce(self, asked: AnnouncementAsked, *, now: float) -> list[News]:
        """Say or play something beside the flow, once nothing else is being said or recorded."""
        self._announcements.append(asked)
        return self.announce_next(now=now)

    def end(self, *, now: float) -> list[Effect]:
        """The call is over."""
        unsaid = list(self._announcements)
        self._announcements.clear()
        effects: list[Effect] = []
        if self._recording is not None:
            effects = [
                each for each in self._recording_over(RecordingEnd.HANG_UP, now) if not isinstance(each, StepOver)
            ]
        self._digits.stop()
        if self._speaking.in_progress is not None:
            interrupted, utterance = self._interrupt(BargeInCause.HANG_UP, now)
            effects += interrupted
            if self._announcing is not None:
                effects.append(ReportAnnouncement(self._announcing, utterance))
        over = NotLive(self._record.call_sid, "is over")
        effects += [ReportAnnouncement(asked.number, over) for asked in unsaid]
        self._forget_step()
        self._announcing = None
        return effects

    @property
    def saying(self) -> str | None:
        """What is being said; None when nothing is."""
        return self._speaking.text

    @property
    def typed(self) -> str:
        """The keys typed so far of the open question."""
        return self._digits.typed

    @property
    def ahead(self) -> str:
        """The keys that wait for a question."""
        return self._digits.ahead + self._late_keys

    def restore(self, typed: str, ahead: str) -> None:
        """Take the keys that were pressed in another process."""
        self._digits.restore(typed, ahead)

    def words_heard(self, *, now: float) -> int:
        """How many words of the step's prompt the caller has heard."""
        return 0 if self._announcing is not None else self._speaking.words_heard(now=now)

    # What happened.

    def hear(self, frame: AudioReceived, *, now: float) -> list[News] | None:
        """What follows from a frame of the caller's; None when nothing does."""
        listening = self._listening
        worth = listening.keep(frame)
        if not worth and not self._handing_on and self._recording is None:
            return None
        news: list[News] = []
        heard = self._listen(now) if worth else None
        if self._handing_on:
            listening.handed_on()
            news.append(HandOnAudio(frame.payload))
        if heard is not None:
            news += self._caller_heard(heard, now)
        if self._recording is not None:
            ending = self._recording.hear(frame.payload, speaking=listening.speaking)
            news += [] if ending is None else self._recording_over(ending, now)
        return news if news or heard is not None else None

    def hand_on(self, *, wanted: bool) -> list[News]:
        """Somebody takes the caller's audio from now on, or no longer."""
        self._handing_on = wanted
        return [HandOnAudio(self._listening.hand_on())] if wanted else []

    def speech(self, event: SpeechNews, *, now: float) -> list[Effect]:
        """The speech source made something, or failed."""
        return self._speaking.receive(event, now=now)

    def text_taken(self, event: TextTaken) -> None:
        """The speech source took the next token of a streamed text."""
        self._speaking.text_taken(event)

    def mark_returned(self, name: str, *, now: float) -> list[News]:
        """A mark came back."""
        return self._spoken(self._speaking.mark_returned(name, now=now), now)

    def digit_pressed(self, digit: str, *, now: float) -> list[News]:
        """The caller pressed a key: it ends what yields to it, then it counts."""
        if self._recording is not None and (ending := self._recording.press(digit)) is not None:
            return self._recording_over(ending, now)
        if self._digits.is_late_finish_key(digit, now=now):
            self._digits.press(digit, now=now)
            return []
        saying = self._speaking.in_progress
        if saying is None or not self._yields(saying, BargeInCause.KEY):
            return self._take_key(digit, now)
        announcing = self._announcing is not None
        effects, utterance = self._interrupt(BargeInCause.KEY, now)
        if announcing:
            return [*effects, *self._utterance_over(utterance, now), *self._take_key(digit, now)]
        collected = self._digits.press(digit, now=now)
        if collected is not None:
            return [*effects, *self._collected(collected, now)]
        return [*effects, *self._prompt_over(utterance.interruption, now)]

    def clear(self, cause: BargeInCause, *, now: float) -> list[News]:
        """Somebody takes the floor from what is being said, whatever its policy."""
        if self._speaking.in_progress is None:
            return []
        effects, utterance = self._interrupt(cause, now)
        return [*effects, *self._utterance_over(utterance, now)]

    def recording_kept(self, event: RecordingKept, *, now: float) -> list[News]:
        """What the caller said is in a file, or could not be kept."""
        recorded, self._recorded = self._recorded, None
        if recorded is None or not isinstance(self.step, Record):
            return []
        return self._step_over(Recorded(event.file, recorded.seconds, recorded.ending), now)

    def stream_started(self, *, now: float) -> list[News]:
        """The stream is there; media time begins anew."""
        self._listening = Listening(self._listening_options)
        self._digits.wait_anew(now=now)
        return [*self._speaking.stream_opened(now=now)]

    def stream_lost(self, *, now: float) -> list[News]:
        """The stream is gone: what it cut is said again from the last word that was heard."""
        return [*self._speaking.stream_lost(now=now)]

    def attend(self, *, live: bool, now: float) -> None:
        """Listen as long as somebody wants to know whether the caller speaks."""
        listening, saying = self._listening, self._speaking.in_progress
        if saying is not None:
            wanted = self._yields(saying, BargeInCause.SPEECH)
        else:
            wanted = self._digits.collecting or self._recording is not None
        between_steps = self.step is None and listening.speaking  # a Python flow takes a moment to go on
        attentive = live and (wanted or listening.floor.callers or between_steps)
        if listening.attentive and not attentive:
            self._digits.speech_ended(now=now)
        listening.attend(attentive=attentive)

    # Time.

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        deadlines = (
            self._digits.next_deadline() if self._caller_can_answer else None,
            self._speaking.next_deadline(),
            self._waits_until,
        )
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def handle_timeout(self, *, now: float) -> list[News]:
        """What follows from the time being `now`."""
        news = self._spoken(self._speaking.handle_timeout(now=now), now)
        if self._caller_can_answer and (collected := self._digits.handle_timeout(now=now)) is not None:
            news += self._collected(collected, now)
        if self._waits_until is not None and self._waits_until <= now:
            news += self._step_over(Said(), now)
        return news

    @property
    def _caller_can_answer(self) -> bool:
        """Whether silence is theirs: not while something is announced, nor without a stream that would carry a key."""
        return self._announcing is None and self._speaking.stream_open

    # Inside: saying.

    def _say(self, say: Say, now: float) -> list[News]:
        if say.is_blank:
            return self._prompt_over(None, now)
        effects = self._speaking.begin(say)
        if self._listening.speaking and self._yields(say, BargeInCause.SPEECH):
            self._listening.prompt_waits()
            effects += self._speaking.pause(now=now)  # who speaks already is heard out
        return [*effects]

    def _spoken(self, spoken: SpokenNews | None, now: float) -> list[News]:
        """An utterance was heard to its end, or to where its source failed."""
        if spoken is None:
            return []
        self._record.utterances.append(spoken.utterance)
        told = Tell("utterance", utterance_json(spoken.utterance))
        return [told, *self._utterance_over(spoken.utterance, now, spoken.error)]

    def _utterance_over(
        self, utterance: SpokenUtterance, now: float, error: TelebridgeError | None = None
    ) -> list[News]:
        number, self._announcing = self._announcing, None
        if number is not None:
            return [ReportAnnouncement(number, error or utterance), *self._after_announcement(now)]
        if error is None:
            return self._prompt_over(utterance.interruption, now)
        self._digits.stop()
        return self._step_over(error, now)

    def _interrupt(self, cause: BargeInCause, now: float) -> tuple[list[Effect], SpokenUtterance]:
        stop_ms = self._listening.floor.stop_ms if cause is BargeInCause.SPEECH else 0.0
        effects, utterance = self._speaking.interrupt(cause, now=now, stop_ms=stop_ms)
        self._listening.interrupted()
        self._record.utterances.append(utterance)
        return [*effects, Tell("utterance", utterance_json(utterance))], utterance

    def _yields(self, say: Say, cause: BargeInCause) -> bool:
        return say.yields_to(cause, self._listening_options.barge_in.policy)

    # Inside: steps.

    def _collect(self, step: Collect, now: float) -> list[News]:
        """Keys that were typed ahead answer the question before it is asked; the prompt is then skipped."""
        prompt = step.prompt
        if prompt is not None and not self._yields(prompt, BargeInCause.KEY):
            return self._say(prompt, now)
        collected = self._digits.start(step.rules, now=now)
        if collected is not None:
            return self._collected(collected, now)
        if prompt is None or self._digits.typed:
            self._digits.prompt_ended(now=now)
            return []
        return self._say(prompt, now)

    def _prompt_over(self, interruption: BargeIn | None, now: float) -> list[News]:
        """The prompt of the step was heard or interrupted: go on with the step."""
        match self.step:
            case Collect(_, rules):
                collected = None if self._digits.collecting else self._digits.start(rules, now=now)
                if collected is not None:
                    return self._collected(collected, now)
                self._digits.prompt_ended(now=now)
                return self.announce_next(now=now)
            case Record() as record:
                return self._record_now(record, now)
            case _:
                return self._step_over(Said(interruption), now)

    def _collected(self, collected: Collected, now: float) -> list[News]:
        """The digits are in; a prompt that still plays yields first."""
        effects: list[Effect] = []
        if self._speaking.in_progress is not None:
            effects, _ = self._interrupt(BargeInCause.KEY, now)
        if collected.digits:
            self._record.digits.append(collected.digits)
            effects.append(Tell("digits", {"digits": collected.digits}))
        return [*effects, *self._step_over(Gathered(collected.digits, collected.ending), now)]

    def _record_now(self, record: Record, now: float) -> list[News]:
        if record.beep and not self._beeped:
            self._beeped = True
            return [*self._speaking.play(Play(beep(), "beep"), now=now)]
        self._recording = Recording(record)
        return []

    def _recording_over(self, ending: RecordingEnd, now: float) -> list[News]:
        recording, self._recording = self._recording, None
        audio = b"" if recording is None else recording.audio()
        recorded = Recorded(None, len(audio) / BYTES_PER_MS / 1000, ending)
        if not audio:
            return self._step_over(recorded, now)
        self._recorded = recorded
        return [KeepRecording(audio)]

    def _step_over(self, outcome: Outcome | TelebridgeError, now: float) -> list[News]:
        self._forget_step()
        return [*self.announce_next(now=now), StepOver(outcome)]

    def _forget_step(self) -> None:
        self.step = self._held = self._waits_until = None

    def _take_key(self, digit: str, now: float) -> list[News]:
        """A key that interrupts nothing; one that answers a question waits for the end of an announcement."""
        if self._announcing is not None:
            self._late_keys += digit
            return []
        collected = self._digits.press(digit, now=now)
        return [] if collected is None else self._collected(collected, now)

    # Inside: announcements.

    @property
    def _may_announce(self) -> bool:
        return self._announcing is None and self._speaking.in_progress is None and self._recording is None

    def announce_next(self, *, now: float) -> list[News]:
        """Say the next of what was announced, unless something else is being said or recorded."""
        if not self._announcements or not self._may_announce:
            return []
        asked = self._announcements.pop(0)
        if isinstance(asked.step, Say) and asked.step.is_blank:
            said = ReportAnnouncement(asked.number, SpokenUtterance("", 0.0, None, ended_at=now))
            return [said, *self.announce_next(now=now)]
        self._announcing = asked.number
        if isinstance(asked.step, Play):
            return [*self._speaking.play(asked.step, now=now)]
        return self._say(asked.step, now)

    def _after_announcement(self, now: float) -> list[News]:
        news = self.announce_next(now=now)
        if self._announcing is not None:
            return news
        if self._held is not None:
            step, self._held = self._held, None
            news += self.begin(step, now=now)
        else:
            self._digits.wait_anew(now=now)
        keys, self._late_keys = self._late_keys, ""
        for key in keys:
            news += self.digit_pressed(key, now=now)
        return news

    # Inside: the caller's voice.

    def _listen(self, now: float) -> Heard | None:
        speaking = self._speaking
        saying = speaking.in_progress
        yields = saying is not None and self._yields(saying, BargeInCause.SPEECH)
        return self._listening.hear(
            played_ms=(lambda: speaking.heard_ms(now=now)) if yields else None,
            sounded=(lambda ms: speaking.sounded(ms, now=now)) if speaking.sounds(now=now) else None,
        )

    def _caller_heard(self, heard: Heard, now: float) -> list[News]:
        match heard.speech:
            case CallerStarted():
                self._digits.speech_started(now=now)
            case CallerStopped():
                self._digits.speech_ended(now=now)
            case None:
                pass
        match heard.decision:
            case Decision.PAUSE:
                return [*self._speaking.pause(now=now)]
            case Decision.RESUME:
                return [*self._speaking.resume(now=now)]
            case Decision.COMMIT:
                return self.clear(BargeInCause.SPEECH, now=now)
            case None:
                return []
