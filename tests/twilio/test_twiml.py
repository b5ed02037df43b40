from telebridge.twilio import twiml


def test_a_stream_is_followed_by_a_redirect_so_that_its_loss_does_not_hang_up():
    document = twiml.connect_stream("wss://b/m/t", status_callback="https://b/s", then_redirect="https://b/n")
    assert document == (
        '<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream statusCallback="https://b/s" '
        'statusCallbackMethod="POST" url="wss://b/m/t" /></Connect>'
        '<Redirect method="POST">https://b/n</Redirect></Response>'
    )


def test_what_is_said_is_escaped():
    assert "<Say>Tom &amp; &lt;Jerry&gt;</Say><Hangup" in twiml.say_and_hang_up("Tom & <Jerry>")


def test_a_call_is_refused_as_busy_and_ended():
    assert '<Reject reason="busy" />' in twiml.reject()
    assert "<Response><Hangup /></Response>" in twiml.hang_up()
