"""What docs/barge-in.md says was measured is what the kept figures say, and which bars were missed."""

import json
import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "barge-in.md").read_text()
FIGURES = json.loads((DOCS / "benchmarks" / "barge-in.json").read_text())


def rows():
    table = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE[PAGE.index("## Measured") :], re.MULTILINE)
    return {what.strip(): measured for what, measured, _ in table}


def numbers(text):
    return [float(number) for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?= |,|$)", text)]


def test_the_page_names_every_bar_that_was_missed():
    assert FIGURES["concluded"]
    named = re.findall(r"^Bars that were missed: (.*?)\.(?: |$)", PAGE, re.MULTILINE)
    missed = {bar for bar, met in FIGURES["bars_met"].items() if not met}
    assert set(re.findall(r"`([^`]+)`", "".join(named))) == missed


def test_the_table_has_the_kept_figures():
    told = rows()
    onsets = FIGURES["onset_to_clear"]
    for what, name in [
        ("onset to `clear`, clean", "clean"),
        ("the same at 20 dB SNR", "20 dB"),
        ("the same at 10 dB SNR", "10 dB"),
        ("callers 20 dB quieter", "quiet"),
    ]:
        assert numbers(told[what]) == [onsets[name]["p50_ms"], onsets[name]["p95_ms"]]
    real = FIGURES["real_time"]
    assert numbers(told["real time: key to `clear`"]) == [real["key_to_clear_p50_ms"], real["key_to_clear_p95_ms"]]
    missed = told["missed, of 200 in each row above"]
    assert numbers(missed) == [each["missed"] for each in onsets.values()]


def test_the_table_has_the_figures_of_background_talk_and_of_other_speakers():
    told = rows()
    talk = FIGURES["background_talk"]
    for start, levels in [
        ("greetings with a crowd", talk["greetings"]),
        ("10 minutes of television", talk["television"]),
    ]:
        [measured] = [measured for what, measured in told.items() if what.startswith(start)]
        ended, pauses = measured.split(";")
        assert numbers(ended) == [each["committed"] for each in levels.values()]
        assert numbers(pauses) == [each["pauses"] for each in levels.values()]
    for name, each in talk["over_background"].items():
        assert numbers(told[f"{each['calls']} callers {name}"].replace(";", ","))[:3] == figures(each)
    for name, each in talk["other_speakers"].items():
        tuned_on = ", tuned on" if each["tuned_on"] else ""
        assert numbers(told[f"{each['calls']} recordings of {name}, clean{tuned_on}"]) == figures(each)


def figures(onsets):
    return [onsets[key] for key in ("p50_ms", "p95_ms", "missed")]


def test_every_setting_it_names_exists():
    config = (DOCS.parent / "config" / "telebridge.toml").read_text()
    keys = set(re.findall(r"`((?:pause|commit|resume|longest|pre_roll|grace)\w*)(?: = \w+)?`", PAGE)) - {"pause"}
    assert keys
    for key in keys:
        assert re.search(rf"^{key} = ", config, re.MULTILINE), key
