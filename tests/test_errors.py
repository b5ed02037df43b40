from telebridge.errors import (
    ConfigurationError,
    FlowError,
    RemoteProtocolError,
    SpeechUnavailable,
    TwilioAPIError,
    shortened,
)


def test_a_configuration_error_names_the_place_the_problem_and_what_to_do():
    error = ConfigurationError("rime.speaker", "is missing", "set it to a voice of the model")
    assert str(error) == "rime.speaker: is missing; set it to a voice of the model"


def test_a_flow_error_names_file_line_column_and_node():
    error = FlowError(
        file="a.yaml", line=3, column=5, problem="unknown key 'sey'", hint="did you mean 'say'?", node="main"
    )
    assert str(error) == "a.yaml:3:5: unknown key 'sey' in node 'main'; did you mean 'say'?"


def test_a_remote_protocol_error_quotes_what_was_sent_in_short():
    error = RemoteProtocolError("Twilio", "sent malformed JSON", b"{" * 500)
    assert str(error).startswith("Twilio sent malformed JSON: {{{{")
    assert len(str(error)) < 200


def test_shortening_keeps_short_texts_and_tells_the_length_of_long_ones():
    assert shortened("hello") == "hello"
    assert shortened(b"\x00a") == "\\x00a"
    assert shortened("x" * 300).endswith("… (300 long)")


def test_only_a_rate_limit_answer_of_twilio_may_be_retried():
    assert TwilioAPIError(429, 20429, "Too Many Requests").retryable
    assert not TwilioAPIError(500, None, "oops").retryable


def test_a_speech_error_tells_its_status():
    assert str(SpeechUnavailable("connection refused", status=503)) == "connection refused (503)"
