"""Every decoder takes its whole corpus: examples, and whatever `scripts/fuzz` found once."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.fuzzing import command
from support.fuzzing.decoders import DECODERS, Found, in_one_line
from support.fuzzing.mutations import mutated, words_of

from telebridge.errors import ConfigurationError

CORPUS = Path(__file__).parent / "corpus"
FILES = [pytest.param(file, id=f"{file.parent.name}/{file.name}") for file in sorted(CORPUS.glob("*/*"))]
LARGEST_BYTES = 300_000
MOST_SECONDS = 1.0
"""Of the processor; all of them together take less."""


@pytest.mark.parametrize("file", FILES)
def test_a_decoder_takes_its_corpus(file):
    began = time.process_time()
    DECODERS[file.parent.name](file.read_bytes())
    assert time.process_time() - began < MOST_SECONDS


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_takes_what_its_corpus_becomes(name):
    """A taste of what `scripts/fuzz` does for as long as it is told."""
    examples = [file.read_bytes() for file in sorted((CORPUS / name).iterdir()) if file.stat().st_size < 2000]
    words = words_of(examples)
    for seed in range(20):
        DECODERS[name](mutated(examples[seed % len(examples)], command.MOST_BYTES, seed, words))


def test_each_folder_is_of_a_decoder_and_each_decoder_has_one():
    assert {folder.name for folder in CORPUS.iterdir()} == set(DECODERS)


def test_the_corpus_is_small():
    assert sum(file.stat().st_size for file in CORPUS.glob("*/*")) < LARGEST_BYTES


@pytest.mark.parametrize("text", ["", "two\nlines", "\x1b[31m", "\ud83d", "\u2028", "x" * 5000])
def test_an_error_that_is_no_line_is_found(text):
    with pytest.raises(Found):
        in_one_line(type("Odd", (ConfigurationError,), {"__str__": lambda _: text})("a", "b"))


def test_what_is_found_is_made_smaller_and_kept(tmp_path, monkeypatch):
    def decoder(data):
        if b"bad" in data:
            raise Found("bad")

    monkeypatch.setitem(command.DECODERS, "twiml", decoder)
    monkeypatch.setattr(command, "CORPUS", tmp_path)
    (tmp_path / "twiml").mkdir()
    (tmp_path / "crash-1").write_bytes(b"x" * 500 + b"bad" + b"y" * 500)
    kept = command.keep("twiml", tmp_path / "crash-1")
    assert kept.read_bytes() == b"bad"
    assert kept.parent == tmp_path / "twiml"


@pytest.mark.parametrize(
    ("arguments", "line"), [(["nothing"], "no decoder 'nothing'"), (["--minutes", "0"], "--minutes is more than 0")]
)
def test_wrong_use_is_told_in_one_line(arguments, line, capsys):
    with pytest.raises(SystemExit) as ended:
        command.options(arguments)
    assert ended.value.code == 2
    assert line in capsys.readouterr().err


def test_the_help_names_every_decoder():
    shown = subprocess.run(
        [sys.executable, command.__file__, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert all(name in shown for name in DECODERS)
