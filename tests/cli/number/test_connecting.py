"""Numbers are listed, connected and put back over Twilio's API, and the doctor looks at them."""

import json

import pytest
from support.speech import serving

from telebridge.app.twilio import open_twilio
from telebridge.cli.number.checks import number_findings, public_address, state_folder, twilio
from telebridge.cli.number.connecting import address_problem, connect, connected, find_number
from telebridge.cli.number.number import _as_json
from telebridge.errors import ConfigurationError
from telebridge.settings.sections import TwilioSettings
from telebridge.settings.settings import Settings
from telebridge.simulator.server import SIMULATOR, create_app
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN, SimulatorOptions
from telebridge.twilio.numbers import NumberWebhooks

ONE, TWO = "+15550002222", "+15550003333"
PUBLIC = "https://bridge.example.com"
HERE = f"{PUBLIC}/twilio/voice#rc=5&rp=all"


class Twilio:
    """A local Twilio with two numbers, and settings that lead to it."""

    def __init__(self, **options):
        self.app = create_app(SimulatorOptions(owned_numbers=frozenset({ONE, TWO}), **options))
        self.serving = serving(self.app)

    async def __aenter__(self):
        url = await self.serving.__aenter__()
        account = TwilioSettings(account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, api_base_url=url)
        self.settings = Settings(public_url=PUBLIC, twilio=account)
        return self

    async def __aexit__(self, *error):
        await self.serving.__aexit__(*error)

    def at_twilio(self, number):
        return self.app[SIMULATOR].books.numbers.of(number)


async def test_the_numbers_of_the_account_are_listed():
    async with Twilio() as local, open_twilio(local.settings.twilio) as asked:
        assert [one.number for one in await asked.numbers()] == [ONE, TWO]
        assert [one.number for one in await asked.numbers(TWO)] == [TWO]


async def test_a_number_is_connected_and_read_back():
    async with Twilio() as local:
        local.at_twilio(ONE).values |= {"voice_application_sid": "AP1", "voice_method": "GET"}
        before, after = await connect(local.settings, ONE)
        assert (before.webhooks.voice_url, before.webhooks.voice_application_sid) == ("", "AP1")
        assert after.webhooks == NumberWebhooks(HERE, "POST", f"{PUBLIC}/twilio/status", "POST")
        assert local.at_twilio(ONE).as_json()["voice_url"] == HERE
        assert _as_json(after, local.settings)["here"]
        assert json.dumps(_as_json(after, local.settings))


async def test_a_flow_is_named_in_the_webhook():
    async with Twilio() as local:
        _, after = await connect(local.settings, ONE, "desk")
        assert after.webhooks.voice_url == f"{PUBLIC}/twilio/voice/desk#rc=5&rp=all"
        assert after.webhooks.leads_to(PUBLIC)
        assert not after.webhooks.leads_to("https://bridge.example.co")


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("5550002222", "NUMBER: '5550002222' is no number in E.164; write it as '+5550002222'"),
        ("desk", "NUMBER: 'desk' is no number in E.164; write it as '+15551230000'"),
        ("+15559999999", f"NUMBER: the account has no number '+15559999999'; it has {ONE}, {TWO}"),
    ],
)
async def test_a_number_that_is_not_there_is_told(named, told):
    async with Twilio() as local, open_twilio(local.settings.twilio) as asked:
        with pytest.raises(ConfigurationError) as raised:
            await find_number(asked, named)
        assert str(raised.value) == told
        assert (await find_number(asked, "+1 555 000 2222")).number == ONE


async def test_what_was_there_before_is_put_back():
    said = []
    async with Twilio() as local:
        local.at_twilio(ONE).values |= {"voice_url": "https://old.example.com/", "status_callback": ""}
        async with connected(local.settings, ONE, said.append):
            assert local.at_twilio(ONE).as_json()["voice_url"] == HERE
        assert local.at_twilio(ONE).as_json()["voice_url"] == "https://old.example.com/"
        assert local.at_twilio(ONE).as_json()["status_callback"] == ""
    assert said == [f"{ONE} rings here: {HERE}", f"{ONE} is as it was before: https://old.example.com/"]


async def test_what_somebody_else_has_set_meanwhile_is_left():
    said = []
    async with Twilio() as local:
        async with connected(local.settings, ONE, said.append):
            local.at_twilio(ONE).values["voice_url"] = "https://theirs.example.com/"
        assert local.at_twilio(ONE).as_json()["voice_url"] == "https://theirs.example.com/"
    assert "changed by somebody else" in said[-1]


async def test_a_number_that_cannot_be_put_back_is_told_with_what_it_was():
    said = []
    local = Twilio()
    async with local:
        local.at_twilio(ONE).values["voice_url"] = "https://old.example.com/"
        connection = connected(local.settings, ONE, said.append)
        await connection.__aenter__()
    await connection.__aexit__(None, None, None)
    assert "could not be put back" in said[-1]
    assert said[-1].endswith("its voice webhook was: https://old.example.com/")


@pytest.mark.parametrize(
    ("address", "problem", "remedy"),
    [
        ("", "is not set", "set it, or serve with --tunnel"),
        ("http://bridge.example.com", "is not https", "write 'https://bridge.example.com'"),
        ("https://localhost:8080", "Twilio cannot reach", "serve with --tunnel"),
        ("https://192.168.1.7", "Twilio cannot reach", "serve with --tunnel"),
        ("https://b.example.com/twilio/voice", "ends with a webhook", "write 'https://b.example.com'"),
        ("https://b.example.com/x/twilio/status", "ends with a webhook", "write 'https://b.example.com/x'"),
    ],
)
def test_an_address_that_twilio_cannot_dial_is_told(address, problem, remedy):
    told, todo = address_problem(address)
    assert problem in told
    assert remedy in todo
    assert public_address(Settings(public_url=address)).state == ("fail" if address else "note")


@pytest.mark.parametrize("address", [PUBLIC, "https://b.example.com/base", "https://8.8.8.8"])
def test_an_address_that_it_can_dial_is_ok(address):
    assert address_problem(address) is None
    assert public_address(Settings(public_url=address)).state == "ok"


def test_the_state_folder_is_looked_at(tmp_path):
    assert state_folder(Settings(state_dir=tmp_path)).state == "ok"
    assert state_folder(Settings(state_dir=tmp_path / "a" / "b")).told.endswith("will be made")
    (tmp_path / "file").write_text("")
    found = state_folder(Settings(state_dir=tmp_path / "file" / "var"))
    assert (found.state, found.remedy) == ("fail", "choose another folder")


async def test_the_doctor_sees_what_twilio_has():
    async with Twilio(trial=True) as local:
        await connect(local.settings, ONE)
        found = {each.what: each for each in [finding async for finding in twilio(local.settings)]}
    assert (found["twilio"].state, found[ONE].state, found[TWO].state) == ("note", "ok", "note")
    assert "trial account" in found["twilio"].told
    assert found[TWO].remedy == f"telebridge number connect {TWO}"


async def test_the_doctor_compares_the_settings_with_the_account():
    async with Twilio() as local:
        settings = local.settings.model_copy(update={"numbers": {TWO: "desk", "+15554444444": "desk"}})
        local.at_twilio(ONE).values |= {"voice_url": f"{PUBLIC}/twilio/voice", "voice_method": "GET"}
        async with open_twilio(settings.twilio) as asked:
            found = {each.what: each for each in number_findings(settings, await asked.numbers())}
    assert (found[ONE].state, found[TWO].state, found["numbers.+15554444444"].state) == ("note", "fail", "note")
    for lacks in ("voice_method is 'GET' and not 'POST'", "status_callback is 'empty'", "does not ask again"):
        assert lacks in found[ONE].told


async def test_a_wrong_key_is_told_with_the_settings_to_look_at():
    async with Twilio() as local:
        account = local.settings.twilio.model_copy(update={"auth_token": "wrong"})
        [found] = [each async for each in twilio(local.settings.model_copy(update={"twilio": account}))]
    assert (found.state, found.remedy) == ("fail", "look at twilio.account_sid and twilio.auth_token")
