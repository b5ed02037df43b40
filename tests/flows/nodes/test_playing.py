"""A recording is loaded, then played as often and as long as its node says."""

from pathlib import Path

import pytest
from support.flow_walk import SAID, flow_of

from telebridge.audio.mulaw import silence
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.steps import Done, HangUp, LoadAudio, Play, Said
from telebridge.turns.barge_in import BargeIn, BargeInCause, BargeInPolicy

SECOND = silence(1000)
CUT = Said(BargeIn(BargeInCause.KEY, "", 500.0, exact=False, stop_ms=0.0))


def walk(*results, folder="flows", **node):
    flow = flow_of(
        play={"play": "music.wav", "then": "bye", **node}, bye={"hang_up": None}, sorry={"hang_up": "Sorry."}
    )
    interpreter = FlowInterpreter(flow.in_folder(Path(folder)), {"name": "../../etc/x"})
    steps = [interpreter.start(), *(interpreter.resume(result) for result in results)]
    return interpreter, steps


def lengths(steps):
    return [len(step.audio) // 8 if isinstance(step, Play) else type(step).__name__ for step in steps]


def test_a_recording_is_loaded_from_the_folder_of_the_flow_and_played():
    _, steps = walk(Done(SECOND), SAID)
    assert steps == [LoadAudio("flows/music.wav"), Play(SECOND, "music.wav", None), HangUp()]


def test_it_is_played_so_many_times():
    assert lengths(walk(Done(SECOND), SAID, SAID, loop=2)[1]) == ["LoadAudio", 1000, 1000, "HangUp"]


def test_again_and_again_ends_with_the_time_in_the_middle_of_a_pass():
    _, steps = walk(Done(SECOND), SAID, SAID, SAID, loop=True, longest="2500ms", barge_in="none")
    assert lengths(steps) == ["LoadAudio", 1000, 1000, 500, "HangUp"]
    assert steps[1].barge_in is BargeInPolicy.NONE


def test_an_interruption_ends_all_passes():
    assert lengths(walk(Done(SECOND), CUT, loop=True)[1]) == ["LoadAudio", 1000, "HangUp"]


def test_one_that_cannot_be_loaded_leads_to_failed():
    assert walk(Done(problem="answered 404"), failed="sorry")[1][1].text == "Sorry."
    assert walk(Done(problem="answered 404"))[0].failure == "no node follows"


@pytest.mark.parametrize("folder", ["/srv/flows", "flows", ".", ".."])
@pytest.mark.parametrize("written", ["{{ name }}", "a/{{ name }}.wav", "../{{ name }}"])
def test_no_value_leads_out_of_the_folder(written, folder):
    assert "is not in the folder of the flow file" in walk(play=written, folder=folder)[0].failure


def test_another_process_plays_it_again_from_its_beginning():
    interpreter, _ = walk(Done(SECOND), SAID, loop=3)
    other, _ = walk(loop=3)
    assert isinstance(other.restore(interpreter.position), LoadAudio)
    assert lengths([other.resume(Done(SECOND)), other.resume(SAID), other.resume(SAID)]) == [1000, 1000, "HangUp"]
