"""Rime's own sample program runs against the local Rime and gets a file that can be played."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from support.speech import local_rime

from telebridge.speech_server.voices.tone import ToneVoice

SAMPLE = Path(__file__).parent.parent / "data" / "speech_server" / "websocket_sample.py"


async def test_rimes_sample_program_gets_a_playable_file(tmp_path):
    soundfile = pytest.importorskip("soundfile", reason="telebridge[voice] is not installed")
    file = tmp_path / "sample.mp3"
    async with local_rime(voice=ToneVoice()) as url:
        environment = {**os.environ, "RIME_API_KEY": "key", "NO_PROXY": "127.0.0.1"}
        program = await asyncio.create_subprocess_exec(sys.executable, SAMPLE, url, file, env=environment)
        async with asyncio.timeout(30):
            assert await program.wait() == 0
    samples, rate = soundfile.read(file)
    assert rate == 24000
    assert len(samples) / rate > 2
    assert abs(samples).max() > 0.1
