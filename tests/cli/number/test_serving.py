"""`telebridge serve --connect` has a number for as long as it runs."""

import pytest
from support.programs import Serving, failed, telebridge

from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN

pytestmark = pytest.mark.slow

NUMBER = "+15550002222"


def test_a_number_is_connected_while_the_bridge_runs_and_put_back_at_its_end(tmp_path):
    account = {"TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": AUTH_TOKEN}
    with Serving("simulator", "--port", "0") as twilio:
        public = "https://bridge.example.com"
        known = {**account, "TELEBRIDGE_PUBLIC_URL": public, "TELEBRIDGE_TWILIO__API_BASE_URL": twilio.url}
        known["TELEBRIDGE_STATE_DIR"] = str(tmp_path)
        with Serving("serve", "--port", "0", "--connect", NUMBER, **known) as serving:
            assert serving.process.stdout.readline() == f"{NUMBER} rings here: {public}/twilio/voice#rc=5&rp=all\n"
            shown = telebridge("number", "show", NUMBER, **known)
            assert shown.returncode == 0, shown.stderr
            assert f"POST {public}/twilio/voice#rc=5&rp=all" in shown.stdout
        after = telebridge("number", "show", NUMBER, **known)
        assert after.returncode == 1
        assert f"telebridge number connect {NUMBER}" in after.stdout
        listed = telebridge("number", "list", COLUMNS="80", **known)
        assert listed.stdout.splitlines()[1].split() == [NUMBER, "none"]


def test_options_that_do_not_go_together_are_refused(tmp_path):
    arguments = ("serve", "--workers", "1", "--tunnel")
    code, line = failed(telebridge(*arguments, TELEBRIDGE_STATE_DIR=str(tmp_path)))
    assert code == 2
    assert line == "telebridge: --tunnel: does not go with --workers; telebridge number connect sets it for good"
