"""A call whose other end is watched from its answer on: it may be a person, a voice mailbox, or a screening telephone.

One rule: a call that nobody watches is a plain `CallSession`, and costs nothing of this.
"""

from typing_extensions import override

from telebridge.answering.phrases import shipped_phrases
from telebridge.answering.plan import AnswerPlan
from telebridge.call.record import CallRecord
from telebridge.call.session.answering.heard_words import HeardWords
from telebridge.call.session.answering.watch import AnswerWatch, Watched
from telebridge.call.session.effects import CallEffect
from telebridge.call.session.events import CallEvent, WordsHeard
from telebridge.call.session.session import CallSession, SessionOptions
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.twilio.media_stream import AudioReceived

WATCH_NUMBER = 0
"""The number of its recognition; those of questions begin with 1."""


class WatchedCallSession(CallSession):
    """A `CallSession` that knows what to do when a machine answers.

    Args:
        flow: The flow file that leads the call.
        record: Filled as the call goes on.
        options: How the call waits.
        plan: What follows for each kind of machine.
    """

    __slots__ = ("_begun", "_watch")

    def __init__(
        self,
        flow: FlowInterpreter,
        record: CallRecord,
        options: SessionOptions,
        plan: AnswerPlan,
    ) -> None:
        super().__init__(flow, record, options)
        hears = plan.needs_words and options.words.available()
        words = HeardWords(WATCH_NUMBER, "") if hears else None
        self._watch = AnswerWatch(plan, options.words.machines or shipped_phrases(), words, record)
        self._begun = False

    @override
    def receive_media(self, frame: AudioReceived, now: float) -> list[CallEffect] | None:
        effects = super().receive_media(frame, now)
        watch = self._watch
        if watch.over or self.phase.is_over:
            return effects
        begun = []
        if not self._begun:
            self._begun = True
            begun = watch.start()
        watched = Watched(tuple(watch.stop())) if self.record.acted else watch.receive_frame(frame.payload)
        followed = [*begun, *self._follow_watch(watched, now)]
        return effects if not followed else [*(effects or []), *followed]

    @override
    def handle(self, event: CallEvent, now: float) -> list[CallEffect]:
        if type(event) is WordsHeard and event.number == WATCH_NUMBER:
            if self.phase.is_over or self._watch.over:
                return []
            return self._follow_watch(self._watch.words_heard(event.result), now)
        return super().handle(event, now)

    @override
    def machine_answered(self, message_node: str | None, *, beeped: bool = False, now: float) -> list[CallEffect]:
        if self.record.is_person or self.phase.is_over:
            return []
        watched = self._watch.machine_told(hangs_up=message_node is None, beeped=beeped)
        if watched is None:
            return super().machine_answered(message_node, beeped=beeped, now=now)
        return self._follow_watch(watched, now)

    def _follow_watch(self, watched: Watched, now: float) -> list[CallEffect]:
        command = watched.command
        effects = [*watched.effects]
        if command is None:
            return effects
        match command.kind:
            case "fall silent":
                return [*effects, *self.fall_silent(now=now)]
            case "hang up":
                return [*effects, *self.hang_up(now=now)]
            case "go to":
                return [*effects, *self.jump(command.node, now=now)]
