"""When text is synthesized (R22, R24 to R31), and where it is cut."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.rime_client import PLAIN, audio, events, joined, kinds, opened, say
from support.speech import audio_of, local_rime
from support.virtual_time import virtually

from telebridge.speech_server.buffer import (
    BoundaryRules,
    ClearMode,
    Close,
    Refuse,
    SegmentMode,
    SegmentRules,
    SynthesisBuffer,
    Synthesize,
    boundaries,
    last_boundary,
)
from telebridge.speech_server.options import SpeechServerFaults

JSON = PLAIN.replace("mistv2", "coda")


@virtually
async def test_r22_a_sentence_is_spoken_when_it_ends():
    async with local_rime() as url, opened(url, "/ws3", JSON) as socket:
        await say(socket, "no boundary here ")
        assert await events(socket) == []
        await say(socket, "but now? ")
        assert joined(await events(socket)) == audio_of("no boundary here but now?")


@virtually
async def test_r23_on_json_a_comma_is_not_enough():
    async with local_rime() as url, opened(url, "/ws2") as socket:
        await say(socket, "one, two, ")
        assert await events(socket) == []


@virtually
async def test_r24_a_final_period_waits_for_what_follows():
    async with local_rime() as url, opened(url, "/ws3", JSON) as socket:
        await say(socket, "Hello there.")
        assert await events(socket) == []
        await say(socket, " ")
        assert joined(await events(socket)) == audio_of("Hello there.")


@virtually
async def test_r24_unless_the_server_is_told_not_to_wait():
    async with local_rime(hold_final_period=False) as url, opened(url, "/ws3", JSON) as socket:
        await say(socket, "Hello there.")
        assert joined(await events(socket)) == audio_of("Hello there.")


@pytest.mark.parametrize("text", ["Take 2.5ml now ", "Your code is spell(a.b) now "])
@virtually
async def test_r25_a_period_inside_a_number_or_a_spelling_ends_nothing(text):
    async with local_rime() as url, opened(url, "/ws3", JSON) as socket:
        await say(socket, text)
        assert await events(socket) == []


@virtually
async def test_r26_what_comes_while_busy_goes_out_together():
    async with (
        local_rime(faults=SpeechServerFaults(first_byte_delay_seconds=1)) as url,
        opened(url, "/ws3", JSON) as socket,
    ):
        await say(socket, "One. ", "Two. ", "Three. ")
        messages = await events(socket)
        assert kinds(messages) == ["chunk", "timestamps", "chunk", "timestamps", "done"]
        assert joined(messages) == audio_of("One.") + audio_of("Two.") + audio_of("Three.")


@virtually
async def test_r27_never_means_only_when_asked():
    async with local_rime() as url, opened(url, "/ws3", f"{JSON}&segment=never") as socket:
        await say(socket, "One. Two! Three? ")
        assert await events(socket) == []
        await say(socket, operation="flush")
        assert joined(await events(socket)) == audio_of("One.") + audio_of("Two!") + audio_of("Three?")


@pytest.mark.parametrize("parameter", ["segment=immediate", "immediate=true"])
@virtually
async def test_r28_immediate_speaks_the_first_token_alone(parameter):
    async with local_rime() as url, opened(url, query=f"{JSON}&{parameter}") as socket:
        await socket.send("Hello ")
        assert await audio(socket) == audio_of("Hello")


@pytest.mark.parametrize("parameter", ["segment=", "segment=null", "segment=now"])
@virtually
async def test_r29_an_unknown_segment_is_by_sentence(parameter):
    async with local_rime() as url, opened(url, query=f"{JSON}&{parameter}") as socket:
        await socket.send("Hello ")
        assert await audio(socket) == b""
        await socket.send("you. ")
        assert await audio(socket) == audio_of("Hello you.")


@virtually
async def test_r30_flushes_while_busy_are_one_run_and_one_done():
    faults = SpeechServerFaults(first_byte_delay_seconds=1)
    async with local_rime(faults=faults) as url, opened(url, "/ws3", f"{JSON}&segment=never") as socket:
        await say(socket, "one", operation="flush")
        for text in ("two ", "three ", "four"):
            await say(socket, text, operation="flush")
        messages = await events(socket)
        assert kinds(messages).count("done") == 1
        assert kinds(messages).count("timestamps") == 2
        assert joined(messages) == audio_of("one") + audio_of("two three four")


@virtually
async def test_r31_requests_are_spoken_in_order_one_at_a_time():
    async with local_rime() as url, opened(url, "/ws3", f"{JSON}&segment=never") as socket:
        for index in range(5):
            message = {"text": f"number {index}", "contextId": f"c{index}"}
            await socket.send(json.dumps(message))
            await socket.send('{"operation":"flush"}')
        messages = await events(socket)
        ids = [each["contextId"] for each in messages if each["type"] == "chunk"]
        assert ids == sorted(ids)
        for index in range(5):
            assert joined(messages, f"c{index}") == audio_of(f"number {index}")


RULES = BoundaryRules()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One. Two. ", ["One. ", "Two. "]),
        ("Really?! Yes.", ["Really?! ", "Yes."]),
        ("Dr. Jones is in. ", ["Dr. Jones is in. "]),
        ("at 2.5 ml. Now", ["at 2.5 ml. ", "Now"]),
        ("spell(a.b. c) here. ", ["spell(a.b. c) here. "]),
        ('He said "yes." Then left', ['He said "yes." ', "Then left"]),
        ("今日は。明日は。", ["今日は。", "明日は。"]),
    ],
)
def test_a_text_is_cut_after_its_sentences(text, pieces):
    places = [0, *boundaries(text, RULES), len(text)]
    assert [text[start:end] for start, end in pairwise(places) if text[start:end]] == pieces


@given(st.text(alphabet="ab 2.,?!\"'(){}<>spell\u3002", max_size=60))
def test_pieces_join_to_the_text_and_a_boundary_stays_where_it_is_when_text_follows(text):
    places = boundaries(text, RULES)
    assert places == sorted(set(places))
    assert all(0 < place <= len(text) for place in places)
    assert last_boundary(text, RULES, limit=len(text)) == (places[-1] if places else 0)


COMMANDS = st.one_of(
    st.tuples(st.just("text"), st.text(alphabet="ab. ", max_size=8), st.sampled_from([None, "c1", "c2"])),
    st.tuples(st.sampled_from(["flush", "clear", "eos", "finished"])),
)


@given(st.sampled_from(SegmentMode), st.sampled_from(ClearMode), st.lists(COMMANDS, max_size=30))
def test_one_synthesis_at_a_time_and_nothing_after_the_close(mode, clear, commands):
    buffer = SynthesisBuffer(SegmentRules(mode=mode, clear=clear, max_characters=20))
    speaking = closed = False
    for command in commands:
        if command[0] == "finished" and not speaking:
            continue
        match command:
            case ("text", text, context_id):
                effects = buffer.receive_text(text, context_id)
            case ("finished",):
                speaking = False
                effects = buffer.synthesis_finished()
            case (name,):
                effects = getattr(buffer, f"receive_{name}")()
        assert not (closed and effects)
        for effect in effects:
            assert not closed
            if isinstance(effect, Synthesize):
                assert not speaking
                assert 0 < len(effect.text) <= 20
                speaking = True
            closed = closed or isinstance(effect, Close | Refuse)
