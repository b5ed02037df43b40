import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.errors import LocalProtocolError
from telebridge.simulator.twiml.interpreter import (
    Document,
    EndOfTwiml,
    Fetch,
    FetchFailed,
    Instruction,
    InstructionOutcome,
    Interpreter,
    InterpreterState,
    VerbDone,
    VerbFailed,
)
from telebridge.simulator.twiml.verbs import (
    GatherVerb,
    PauseVerb,
    RejectVerb,
    SayVerb,
    StreamVerb,
)

HOME = "https://bridge.example/twilio/voice"


def begun(body: str, **options: str) -> tuple[Interpreter, Instruction]:
    interpreter = Interpreter(**options)
    assert interpreter.start(HOME) == Fetch(HOME)
    return interpreter, interpreter.resume(Document(f"<Response>{body}</Response>".encode(), HOME))


def test_verbs_run_from_top_to_bottom_and_the_end_hangs_up() -> None:
    interpreter, act = begun("<Say>Hello</Say><Pause length='2'/>")
    assert act == SayVerb("Hello")
    assert interpreter.resume(VerbDone()) == PauseVerb(2)
    assert interpreter.resume(VerbDone()) == EndOfTwiml("end of document")
    assert interpreter.state is InterpreterState.ENDED


def test_what_follows_a_stream_runs_when_the_stream_ends() -> None:
    interpreter, act = begun("<Connect><Stream url='wss://b/m'/></Connect><Redirect>/twilio/next</Redirect>")
    assert act == StreamVerb("wss://b/m")
    assert interpreter.resume(VerbDone()) == Fetch("https://bridge.example/twilio/next")
    assert interpreter.resume(Document(b"<Response><Hangup/></Response>", HOME)) == EndOfTwiml("hangup")


def test_what_follows_a_stream_runs_when_the_stream_fails() -> None:
    interpreter, _ = begun("<Connect><Stream url='wss://b/m'/></Connect><Say>Sorry</Say>")
    assert interpreter.resume(VerbFailed(31920, "403")) == SayVerb("Sorry")
    assert [problem.code for problem in interpreter.problems] == [31920]


def test_an_action_is_asked_with_what_the_verb_gave() -> None:
    interpreter, _ = begun("<Dial action='dialled' method='GET'>+15551230100</Dial><Say>not reached</Say>")
    act = interpreter.resume(VerbDone({"DialCallStatus": "completed"}))
    assert act == Fetch("https://bridge.example/twilio/dialled", "GET", {"DialCallStatus": "completed"})


def test_gathered_digits_go_to_the_action_and_none_go_on() -> None:
    interpreter, act = begun("<Gather action='/digits'/><Say>Nothing?</Say>")
    assert act == GatherVerb(action="/digits")
    assert interpreter.resume(VerbDone({"Digits": ""})) == SayVerb("Nothing?")
    interpreter, _ = begun("<Gather/>")
    assert interpreter.resume(VerbDone({"Digits": "42"})) == Fetch(HOME, "POST", {"Digits": "42"})


def test_a_call_is_only_rejected_before_it_is_answered() -> None:
    assert begun("<Reject reason='busy'/>")[1] == RejectVerb("busy")
    interpreter, _ = begun("<Say>Hello</Say><Reject/>")
    assert interpreter.resume(VerbDone()) == EndOfTwiml("reject after answer")


def test_the_fallback_is_asked_once_with_the_error() -> None:
    interpreter = Interpreter(fallback_url="https://spare.example/voice")
    interpreter.start(HOME)
    act = interpreter.resume(FetchFailed(11205, HOME))
    assert act == Fetch("https://spare.example/voice", "POST", {"ErrorCode": "11205", "ErrorUrl": HOME})
    assert interpreter.resume(Document(b"no", HOME)) == EndOfTwiml("application error", 12100)


def test_a_document_of_another_type_is_an_error() -> None:
    interpreter = Interpreter()
    interpreter.start(HOME)
    assert interpreter.resume(Document(b"<Response/>", HOME, "application/json")) == EndOfTwiml(
        "application error", 12300
    )


def test_relative_urls_have_no_base_in_a_pushed_document() -> None:
    interpreter = Interpreter()
    act = interpreter.start_document(b"<Response><Redirect>/next</Redirect></Response>")
    assert act == EndOfTwiml("application error", 15004)


def test_a_call_that_redirects_for_ever_ends() -> None:
    interpreter, act = begun("<Redirect>/again</Redirect>")
    documents = 1
    while isinstance(act, Fetch):
        act = interpreter.resume(Document(b"<Response><Redirect>/again</Redirect></Response>", HOME))
        documents += 1
    assert act == EndOfTwiml("too many documents", 12200)
    assert documents == 1000


BODIES = [
    "<Say>a</Say>",
    "<Gather action='/g'/>",
    "<Dial action='/d'>1</Dial>",
    "<Redirect>/r</Redirect>",
    "<Reject/>",
    "<X/>",
]
outcomes = st.one_of(
    st.lists(st.sampled_from(BODIES)).map(
        lambda verbs: Document(f"<Response>{''.join(verbs)}</Response>".encode(), HOME)
    ),
    st.builds(FetchFailed, st.just(11200), st.just(HOME)),
    st.builds(VerbDone, st.sampled_from([{}, {"Digits": "1"}])),
    st.builds(VerbFailed, st.just(31901), st.just("gone")),
)


@given(st.lists(outcomes, max_size=30))
def test_any_outcome_in_any_state_moves_on_or_is_a_local_protocol_error(story: list[InstructionOutcome]) -> None:
    interpreter = Interpreter(fallback_url=HOME)
    interpreter.start(HOME)
    for outcome in story:
        before = interpreter.state
        try:
            act = interpreter.resume(outcome)
        except LocalProtocolError:
            assert interpreter.state is before
        else:
            assert before in {InterpreterState.FETCHING, InterpreterState.PERFORMING}
            assert (interpreter.state is InterpreterState.ENDED) == isinstance(act, EndOfTwiml | RejectVerb)
    with pytest.raises(LocalProtocolError):
        Interpreter().resume(VerbDone())
