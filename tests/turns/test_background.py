from telebridge.turns.voice_activity import HIGHEST_RMS, LOWEST_RMS, Background


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


def test_a_caller_who_speaks_does_not_count():
    background = Background()
    for _ in range(100):
        background.follow(20.0)
    for _ in range(100):
        background.follow(4000.0, speaking=True)
    assert background.rms < 25
