"""`telebridge phone`: opens the page of a bridge that listens, or of one that it starts."""

import http.server
import threading

import pytest
from typer.testing import CliRunner

from telebridge.cli.demo import phone
from telebridge.cli.main import app


@pytest.fixture
def opened(monkeypatch):
    addresses = []
    monkeypatch.setattr(phone.webbrowser, "open", addresses.append)
    return addresses


def run(*arguments):
    return CliRunner().invoke(app, ["phone", *arguments])


class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_the_page_of_a_bridge_that_listens_is_opened(tmp_path, monkeypatch, opened):
    monkeypatch.chdir(tmp_path)
    with http.server.HTTPServer(("127.0.0.1", 0), Healthy) as bridge:
        threading.Thread(target=bridge.serve_forever, daemon=True).start()
        monkeypatch.setenv("TELEBRIDGE_SERVER__PORT", str(bridge.server_port))
        done = run("--flow", "reminder")
        bridge.shutdown()
    assert done.exit_code == 0
    assert opened == [f"http://127.0.0.1:{bridge.server_port}/phone?flow=reminder"]
    assert opened[0] in done.output


def test_otherwise_a_bridge_of_this_machine_alone_is_started(tmp_path, monkeypatch, opened):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEBRIDGE_SERVER__PORT", "1")
    monkeypatch.setenv("TELEBRIDGE_SERVER__HOST", "0.0.0.0")
    monkeypatch.setenv("TELEBRIDGE_PUBLIC_URL", "https://bridge.example.com")
    started = []
    monkeypatch.setattr(phone, "run_server", started.append)
    assert run("--no-open").exit_code == 0
    settings, *_ = started[0].args
    assert (settings.server.host, settings.public_url, opened) == ("127.0.0.1", "", [])


def test_without_pages_there_is_no_phone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEBRIDGE_PAGES__ENABLED", "false")
    assert isinstance(run().exception, phone.ConfigurationError)
