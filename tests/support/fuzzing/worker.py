"""One decoder under Atheris, until its time is over or something is found; started by `scripts/fuzz`.

Arguments: the decoder, the folder of its kept corpus, then those of libFuzzer. The environment needs Atheris.
"""

import random
import sys
import time
import warnings
from pathlib import Path

import atheris

warnings.simplefilter("ignore")  # audioop announces that it leaves the standard library
sys.path.insert(0, str(Path(__file__).parents[2]))

with atheris.instrument_imports(include=["telebridge", "tomllib", "wave"]):
    from support.fuzzing.decoders import DECODERS, Found
    from support.fuzzing.mutations import mutated, words_of

MOST_CPU_SECONDS = 2.0
"""For one input; under Atheris everything takes several times as long as in a test."""
OF_THE_BYTES = 0.4
"""The share of mutations that know nothing of the format."""


def main(arguments: list[str]) -> None:
    program, name, corpus, *further = arguments
    decoder = DECODERS[name]
    words = words_of([file.read_bytes() for file in sorted(Path(corpus).iterdir())])

    def once(data: bytes) -> None:
        began = time.process_time()
        decoder(data)
        took = time.process_time() - began
        if took > MOST_CPU_SECONDS:
            raise Found(f"took {took:.1f} s of the processor for {len(data)} bytes")

    def mutate(data: bytes, longest: int, seed: int) -> bytes:
        if random.Random(seed).random() < OF_THE_BYTES:
            return atheris.Mutate(data, longest)
        return mutated(data, longest, seed, words)

    atheris.Setup([program, *further], once, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
