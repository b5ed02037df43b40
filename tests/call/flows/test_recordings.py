"""Recordings of flows are read once, and again when they have changed."""

import asyncio

import pytest
from aiohttp import web
from support.speech import serving
from support.virtual_time import virtually

from telebridge.audio import wav
from telebridge.audio.mulaw import silence
from telebridge.call.flows.http_client import FlowHttpClient
from telebridge.call.flows.recordings import KEPT_SECONDS, Recordings
from telebridge.call.flows.requests import ActionRunner
from telebridge.flows.steps import Done, LoadAudio


async def test_a_file_is_read_again_when_it_has_changed(tmp_path):
    file = tmp_path / "a.wav"
    wav.write(file, silence(20))
    recordings = Recordings(FlowHttpClient())
    first = await recordings.load(str(file))
    assert first == silence(20)
    assert await recordings.load(str(file)) is first
    wav.write(file, silence(40))
    assert await recordings.load(str(file)) == silence(40)


@virtually
async def test_an_address_is_asked_again_after_a_while():
    asked = []

    async def answer(request):
        asked.append(request.path)
        return web.Response(body=wav.mulaw_file(silence(20)), content_type="audio/wav")

    app = web.Application()
    app.router.add_get("/a.wav", answer)
    client = FlowHttpClient()
    recordings = Recordings(client)
    async with serving(app) as url:
        assert await recordings.load(f"{url}/a.wav") == await recordings.load(f"{url}/a.wav") == silence(20)
        assert len(asked) == 1
        await asyncio.sleep(KEPT_SECONDS + 1)
        await recordings.load(f"{url}/a.wav")
        assert len(asked) == 2
        actions = ActionRunner()
        done = await actions.run(LoadAudio(f"{url}/b.wav"))
        assert "answered 404" in done.problem
        await actions.aclose()
    await client.aclose()


@pytest.mark.parametrize(("content", "expected"), [(b"ID3\x04" + bytes(20), "is MP3"), (None, "cannot be read")])
async def test_what_cannot_be_played_is_a_problem_that_names_it(tmp_path, content, expected):
    file = tmp_path / "a.wav"
    if content is not None:
        file.write_bytes(content)
    done = await ActionRunner().run(LoadAudio(str(file)))
    assert isinstance(done, Done)
    assert f"'{file}' {expected}" in done.problem
