from hypothesis import given
from hypothesis import strategies as st

from telebridge.turns.background import HIGHEST_RMS, LOWEST_RMS, Background


def followed(levels):
    background = Background()
    for level in levels:
        background.follow(level)
    return background.rms


def test_a_quiet_line_has_no_background():
    assert followed([0.0] * 500) == LOWEST_RMS


def test_a_steady_noise_is_known_within_a_second():
    assert 250 < followed([300.0] * 50) <= 320


def test_nine_frames_of_ten_are_below_it():
    varying = [100.0 + 10 * (number * 7 % 50) for number in range(1000)]
    assert 480 < followed(varying) < 620


def test_it_falls_again_when_the_noise_is_over():
    assert followed([2000.0] * 200 + [10.0] * 1000) < 200


def test_it_never_rises_above_a_caller():
    assert followed([20_000.0] * 5000) <= HIGHEST_RMS


def test_the_first_frames_are_the_background_whatever_they_are():
    background = Background()
    for _ in range(14):
        background.follow(1000.0)
    assert 900 < background.rms <= 1000
    assert not background.known
    background.follow(1000.0)
    assert background.known


def test_a_voice_that_does_not_take_the_floor_raises_it_slowly():
    background = Background()
    for _ in range(100):
        background.follow(20.0)
    for _ in range(100):
        background.follow(4000.0, step=1.005)
    assert 30 < background.rms < 35


def test_its_peaks_are_remembered_for_longer_than_its_usual_level():
    background = Background()
    for number in range(500):
        background.follow(1000.0 if number % 25 == 0 else 200.0)
    assert background.peak > 2 * background.rms


def test_a_hello_from_the_first_sample_on_is_forgotten_when_it_is_over():
    assert followed([3000.0] * 30 + [20.0] * 30) == 20.0


def test_a_background_that_was_there_for_long_is_not_forgotten_when_it_catches_its_breath():
    assert followed([3000.0] * 600 + [20.0] * 190) > 1500
    assert followed([3000.0] * 600 + [20.0] * 210) < 100


def test_the_longer_it_was_there_in_a_call_the_longer_a_silence_makes_it_forgotten():
    """Also where it was forgotten before."""
    assert followed([3000.0] * 100 + [20.0] * 60) > 2000
    assert followed([3000.0] * 100 + [20.0] * 70) < 100
    assert followed([3000.0] * 100 + [20.0] * 70 + [3000.0] * 100 + [20.0] * 110) > 1500


@given(st.lists(st.floats(min_value=0, max_value=32_768), max_size=300))
def test_no_level_is_out_of_bounds(levels):
    background = Background()
    for level in levels:
        background.follow(level)
        assert LOWEST_RMS <= background.rms <= background.peak <= HIGHEST_RMS
        assert not (background.silent and background.rms > LOWEST_RMS)


@given(st.floats(min_value=0, max_value=32_768), st.floats(min_value=0, max_value=32_768))
def test_what_was_taken_for_the_caller_can_be_added_to_it(before, level):
    background = Background()
    for _ in range(30):
        background.follow(before)
    background.rise_to(level)
    assert background.rms >= min(level, HIGHEST_RMS)
