"""What a command imports: what it does not need would take most of its time."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = {"aiohttp", "alembic", "holidays", "numpy", "phonenumbers", "pydantic", "rich", "sqlalchemy"}
"""Packages that take long to import."""


def imported(code, **environment):
    """The modules that a program imports."""
    told = "import json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{told}"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_list_of_commands_imports_nothing_heavy():
    modules = imported("from telebridge.cli.main import app; app(['--help'], standalone_mode=False)")
    assert not modules & HEAVY
    assert not {name for name in modules if name.startswith("telebridge.") and "cli" not in name} - {
        "telebridge.errors"
    }


@pytest.mark.slow
def test_the_state_of_a_campaign_is_shown_without_the_bridge():
    modules = imported("import telebridge.cli.campaign.campaign")
    assert not modules & (HEAVY - {"holidays", "pydantic", "rich", "sqlalchemy"}), "holidays: when it opens again"
    assert not {name for name in modules if name.startswith(("telebridge.call", "telebridge.server"))}


SERVED = """
import asyncio
from aiohttp import web
from telebridge.app.bridge import create_app
from telebridge.cli import serve
from telebridge.settings.loading import load_settings

async def run():
    runner = web.AppRunner(create_app(load_settings()))
    await runner.setup()
    await runner.cleanup()

asyncio.run(run())
"""


@pytest.mark.slow
def test_a_bridge_without_campaigns_starts_without_what_only_they_need(tmp_path):
    (tmp_path / "hello.yaml").write_text("flow: hello\nstart: hi\nnodes:\n  hi: {hang_up: Hello.}\n")
    environment = {
        "TELEBRIDGE_STATE_DIR": str(tmp_path),
        "TELEBRIDGE_FLOWS_DIR": str(tmp_path),
        "TELEBRIDGE_DEFAULT_FLOW": "hello",
        "TELEBRIDGE_RIME__URL": "ws://127.0.0.1:9",
    }
    imported(SERVED, **environment)  # makes the database
    modules = imported(SERVED, **environment)
    unneeded = {"alembic", "holidays", "phonenumbers", "requests", "twilio.rest", "sqlalchemy.orm", "asyncpg"}
    unneeded |= {"telebridge.speech_server.server", "sqlalchemy.dialects.postgresql", "telebridge.simulator"}
    assert not modules & unneeded
