"""The recognitions of one call: that of a question beside that of who answered."""

from telebridge.call.runner.recognitions import Recognitions
from telebridge.call.session.effects import RecognizeAudio, StartRecognition, StopRecognition
from telebridge.recognition.source import FinalTranscript, RecognitionRequest


class Listening:
    def __init__(self, sink):
        self.sink, self.heard, self.closed = sink, [], False

    def begin_speech(self):
        self.heard.append("begins")

    def feed(self, mulaw):
        self.heard.append(mulaw)

    def end_speech(self):
        self.heard.append("ends")

    def close(self):
        self.closed = True


class Hearing:
    available = True

    def __init__(self):
        self.opened = []

    def listen(self, request, sink):
        self.opened.append(Listening(sink))
        return self.opened[-1]


def test_a_question_is_heard_beside_who_answered_and_closes_only_the_question_before():
    hearing, events = Hearing(), []
    recognitions = Recognitions(hearing)
    for number in (0, 1, 2):
        recognitions.perform(StartRecognition(number, RecognitionRequest()), events.append)
    who, first, second = hearing.opened
    assert [who.closed, first.closed, second.closed] == [False, True, False]
    recognitions.perform(RecognizeAudio(0, b"a", begins=True), events.append)
    recognitions.perform(RecognizeAudio(2, b"b", ends=True), events.append)
    recognitions.perform(RecognizeAudio(1, b"c"), events.append)
    assert (who.heard, first.heard, second.heard) == (["begins", b"a"], [], [b"b", "ends"])
    who.sink(FinalTranscript(1, "hello"))
    assert [(event.number, event.result.text) for event in events] == [(0, "hello")]
    recognitions.perform(StopRecognition(2), events.append)
    recognitions.close()
    assert (who.closed, second.closed) == (True, True)
