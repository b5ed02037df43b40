"""The state machine of `support.led_call`: what Twilio, Rime, the owner's API, the flow and the caller may do."""

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from support.callers import QUIET, SPEECH
from support.led_call import LONGEST_CALL_SECONDS, NODES, OFTEN, STEPS, TEXT, LedCall
from telebridge.call.session.announcements import Announcement
from telebridge.call.session.events import (
    ActionDone,
    CallOver,
    FlowEnded,
    JudgeAnswered,
    MessageSaved,
    StreamLost,
    StreamRequested,
    TransferEnded,
    WordsHeard,
)
from telebridge.call.session.stream_phase import Phase
from telebridge.errors import RemoteProtocolError, SpeechError, SpeechUnavailable
from telebridge.flows.steps import Done, Record, Say, Transfer
from telebridge.recognition.source import FinalTranscript, PartialTranscript
from telebridge.turns.barge_in import BargeInPolicy
from telebridge.twilio.media_stream import (
    StreamState,
)

RARELY = st.sampled_from([False, False, False, True])
"""For what ends a prompt, a stream or the call: otherwise no call would be long enough."""
JUDGES = st.sampled_from(["sound", "words", "own"])
WORDS = st.sampled_from(["", "one", "billing please", "mm-hm", "stop", TEXT, "double five", "no", "yes", "\ud83d?"])


class WholeCall(LedCall, RuleBasedStateMachine):
    """One call. `reached` has what happened, and `steps` how many steps were taken, over all runs of a class."""

    reached: Counter
    steps: int

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.forget()

    # The call begins.

    @initialize(leads=st.sampled_from(["python", "python", "file"]), streams=st.booleans(), judged=JUDGES)
    def begin(self, leads="python", *, streams=True, judged="sound"):
        self.leads, self.judged = leads, judged
        self.lead(None)
        if streams:
            self.stream_opens()
            self.stream_starts()

    @precondition(lambda self: self.released)
    @rule(leads=st.sampled_from(["python", "python", "file"]), streams=st.booleans(), judged=JUDGES)
    def next_call(self, leads, streams, judged):
        self.ended()
        self.forget()
        self.begin(leads, streams=streams, judged=judged)

    # The media stream.

    @rule(happens=RARELY, starts=st.sampled_from([True, True, False]))
    def stream_may_open(self, happens, starts):
        if happens or (not self.connected and self.session.phase in (Phase.WAITING, Phase.HELD)):
            self.stream_opens()
            if starts:
                self.stream_starts()

    @precondition(lambda self: self.connected and self.twilio.state is StreamState.CONNECTED)
    @rule()
    def stream_starts(self):
        self.receive(self.twilio.send_start(f"MZ{self.begun}-{len(self.former)}", "CA1", "AC1", {}))

    @precondition(lambda self: self.connected)
    @rule(happens=RARELY)
    def socket_may_break(self, happens):
        if happens or self.closing:
            self.socket_is_gone()

    @precondition(lambda self: self.streaming)
    @rule(happens=RARELY)
    def twilio_stops_the_stream(self, *, happens):
        if not happens:
            return
        self.stream_is_over()
        self.receive(self.twilio.send_stop())

    @precondition(lambda self: self.connected and any(each.state is StreamState.STREAMING for each in self.former))
    @rule(data=st.data())
    def former_stream_reports(self, data):
        """What a former stream still sends is refused, and changes nothing."""
        former = data.draw(st.sampled_from([each for each in self.former if each.state is StreamState.STREAMING]))
        send = data.draw(st.sampled_from(["media", "mark", "key", "stop"]))
        messages = {"media": lambda: former.send_audio(SPEECH, 0), "mark": lambda: former.send_mark_returned("u1")}
        message = {**messages, "key": lambda: former.send_digit("1"), "stop": former.send_stop}[send]()
        before = self.session.phase, self.session.next_deadline()
        try:
            self.receive(message)
        except RemoteProtocolError:
            self.count("former stream")
        else:
            raise AssertionError("a message of a former stream was taken")
        assert (self.session.phase, self.session.next_deadline()) == before

    @precondition(lambda self: self.streaming)
    @rule(frame=st.sampled_from([QUIET, QUIET, SPEECH]), count=st.integers(min_value=1, max_value=25))
    def caller(self, frame, count):
        for _ in range(count):
            self.now += 0.02
            if not self.streaming:
                return
            self.receive(self.twilio.send_audio(frame, self.frames * 20))
            self.frames += 1
            self.marks += self.playout.handle_timeout(now=self.now)
            self.deadlines(self.now)

    @precondition(lambda self: self.streaming)
    @rule()
    def marks_come_back(self):
        marks, self.marks = self.marks, []
        for name in marks:
            self.receive(self.twilio.send_mark_returned(name))

    @precondition(lambda self: self.streaming)
    @rule(key=st.sampled_from("12349#"))
    def key(self, key):
        self.receive(self.twilio.send_digit(key))

    @rule(happens=RARELY, seconds=st.floats(min_value=1.0, max_value=70.0))
    def may_be_silent_for_long(self, happens, seconds):
        if happens:
            self.wait(seconds)

    @rule(seconds=st.floats(min_value=0.001, max_value=0.4))
    def wait(self, seconds):
        """Time passes without media: the caller is muted, or Twilio is slow."""
        self.deadlines(self.now + seconds)
        self.marks += self.playout.handle_timeout(now=self.now)

    @precondition(lambda self: self.streaming)
    @rule(seconds=st.integers(min_value=2, max_value=30))
    def on_hold(self, seconds):
        """No media comes while marks return: a sign of life each second."""
        for _ in range(seconds):
            self.wait(1.0)
            if self.streaming:
                self.marks_come_back()
        self.count("on hold")

    # Twilio's webhooks.

    @rule(happens=RARELY)
    def twilio_asks_what_follows(self, *, happens):
        if not happens:
            return
        if self.session.phase is Phase.LIVE:
            self.stream_is_over()
            self.tell(StreamLost())
        self.next_step()

    @rule(status=st.sampled_from(["completed", "busy", "no-answer", "failed", "canceled"]), happens=RARELY)
    def dial_status(self, status, *, happens):
        """Also late, twice, and of a transfer that never was."""
        if not happens:
            return
        self.tell(TransferEnded(status))
        self.next_step()

    @rule()
    def voice_webhook_again(self):
        if self.session.phase is Phase.HELD:
            self.tell(StreamRequested())

    @precondition(lambda self: self.begun > 3)
    @rule(status=st.sampled_from(["completed", "failed"]), happens=RARELY)
    def final_status(self, status, *, happens):
        if not happens:
            return
        self.tell(CallOver(status))

    # The flow.

    @precondition(lambda self: self.leads == "python" and not self.saying)
    @rule(step=st.sampled_from([*STEPS, *OFTEN]))
    def say(self, step=OFTEN[0]):
        self.saying = not self.session.phase.is_over and not self.session.leaving
        self.perform(self.session.perform_step(step, now=self.now))

    @precondition(lambda self: self.leads == "python" and not self.saying and self.streaming)
    @rule(finished=st.booleans())
    def caller_leaves_a_message(self, finished):
        self.say(Record(beep=False, silence_seconds=1.0))
        self.caller(SPEECH, 25)
        if finished and self.streaming:
            self.key("#")

    @precondition(lambda self: self.leads == "python" and self.saying)
    @rule(happens=RARELY)
    def step_is_cancelled(self, *, happens):
        if not happens:
            return
        self.perform(self.session.cancel_step(now=self.now))
        self.saying = False

    @precondition(lambda self: self.leads == "python" and not self.saying and self.begun > 2)
    @rule(error=st.sampled_from([None, "failed"]), happens=RARELY)
    def flow_ends(self, error, *, happens):
        if not happens:
            return
        self.tell(FlowEnded(error))

    @precondition(lambda self: self.actions)
    @rule(done=st.sampled_from([Done({"a": 1}), Done(problem="away")]))
    def action_is_done(self, done):
        self.actions -= 1
        self.tell(ActionDone(done))

    @precondition(lambda self: self.messages)
    @rule(file=st.sampled_from(["a.wav", None]))
    def message_is_saved(self, file):
        self.messages -= 1
        self.tell(MessageSaved(file))

    # The owner of the call.

    @precondition(lambda self: self.commanded)
    @rule(now=st.booleans(), text=st.sampled_from([TEXT, " "]))
    def api_says(self, now, text):
        if now:
            self.perform(self.session.clear(now=self.now))
        if self.commanded:
            self.numbers += 1
            self.announced.add(self.numbers)
            self.perform(self.session.announce(Announcement(self.numbers, Say(text)), now=self.now))

    @precondition(lambda self: self.commanded)
    @rule()
    def api_clears(self):
        self.perform(self.session.clear(now=self.now))

    @precondition(lambda self: self.commanded and self.session.phase.is_live)
    @rule(at_once=st.booleans(), happens=RARELY)
    def api_transfers(self, at_once, *, happens):
        if not happens:
            return
        self.perform(self.session.transfer(Transfer("+15551230000"), at_once=at_once, now=self.now))

    @precondition(lambda self: self.commanded and self.begun > 5)
    @rule(goodbye=st.sampled_from([None, Say("Goodbye.", barge_in=BargeInPolicy.NONE)]), happens=RARELY)
    def api_hangs_up(self, goodbye, *, happens):
        if not happens:
            return
        self.perform(self.session.hang_up(goodbye, now=self.now))

    @precondition(lambda self: self.commanded)
    @rule(node=st.sampled_from(NODES), happens=RARELY)
    def machine_answers(self, node, *, happens):
        if not happens:
            return
        if self.leads == "file":
            self.perform(self.session.jump(node, now=self.now))

    @rule(wanted=st.booleans())
    def audio_is_wanted(self, wanted):
        self.perform(self.session.forward_audio(wanted=wanted, now=self.now))

    @precondition(lambda self: self.kept is not None and not self.connected and not self.released)
    @rule(happens=RARELY)
    def another_process_resumes(self, *, happens):
        """The process dies; the checkpoint is all that is left of the session."""
        if not happens:
            return
        self.count("another process")
        self.saying, self.actions, self.messages = False, 0, 0
        self.stale |= {request.tag for request in self.requests.values()}
        self.announced.clear()
        self.heard.clear()
        self.questions.clear()
        self.lead(self.kept)

    # Rime.

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), size=st.one_of(st.integers(min_value=1, max_value=4000), st.sampled_from([0, 400_000])))
    def rime_speaks(self, data, size):
        """Audio of any utterance ever asked for comes over its socket, and whoever listens there gets it."""
        request = self.requests[data.draw(st.sampled_from(list(self.requests)[-6:]))]
        self.rime_sends(request, request.chunk(size))

    @precondition(lambda self: self.requests and self.protocol != "ws")
    @rule(data=st.data(), count=st.integers(min_value=0, max_value=5))
    def rime_tells_times(self, data, count):
        request = self.requests[data.draw(st.sampled_from(list(self.requests)[-6:]))]
        self.rime_sends(request, request.times(count))

    @precondition(lambda self: self.current is not None and not self.current.done)
    @rule(size=st.integers(min_value=1, max_value=8000))
    def rime_speaks_what_is_said(self, size):
        self.rime_sends(self.current, self.current.chunk(size))

    @precondition(lambda self: self.current is not None and not self.current.done)
    @rule()
    def rime_speaks_all(self):
        self.rime_sends(self.current, self.current.chunk(16_000))
        self.rime_ends("done")
        self.wait(2.5)
        if self.streaming:
            self.marks_come_back()

    @precondition(lambda self: self.current is not None and not self.current.done)
    @rule(how=st.sampled_from(["done", "clean close", "error", "lost"]))
    def rime_ends(self, how):
        request = self.current
        if request.spoken.utterance.over:
            request.done = True
            return
        wire = request.spoken._wire
        if how == "done" and self.protocol != "ws":
            event = wire.receive_text(request.rime.send_done(request.name))
        else:
            event = wire.receive_close(*{"error": (1011, "503"), "lost": (1006, "")}.get(how, (1000, "")))
        try:
            self.request_ends(request, request.spoken._receive(event, request.socket))
        except SpeechError as error:
            self.request_fails(request, error)

    @precondition(lambda self: self.current is not None and not self.current.done)
    @rule(happens=RARELY)
    def rime_stalls(self, *, happens):
        if not happens:
            return
        if not self.current.spoken.utterance.over:
            self.request_fails(self.current, SpeechUnavailable("Rime took the text and sent nothing for 5 s"))

    # Words.

    @rule(there=st.booleans(), happens=RARELY)
    def recognizer_goes_or_comes(self, there, *, happens):
        if happens:
            self.hears = there

    @precondition(lambda self: self.heard)
    @rule(data=st.data(), words=WORDS, sure=st.sampled_from([None, 0.1, 0.6, 0.99]), failed=RARELY, final=st.booleans())
    def recognizer_answers(self, data, words, sure, *, failed, final):
        """Also for utterances of earlier questions, twice, and for some that never were."""
        number = data.draw(st.sampled_from(list(self.heard)[-3:]))
        utterance = data.draw(st.integers(min_value=max(1, self.heard[number] - 1), max_value=self.heard[number] + 1))
        if not final:
            self.tell(WordsHeard(number, PartialTranscript(utterance, words)))
        elif failed:
            self.tell(WordsHeard(number, FinalTranscript(utterance, "", failure="away")))
        else:
            self.tell(WordsHeard(number, FinalTranscript(utterance, words, sure)))

    @precondition(lambda self: self.questions)
    @rule(takes=st.sampled_from([True, False, None]), again=RARELY)
    def judge_answers(self, takes, *, again):
        number = self.questions[0] if again else self.questions.pop(0)
        self.tell(JudgeAnswered(number, takes))

    @precondition(lambda self: self.streaming)
    @rule(words=WORDS)
    def caller_says(self, words):
        """A whole utterance, and what was heard of it."""
        self.caller(SPEECH, 20)
        self.caller(QUIET, 25)
        if self.heard:
            number = list(self.heard)[-1]
            self.tell(WordsHeard(number, FinalTranscript(max(1, self.heard[number]), words, 0.9)))

    @precondition(lambda self: self.streaming and self.current is not None and not self.current.done)
    @rule(words=WORDS, final=st.booleans())
    def caller_speaks_over_a_prompt(self, words, final):
        """The line falls silent at the sound; what is heard of it decides how that ends."""
        self.rime_sends(self.current, self.current.chunk(16_000))
        self.caller(QUIET, 60)
        self.caller(SPEECH, 15)
        if self.heard and self.streaming:
            number, transcript = list(self.heard)[-1], FinalTranscript if final else PartialTranscript
            self.tell(WordsHeard(number, transcript(max(1, self.heard[number]), words)))

    @precondition(lambda self: self.leads == "python")
    @rule(wanted=st.booleans())
    def turns_are_wanted(self, wanted):
        self.perform(self.session.take_turns(wanted=wanted, now=self.now))

    # What holds.

    @invariant()
    def every_step_counts(self):
        type(self).steps += 1

    @invariant()
    def nothing_stale_is_heard_or_will_be(self):
        queued = b"".join(bytes(run.audio[max(0, self.cut_at - run.first) :]) for run in self.playout._runs)
        assert not self.stale & set(queued[-20_000:])

    @invariant()
    def what_was_heard_is_of_what_was_said(self):
        if self.leads is None:
            return
        for spoken in self.session.record.utterances[-2:]:
            if spoken.interruption is not None:
                heard, text = spoken.interruption.heard_text.split(), spoken.text.split()
                assert heard == text[: len(heard)] or spoken.text.startswith(spoken.interruption.heard_text)

    def teardown(self):
        """A call that is left alone ends by itself, and leaves nobody waiting."""
        if self.leads is None:
            return
        while self.connected and not self.released and self.now < LONGEST_CALL_SECONDS:
            self.deadlines(self.now + 30.0)
            if self.connected:
                self.socket_is_gone()
        self.deadlines(self.now + LONGEST_CALL_SECONDS)
        self.ended()
