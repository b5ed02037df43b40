"""A caller hears a recording of the flow's author, again and again until they press a key."""

from support.bridge import bridge
from support.virtual_time import virtually

from telebridge import Bridge
from telebridge.audio import wav
from telebridge.audio.tones import sine

FLOW = """
flow: test
start: hold
nodes:
  hold: {play: music.wav, loop: true, longest: 1m, barge_in: keys, then: ask}
  ask: {menu: "Press one.", choices: {1: bye}}
  bye: {hang_up: null}
"""


@virtually
async def test_hold_music_is_played_until_a_key_answers(tmp_path):
    (tmp_path / "flows").mkdir()
    wav.write(tmp_path / "flows" / "music.wav", sine(440, 1000))
    async with bridge(tmp_path, FLOW) as stack:
        _, record = await stack.call("listen 2500ms; press 1; listen 20s")
    texts = [(each.text, each.interruption and each.interruption.cause.value) for each in record.utterances]
    assert texts == [("music.wav", None), ("music.wav", None), ("music.wav", "key")]
    assert record.path == ["hold", "ask", "bye"]
    assert record.digits == ["1"], "the key that ended the music answers the question"


@virtually
async def test_a_flow_in_python_plays_a_file(tmp_path):
    wav.write(tmp_path / "music.wav", sine(440, 200))
    python, outcomes = Bridge(), []

    @python.flow("test")
    async def test(call):
        outcomes.append(await call.play_file(tmp_path / "music.wav", loop=2, barge_in="none"))
        try:
            await call.play_file("nowhere.wav")
        except ValueError as error:
            outcomes.append(str(error))

    async with bridge(tmp_path, None, python=python) as stack:
        _, record = await stack.call("silence 3s; hang up")
    assert outcomes == [None, "'nowhere.wav' cannot be read (No such file or directory)"]
    assert [each.text for each in record.utterances] == ["music.wav", "music.wav"]
