"""One recognition of a call through the bridge's end of a protocol and the recognition server's, without a socket."""

from collections import deque

from telebridge.recognition.messages import AudioHeard, FlushHeard, SendFrame, SetupHeard
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.providers import PROTOCOLS
from telebridge.recognition_server.dialects import DeepgramDialect, RealtimeDialect
from telebridge.recognition_server.flux_dialect import FluxDialect
from telebridge.recognition_server.formats import SentFormat

DIALECTS = {
    "deepgram": lambda: DeepgramDialect(SentFormat("mulaw")),
    "deepgram-flux": lambda: FluxDialect(SentFormat("mulaw")),
    "openai": lambda: RealtimeDialect(conversation=False),
}


class WiredRecognition:
    """A recognition; each message of either end is read by the other.

    Args:
        provider: Whose protocol.
        request: What is listened for.
        partial_seconds: How long after it was spoken a word is known.
        final_seconds: How long after it was asked for a final transcript comes.
    """

    def __init__(self, provider, request, *, partial_seconds, final_seconds):
        self.bridge = PROTOCOLS[provider](RecognizerOptions(provider), request)
        self.server = DIALECTS[provider]()
        self.partial_seconds, self.final_seconds = partial_seconds, final_seconds
        self.begun = 0  # utterances, as the bridge counts them
        self.utterance = 1  # as the server does
        self.position_ms = self.begins_ms = 0.0
        self.heard_from = None  # when the audio began that the server has heard since it last answered
        self.shown = 0
        self.asked = deque()  # final transcripts that are due
        self.transcripts = []
        self.now = 0.0
        self._receive(self.server.opening())
        self._perform(self.bridge.open())

    def take(self, effect, now):
        """Take the caller's audio."""
        self.now = now
        if effect.begins:
            self.begun += 1
            self._perform(self.bridge.begin_speech(self.begun))
        if effect.payload:
            self._perform(self.bridge.feed(effect.payload))
        if effect.ends:
            self._perform(self.bridge.end_speech())

    def results(self, words, now):
        """The transcripts that the bridge has by now; `words` are what was spoken, and when."""
        self.now = now
        while self.asked and now >= self.asked[0][0]:
            _, utterance, since, until, begins_ms, ends_ms = self.asked.popleft()
            text = " ".join(spoken(words, since, until))
            self._receive(self.server.final(utterance, text, begins_ms, ends_ms, 0.9))
        if self.heard_from is not None:
            known = spoken(words, self.heard_from, now - self.partial_seconds)
            self._receive(self.server.progress(self.utterance, self.begins_ms, self.position_ms, speech=bool(known)))
            for count in range(self.shown + 1, len(known) + 1):
                text = " ".join(known[:count])
                self._receive(self.server.partial(self.utterance, text, self.begins_ms, self.position_ms))
            self.shown = len(known)
        ready, self.transcripts = self.transcripts, []
        return ready

    def _perform(self, answers):
        for answer in answers:
            if isinstance(answer, SendFrame):
                self._hear(self.server.hear(answer.frame))
            else:
                self.transcripts.append(answer)

    def _receive(self, messages):
        for message in messages:
            self._perform(self.bridge.receive(message))

    def _hear(self, heard):
        match heard:
            case AudioHeard(audio):
                if self.heard_from is None:
                    self.heard_from = self.now - len(audio) / self.server.format.bytes_per_ms / 1000
                self.position_ms += len(audio) / self.server.format.bytes_per_ms
            case FlushHeard():
                since = self.now if self.heard_from is None else self.heard_from
                due = self.now + self.final_seconds
                self.asked.append((due, self.utterance, since, self.now, self.begins_ms, self.position_ms))
                self._receive(self.server.flushed(self.utterance))
                self.utterance += 1
                self.begins_ms, self.heard_from, self.shown = self.position_ms, None, 0
            case SetupHeard() as setup:
                self._receive(self.server.set_up(setup))
            case other:
                raise AssertionError(f"the server does not understand the bridge: {other}")


def spoken(words, since, until):
    """The words that were spoken between two instants."""
    return [word for at, word in words if since < at <= until]
