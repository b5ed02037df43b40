"""A tunnel program that is installed is run, its address is read, and it ends with the bridge."""

import asyncio

import pytest
from support.tunnel_programs import CLOUDFLARED, FAILS, NGROK, SILENT, install

from telebridge.cli.number.tunnel import open_tunnel
from telebridge.errors import ConfigurationError, TelebridgeError


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A PATH with nothing but what a test installs, and `sleep`."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sleep").symlink_to("/bin/sleep")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


@pytest.mark.parametrize(
    ("name", "text", "address", "arguments"),
    [
        (
            "cloudflared",
            CLOUDFLARED,
            "https://quick-brown-fox.trycloudflare.com",
            "tunnel --no-autoupdate --url http://127.0.0.1:8080\n",
        ),
        ("ngrok", NGROK, "https://ab12.ngrok-free.app", "http 8080 --log stdout --log-format json\n"),
    ],
)
async def test_the_address_is_read_and_the_program_ended(programs, monkeypatch, name, text, address, arguments):
    program = install(programs, name, text)
    started = []
    start = asyncio.create_subprocess_exec

    async def recorded(*given, **more):
        started.append(await start(*given, **more))
        return started[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", recorded)
    async with open_tunnel(8080) as found:
        assert found == address
        assert started[0].returncode is None
    assert started[0].returncode is not None
    assert program.with_name(f"{name}.arguments").read_text() == arguments


async def test_without_a_program_it_is_told_which_to_install(programs):
    with pytest.raises(
        ConfigurationError, match="--tunnel: neither cloudflared nor ngrok is on the PATH; install clou"
    ):
        async with open_tunnel(8080):
            pass


async def test_what_a_program_says_when_it_fails_is_told(programs):
    install(programs, "ngrok", FAILS)
    with pytest.raises(TelebridgeError, match="ngrok ended with 3: ERR authentication failed: install an authtoken"):
        async with open_tunnel(8080):
            pass


async def test_a_program_without_an_address_is_not_waited_for_for_ever(programs):
    install(programs, "cloudflared", SILENT)
    with pytest.raises(TelebridgeError, match=r"cloudflared had no address after 0.1 s"):
        async with open_tunnel(8080, start_seconds=0.1):
            pass


async def test_a_tunnel_leads_to_a_port_that_is_known():
    with pytest.raises(ConfigurationError, match=r"--tunnel: .*; set server.port"):
        async with open_tunnel(0):
            pass
