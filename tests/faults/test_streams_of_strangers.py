"""Tokens that are used twice, messages nobody knows, and numbers that nobody allowed"""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from support.bridge import bridge
from support.faults import fault
from support.virtual_time import virtually

from telebridge.call.runner.runner import ForeignStream
from telebridge.database.database import database_of
from telebridge.database.engine import open_database
from telebridge.database.migration import migrate
from telebridge.server.http.idempotency_store import TOKEN_ROW_MS, UsedTokens
from telebridge.server.twilio.media import BAD_MESSAGES_SECONDS, MAX_BAD_MESSAGES, BadMessages, MediaHandler
from telebridge.simulator.caller.script import parse_script
from telebridge.twilio.media_stream import MediaStream, Side, UnknownEvent, UnreadableMessage
from telebridge.twilio.signed_urls import StreamTokenError, StreamTokens

SID = "CA" + "1" * 32
RUNNER = SimpleNamespace(session=SimpleNamespace(record=SimpleNamespace(call_sid=SID)))
FLOW = """
flow: test
variables: {office: "+15551230100"}
start: ask
nodes:
  ask: {collect: "Type a number.", digits: {max: 11}, into: typed, then: desk}
  desk: {transfer: "+{{ typed }}", then: bye, failed: nobody}
  nobody: {say: "We cannot connect you.", then: bye}
  bye: {hang_up: Goodbye.}
"""


@fault(
    "A stream token that one process has redeemed is shown to another one of the same database.",
    caller="Nothing; their own stream goes on.",
    operator='The answer 403; `telebridge_refused_total{endpoint="media",reason="token"}` counts.',
    kept="A call has one stream, and it is Twilio's.",
)
async def test_a_used_token_is_refused_by_every_process(tmp_path):
    engines = [open_database(f"sqlite:///{tmp_path}/telebridge.db") for _ in range(2)]
    await migrate(engines[0])
    handlers = []
    for engine in engines:
        tokens = StreamTokens("secret")
        handlers.append((tokens, MediaHandler(None, None, tokens, UsedTokens(database_of(engine)))))
    token = handlers[0][0].issue(SID, {}, wallclock=datetime.now(UTC))
    for tokens, _ in handlers:
        tokens.redeem(token, wallclock=datetime.now(UTC))
    await handlers[0][1]._refuse_used(token, SID)
    with pytest.raises(StreamTokenError, match="used before"):
        await handlers[1][1]._refuse_used(token, SID)
    for engine in engines:
        await engine.dispose()


@fault(
    "The database is away while a stream opens.",
    caller="The call, as usual.",
    operator="A warning: the stream's token is taken unseen.",
    kept="The call; its own process still refuses a token that it has redeemed.",
)
async def test_while_the_database_is_away_a_new_token_is_taken():
    class Away:
        async def claim(self, _name):
            raise OSError("the database is away")

    tokens = StreamTokens("secret")
    token = tokens.issue(SID, {}, wallclock=datetime.now(UTC))
    await MediaHandler(None, None, tokens, Away())._refuse_used(token, SID)
    tokens.redeem(token, wallclock=datetime.now(UTC))
    with pytest.raises(StreamTokenError, match="used before"):
        tokens.redeem(token, wallclock=datetime.now(UTC))


@fault(
    "A used token is forgotten by the database after ten minutes.",
    caller="Nothing.",
    operator="Nothing: the token has expired long before.",
    kept="No token is taken twice.",
)
def test_a_row_of_a_token_outlives_the_token():
    assert StreamTokens("secret")._lifetime * 1000 < TOKEN_ROW_MS


@fault(
    "Twilio adds an event to its media streams, and sends it over and over.",
    caller="Nothing: the call goes on.",
    operator="One warning; `telebridge_unknown_events_total` counts.",
    kept="The stream.",
)
def test_unknown_events_never_close_a_stream():
    bad, stream = BadMessages(), MediaStream(Side.BRIDGE)
    for n in range(1000):
        with pytest.raises(UnknownEvent) as raised:
            stream.receive_text('{"event":"news","streamSid":"MZ1","news":{"x":[1]}}')
        assert not bad.add(raised.value, RUNNER, now=n / 1000)


@fault(
    "A stream sends what cannot be read.",
    caller="Now and then: nothing. Many at once: the stream is closed, and Twilio asks what follows.",
    operator="One warning, and one more when it is closed; `telebridge_bad_messages_total` counts.",
    kept="Other calls; a stream with a bad message now and then goes on for hours.",
)
@pytest.mark.parametrize(("apart", "closes"), [(0.01, True), (BAD_MESSAGES_SECONDS / 10, False)])
def test_only_unreadable_messages_close_a_stream_and_only_many_at_once(apart, closes):
    bad = BadMessages()
    verdicts = [
        bad.add(UnreadableMessage("Twilio", "sent '{'"), RUNNER, now=n * apart) for n in range(MAX_BAD_MESSAGES)
    ]
    assert verdicts == [False] * (MAX_BAD_MESSAGES - 1) + [closes]
    assert BadMessages().add(ForeignStream("Twilio", "started another"), RUNNER, now=0.0)


@fault(
    'A caller types a number that a flow would dial: `transfer: "+{{ typed }}"`.',
    caller="What the flow says when a transfer fails.",
    operator="The event `transfer-refused`; `flow check` warned of it.",
    kept="The bill: only what the flow files write out, or `transfers.allowed`, is dialled.",
)
@pytest.mark.parametrize(
    ("transfers", "dialled"), [({}, False), ({"allowed": ["+15551"]}, True), ({"allowed": ["+1666"]}, False)]
)
@virtually
async def test_a_number_that_nobody_allowed_is_not_dialled(tmp_path, transfers, dialled):
    rings = {"+15559990000": parse_script("ring 1s; hang up"), "+15551230999": parse_script("ring 1s; hang up")}
    async with bridge(tmp_path, FLOW, transfers=transfers, twilio={"callers": rings}) as stack:
        _, record = await stack.call("wait; press 15551230999; listen 60s")
    said = [utterance.text for utterance in record.utterances]
    assert ("We cannot connect you." in said) is not dialled
