"""Lists of contacts and numbers as people write them."""

import asyncio
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError
from support.campaigns import SteeredClock, memory_store, plan
from support.contact_lists import imported
from support.faults import fault
from support.flow_walk import flow_of
from typer.testing import CliRunner

from telebridge.call.flows.python.call import Call
from telebridge.campaigns.definition.loading import read_campaign
from telebridge.campaigns.definition.model import CampaignDefinition, ColumnTable
from telebridge.campaigns.dialing.start_checks import start_campaign
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.importing.drafting import country_of
from telebridge.campaigns.importing.filling import fill_campaign
from telebridge.campaigns.importing.number_list import Unreadable, read_lines
from telebridge.campaigns.importing.row import RejectedRow, layout_of, read_row
from telebridge.campaigns.reporting.words import call_words, words_of
from telebridge.cli import call
from telebridge.cli.campaign import try_campaign
from telebridge.cli.campaign.lists.do_not_call import do_not_call
from telebridge.cli.number import connecting
from telebridge.errors import CampaignRefused, ConfigurationError
from telebridge.flows.checking import mistakes
from telebridge.server.api.do_not_call import _e164
from telebridge.server.api.models import Destination, PhoneNumber
from telebridge.server.http.problems import Problem
from telebridge.settings.settings import Settings

CAMPAIGN = 'name = "c"\nflow = "f"\nkind = "informational"\nfrom = "+12125550100"\n'


def definition(**values):
    given = {"name": "c", "flow": "f", "kind": "informational", "from": "+12125550100", **values}
    return CampaignDefinition.model_validate(given)


def csv_row(written):
    layout = layout_of(["phone"], ColumnTable(), where="people.csv:1")
    read = read_row([written], layout, definition(), line=2)
    assert isinstance(read, RejectedRow)
    return read.reason


def caller_number(written):
    with pytest.raises(ConfigurationError) as refused:
        read_campaign(CAMPAIGN.replace("+12125550100", written), where="c.toml")
    return str(refused.value)


def api_number(written):
    for kind in (PhoneNumber, Destination):
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(written)
    with pytest.raises(Problem) as refused:
        _e164(written)
    return refused.value.detail


def transfer(written):
    flow = flow_of(a={"transfer": written, "failed": "b"}, b={"hang_up": None})
    return " ".join(mistake.problem for mistake in mistakes(flow))


def python_transfer(written):
    async def asked():
        with pytest.raises(ValueError, match="cannot be called") as refused:
            await Call.transfer(None, written)
        return str(refused.value)

    return asyncio.run(asked())


def setting(written):
    with pytest.raises(ValidationError) as refused:
        Settings(numbers={written: "f"})
    return str(refused.value)


def refused_by(read, *arguments):
    def entrance(written):
        with pytest.raises(ConfigurationError) as refused:
            read(written, *arguments)
        return str(refused.value)

    return entrance


ENTRANCES = {
    "CSV": csv_row,
    "from": caller_number,
    "API": api_number,
    "telebridge call": refused_by(call._dialled, "TO"),
    "campaign test": refused_by(try_campaign._e164),
    "number show": refused_by(connecting._e164, "NUMBER"),
    "transfer": transfer,
    "transfer of a Python flow": python_transfer,
    "numbers of the settings": setting,
}
WITHOUT_LETTERS = {"transfer", "transfer of a Python flow", "numbers of the settings"}
"""They take numbers in E.164 alone, and say so whatever else stands there."""


def command(written, tmp_path, monkeypatch):
    monkeypatch.setenv("TELEBRIDGE_STATE_DIR", str(tmp_path))
    done = CliRunner().invoke(do_not_call, ["add", written])
    assert isinstance(done.exception, ConfigurationError)
    assert not list(tmp_path.iterdir())
    return str(done.exception)


@fault(
    "A telephone number has letters, as `313-5550 mom` or `2125550126x`: in a CSV, a do-not-call list, the API, "
    "`from`, `transfer`, the settings, or a command.",
    caller="Nothing: no stranger is called, and no wrong number is put on a list.",
    operator="An error or a rejected row with the reason, which names the letters.",
    kept="Every character of a number that is accepted is a digit that was written, or punctuation.",
)
@pytest.mark.parametrize("entrance", [*ENTRANCES, "do-not-call add"])
@pytest.mark.parametrize("written", ["+1 313-5550 mom", "+1 212 555 0126x", "+1-800-FLOWERS"])
def test_a_number_with_letters_is_refused_with_the_reason(entrance, written, tmp_path, monkeypatch):
    adds = entrance == "do-not-call add"
    told = command(written, tmp_path, monkeypatch) if adds else ENTRANCES[entrance](written)
    assert written in told
    assert "letters (" in told or entrance in WITHOUT_LETTERS


@fault(
    "A list has national numbers that exist in several countries, as `06 12 34 56 78` does in France and in Germany.",
    caller="Nothing: nobody is called in a country that was guessed.",
    operator="`campaign init` leaves `default_country` empty and names the countries; `--from` or a `+` tells it.",
    kept="The country that the owner means.",
)
@pytest.mark.parametrize(
    ("numbers", "from_number", "country"),
    [
        (["06 12 34 56 78", "06 12 34 56 79"], "", ""),
        (["06 12 34 56 78", "06 12 34 56 79"], "+33123456789", "FR"),
        (["06 12 34 56 78", "+33 6 12 34 56 79"], "+12125550100", "FR"),
        (["212 555 0111", "212 555 0112", "212 555 01"], "", ""),
        (["212 555 0111", "212 555 0112", "212 555 01"], "+12125550100", "US"),
    ],
)
def test_a_country_is_not_guessed(numbers, from_number, country):
    assert country_of(numbers, from_number).country == country


@fault(
    "A line of a do-not-call list has letters, as `313-5550 mom`.",
    caller="Nothing: whoever has the number that the letters would make is still called.",
    operator="The line, with its number and the letters, among those that cannot be read.",
    kept="The other lines.",
)
def test_a_line_with_letters_bars_no_number(tmp_path):
    (tmp_path / "list.txt").write_text("+12125550123\n313-5550 mom\n")
    read = list(read_lines(tmp_path / "list.txt", country="US"))
    assert read[0] == "+12125550123"
    assert read[1] == Unreadable(2, "'313-5550 mom' has letters ('mom'): write the number alone")


@fault(
    "A spreadsheet leaves out empty cells at the end of a row, or fills a sheet up with rows of nothing but commas.",
    caller="The words of their row; what is missing is an empty text.",
    operator="The row is a contact; the import says how many rows were empty.",
    kept="Every row with content is a contact or a reject with its reason.",
)
async def test_short_rows_are_contacts_and_empty_ones_are_counted(tmp_path):
    taken = await imported(tmp_path, "phone,name,note\n+12125550111,Ada,x\n+12125550112,Ben\n+12125550113\n,,\n ,\n\n")
    assert (taken.done.rows, taken.done.added, taken.done.rejected, taken.done.empty) == (3, 3, 0, 3)
    assert taken.variables("+12125550113") == {"name": "", "note": ""}


@fault(
    "A row has more cells than the header, because a delimiter in a cell is not quoted (`…,Smith, Ada,Monday`).",
    caller="Nothing: nobody is called with the words of another column.",
    operator="The row is rejected, with how many cells it has.",
    kept="The row, in the file of rejects, as it stood.",
)
async def test_a_row_that_is_too_long_is_rejected(tmp_path):
    taken = await imported(tmp_path, "phone,name,day\n+12125550111,Smith, Ada,Monday\n+12125550112,Ben,Monday\n")
    assert list(taken.contacts) == ["+12125550112"]
    [reject] = taken.rejects
    assert reject["reason"] == "has 4 cells where the header has 3: is a delimiter in a cell not quoted?"


@fault(
    "Wrong data were imported, and the corrected list is imported again.",
    caller="Who was not called yet hears the corrected words (`--update`).",
    operator="How many contacts were updated, and how many stayed as they were.",
    kept="Contacts that were called, or are being called, stay as they are.",
)
async def test_corrected_data_are_what_is_said(tmp_path):
    async with memory_store(SteeredClock()) as store:
        campaign = await store.campaigns.create(plan(file=CAMPAIGN))
        path = tmp_path / "people.csv"
        for name, update in (("Adda", False), ("Ada", True)):
            path.write_text(f"phone,name\n+12125550111,{name}\n")
            done = await fill_campaign(
                store.contacts, campaign, path, rejects=tmp_path / "r.csv", update=update, workers=0
            )
        assert (done.added, done.duplicates, done.updated) == (0, 1, 1)
        assert (await store.contacts.find(campaign.id, "+12125550111")).variables == {"name": "Ada"}


REMINDER = flow_of(
    hello={"say": "Hello {{ name }}.", "then": "day"},
    day={"hang_up": "You have an appointment on {{ appointment }}."},
    variables={"name": "", "appointment": "soon"},
)


@fault(
    "The columns of a list are called otherwise than the variables of the flow: `NAME` or `First Name` where it says "
    "`{{ name }}` or `{{ first_name }}`.",
    caller="Their own name: case, blanks and `_` make no difference.",
    operator="The first three calls, word for word, at `preflight`, `create` and `start`.",
    kept="The words that were written for each person.",
)
@pytest.mark.parametrize("header", ["name,appointment", "Name,Appointment", "NAME, APPOINTMENT ", "na me,Appoint_ment"])
async def test_columns_fill_variables_without_regard_to_case_and_blanks(tmp_path, header):
    taken = await imported(tmp_path, f"phone,{header}\n+12125550111,Ada,Monday\n")
    call = call_words(REMINDER, "+12125550111", taken.variables("+12125550111"), from_number="+12125550100")
    assert [line.text for line in call.spoken] == ["Hello Ada.", "You have an appointment on Monday."]


@fault(
    "A variable of the flow is filled by no column, so that everybody would hear its default ('appointment on soon').",
    caller="Nothing before somebody has read the warning.",
    operator="`preflight`, `create` and `start` name the variable, what is said in its place, and the columns unused.",
    kept="No contact is used up.",
)
def test_variables_without_a_column_and_columns_without_a_text_are_named():
    words = words_of(REMINDER, ["Name", "Termin"], [], from_number="+12125550100")
    assert words.warnings == [
        "no column fills {{ appointment }}: everybody hears 'soon'",
        "no text uses the columns 'Termin'",
    ]


@fault(
    "A flow needs `{{ appointment }}` (`needs`), and a list has no such column, or a row has nothing in it.",
    caller="Nothing: they are not called with the wrong words.",
    operator="Without the column the list is refused, with the one that may be meant; a row is rejected with a reason.",
    kept="The row, in the file of rejects, as it stood.",
)
async def test_a_contact_without_what_the_flow_needs_is_rejected(tmp_path):
    content = "phone,Appointment\n+12125550111,Monday\n+12125550112, \n+12125550113\n"
    taken = await imported(tmp_path, content, needs=["appointment"])
    assert list(taken.contacts) == ["+12125550111"]
    assert {reject["reason"] for reject in taken.rejects} == {
        "has no {{ appointment }}, which the flow needs: its column 'Appointment' is empty"
    }
    with pytest.raises(ConfigurationError, match="has no column 'appointment', which the flow needs"):
        await imported(tmp_path, "phone,Termin\n+12125550111,Monday\n", needs=["appointment"])


@fault(
    "A flow is changed to need a variable after the contacts of a campaign were imported without it.",
    caller="Nothing: the campaign does not start.",
    operator="`start` is refused with the variable, and says to import the list once more with `--update`.",
    kept="No contact is used up.",
)
async def test_a_campaign_whose_contacts_lack_what_its_flow_needs_does_not_start(tmp_path):
    async with memory_store(SteeredClock()) as store:
        campaign = await store.campaigns.create(plan(file=CAMPAIGN))
        path = tmp_path / "people.csv"
        for header, needs in (("name", ()), ("Name,First Day", ("first_day",))):
            path.write_text(f"phone,{header}\n+12125550111,Ada,Monday\n" if needs else "phone,name\n+12125550111,Ada\n")
            await fill_campaign(
                store.contacts, campaign, path, rejects=tmp_path / "r.csv", needs=needs, update=True, workers=0
            )
            if not needs:
                with pytest.raises(CampaignRefused, match="has contacts without 'first_day', which its flow needs"):
                    await start_campaign(store, campaign, wallclock=datetime.now(UTC), needs=["first_day"])
        started = await start_campaign(store, campaign, wallclock=datetime.now(UTC), needs=["first_day"])
        assert started.status is CampaignStatus.RUNNING
