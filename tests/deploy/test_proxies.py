"""The configurations of nginx and Caddy pass on what the bridge needs: its headers, and WebSockets."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientConnectionError, ClientSession, TCPConnector, web
from aiohttp.test_utils import TestServer
from support.deployment import DEPLOY
from support.nginx import nginx_program

NGINX = (DEPLOY / "nginx" / "telebridge.conf").read_text()
CADDY = (DEPLOY / "compose" / "Caddyfile").read_text()
HOST = "bridge.example.com"
MAIN = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  include {folder}/telebridge.conf;
}}
"""
FORGED = {
    "X-Forwarded-For": "9.9.9.9",
    "X-Forwarded-Prefix": "/forged",
    "X-Forwarded-Port": "1",
    "Forwarded": "for=9.9.9.9",
}


async def echo(request):
    """Answer with the headers that came; a WebSocket with what is sent over it."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return web.json_response(dict(request.headers))
    line = web.WebSocketResponse()
    await line.prepare(request)
    async for message in line:
        await line.send_str(message.data)
    return line


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@asynccontextmanager
async def behind(command, address, **environment):
    """A client of a proxy in front of the echo, once it answers."""
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = await asyncio.create_subprocess_exec(*command, **silent, **environment)
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    try:
        async with ClientSession(address, connector=TCPConnector(ssl=unchecked), headers={"Host": HOST}) as client:
            async with asyncio.timeout(10):
                while True:
                    try:
                        await client.get("/")
                        break
                    except ClientConnectionError:
                        await asyncio.sleep(0.02)
            yield client
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def echoing():
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", echo)
    async with TestServer(app) as server:
        yield server.port


async def assert_a_websocket_passes(client):
    async with client.ws_connect("/twilio/media/token") as line:
        await line.send_str("media")
        assert await line.receive_str(timeout=5) == "media"


@pytest.mark.skipif(nginx_program() is None, reason="nginx is not installed (Debian: nginx-light)")
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed, which makes a certificate")
async def test_nginx_tells_what_was_dialled_and_passes_websockets_on(tmp_path):
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", tmp_path / "privkey.pem"]
    made = ["openssl", "req", "-x509", "-nodes", *key, "-out", tmp_path / "fullchain.pem", "-subj", f"/CN={HOST}"]
    await asyncio.to_thread(subprocess.run, made, check=True, capture_output=True)
    async with echoing() as bridge:
        plain, tls = free_ports(2)
        site = NGINX.replace(f"/etc/letsencrypt/live/{HOST}", str(tmp_path)).replace(
            "127.0.0.1:8080", f"127.0.0.1:{bridge}"
        )
        for listed in ("    listen [::]:80;\n", "    listen [::]:443 ssl;\n"):
            assert listed in site
            site = site.replace(listed, "")
        site = site.replace("listen 80;", f"listen 127.0.0.1:{plain};").replace(
            "listen 443 ", f"listen 127.0.0.1:{tls} "
        )
        (tmp_path / "telebridge.conf").write_text(site)
        (tmp_path / "nginx.conf").write_text(MAIN.format(folder=tmp_path))
        command = [nginx_program(), "-c", tmp_path / "nginx.conf", "-p", tmp_path]
        async with behind(command, f"https://127.0.0.1:{tls}") as client:
            headers = await (await client.get("/twilio/voice", headers=FORGED)).json()
            await assert_a_websocket_passes(client)
    assert (headers["Host"], headers["X-Forwarded-Host"]) == (HOST, HOST)
    assert (headers["X-Forwarded-Proto"], headers["X-Forwarded-For"]) == ("https", "127.0.0.1")
    assert set(headers) & FORGED.keys() == {"X-Forwarded-For"}


@pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed (Debian: caddy)")
async def test_caddy_tells_what_was_dialled_and_passes_websockets_on(tmp_path):
    async with echoing() as bridge:
        [port] = free_ports(1)
        own = CADDY.replace("telebridge:8080", f"127.0.0.1:{bridge}").replace("\tgrace", "\tadmin off\n\tgrace", 1)
        (tmp_path / "Caddyfile").write_text(own)
        command = [shutil.which("caddy"), "run", "--config", tmp_path / "Caddyfile", "--adapter", "caddyfile"]
        variables = {"DOMAIN": f"http://{HOST}:{port}", "HOME": str(tmp_path)}
        async with behind(command, f"http://127.0.0.1:{port}", env=variables) as client:
            headers = await (await client.get("/twilio/voice", headers=FORGED)).json()
            await assert_a_websocket_passes(client)
    assert headers["X-Forwarded-Host"] == HOST
    assert (headers["X-Forwarded-Proto"], headers["X-Forwarded-For"]) == ("http", "127.0.0.1")
    assert set(headers) & FORGED.keys() == {"X-Forwarded-For"}
