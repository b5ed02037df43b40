"""The ledger's account of what was heard, against the playout buffer that knows."""

from hypothesis import given
from hypothesis import strategies as st

from telebridge.playback.ledger import PlaybackLedger
from telebridge.simulator.media.playout import PlayoutBuffer

DELAY_SECONDS = st.floats(min_value=0.0, max_value=0.14)


class Wire:
    """Carries messages in order, each with a delay of its own; what arrived earlier is handled first."""

    def __init__(self):
        self.in_flight = []
        self.last = 0.0

    def put(self, item, *, now, delay):
        self.last = max(self.last, now + delay)
        self.in_flight.append((self.last, item))

    def arrived(self, now):
        due = [entry for entry in self.in_flight if entry[0] <= now]
        self.in_flight = [entry for entry in self.in_flight if entry[0] > now]
        return due


class Call:
    """A bridge's ledger on one end of a slow wire, Twilio's playout on the other."""

    def __init__(self, delays):
        self.delays = delays
        self.ledger = PlaybackLedger(clear_allowance_ms=150)
        self.playout = PlayoutBuffer()
        self.out, self.back = Wire(), Wire()
        self.now = 0.0
        self.sent_before_clear = 0

    def advance(self, seconds):
        end = self.now + seconds
        while True:
            times = [t for t, _ in self.out.in_flight + self.back.in_flight if t <= end]
            due = self.playout.next_deadline()
            if due is not None and due <= end:
                times.append(due)
            if not times:
                break
            self.now = max(self.now, min(times))
            for _, (kind, value) in self.out.arrived(self.now):
                self._at_twilio(kind, value)
            self._return(self.playout.handle_timeout(now=self.now))
            for _, name in self.back.arrived(self.now):
                self.ledger.mark_returned(name, now=self.now)
        self.now = end

    def send(self, size):
        self.ledger.audio_sent("u", bytes(size), now=self.now)
        self.out.put(("audio", size), now=self.now, delay=self.delays())

    def mark(self):
        name = self.ledger.mark_sent("u", final=False, now=self.now)
        self.out.put(("mark", name), now=self.now, delay=self.delays())

    def clear(self):
        """Clear, let everything arrive, and answer with the ledger's bounds and the truth."""
        told = self.ledger.heard("u", now=self.now)
        self.ledger.cleared()
        self.out.put(("clear", None), now=self.now, delay=self.delays())
        self.advance(1.0)
        heard_ms = (self.playout.heard_bytes(now=self.now) - self.sent_before_clear) / 8
        self.sent_before_clear = self.playout.heard_bytes(now=self.now)
        return told, heard_ms

    def _at_twilio(self, kind, value):
        if kind == "audio":
            self.playout.queue_audio(bytes(value), now=self.now)
        elif kind == "mark":
            self._return(self.playout.queue_mark(value, now=self.now))
        else:
            self._return(self.playout.clear(now=self.now))

    def _return(self, names):
        for name in names:
            self.back.put(name, now=self.now, delay=self.delays())


STEP = st.one_of(
    st.tuples(st.just("send"), st.integers(min_value=1, max_value=8000)),
    st.tuples(st.just("mark"), st.just(0)),
    st.tuples(st.just("wait"), st.floats(min_value=0.001, max_value=1.5)),
    st.tuples(st.just("clear"), st.just(0)),
)


@given(steps=st.lists(STEP, max_size=40), data=st.data())
def test_the_truth_lies_between_at_least_and_at_most_whatever_the_network_does(steps, data):
    call = Call(lambda: data.draw(DELAY_SECONDS))
    for kind, value in [*steps, ("clear", 0)]:
        if kind == "send":
            call.send(value)
        elif kind == "mark":
            call.mark()
        elif kind == "wait":
            call.advance(value)
        else:
            told, truth_ms = call.clear()
            assert told.at_least_ms <= truth_ms + 0.2
            assert truth_ms <= told.at_most_ms + 0.2
            assert told.at_least_ms <= told.estimate_ms <= told.at_most_ms


@given(steps=st.lists(STEP, max_size=40), delay=DELAY_SECONDS)
def test_on_a_network_as_slow_one_way_as_the_other_the_estimate_is_the_truth(steps, delay):
    call = Call(lambda: delay)
    for kind, value in [*steps, ("clear", 0)]:
        if kind == "send":
            call.send(value)
        elif kind == "mark":
            call.mark()
        elif kind == "wait":
            call.advance(value)
        else:
            told, truth_ms = call.clear()
            assert abs(told.estimate_ms - truth_ms) <= 0.3
