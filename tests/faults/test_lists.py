"""Lists of contacts and numbers as people write them."""

import pytest
from pydantic import TypeAdapter, ValidationError
from support.faults import fault
from support.flow_walk import flow_of
from typer.testing import CliRunner

from telebridge.campaigns.definition.loading import read_campaign
from telebridge.campaigns.definition.model import CampaignDefinition, ColumnTable
from telebridge.campaigns.importing.number_list import Unreadable, read_lines
from telebridge.campaigns.importing.row import RejectedRow, layout_of, read_row
from telebridge.cli.campaign.do_not_call import do_not_call
from telebridge.errors import ConfigurationError
from telebridge.flows.checking import mistakes
from telebridge.server.api.do_not_call import _e164
from telebridge.server.api.models import Destination, PhoneNumber
from telebridge.server.http.problems import Problem

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


def command(written, tmp_path, monkeypatch):
    monkeypatch.setenv("TELEBRIDGE_STATE_DIR", str(tmp_path))
    done = CliRunner().invoke(do_not_call, ["add", written])
    assert isinstance(done.exception, ConfigurationError)
    assert not list(tmp_path.iterdir())
    return str(done.exception)


LETTERS = fault(
    "A telephone number has letters, as `313-5550 mom` or `2125550126x`: in a CSV, a do-not-call list, the API, "
    "`from`, `transfer`, or a command.",
    caller="Nothing: no stranger is called, and no wrong number is put on a list.",
    operator="An error or a rejected row with the reason, which names the letters.",
    kept="Every character of a number that is accepted is a digit that was written, or punctuation.",
)


@LETTERS
@pytest.mark.parametrize("entrance", [csv_row, caller_number, api_number, transfer, command])
@pytest.mark.parametrize("written", ["313-5550 mom", "+1 212 555 0126x", "1-800-FLOWERS"])
def test_a_number_with_letters_is_refused_with_the_reason(entrance, written, tmp_path, monkeypatch):
    told = entrance(written, tmp_path, monkeypatch) if entrance is command else entrance(written)
    assert written in told
    assert "letters (" in told or entrance is transfer


@LETTERS
def test_a_line_with_letters_bars_no_number(tmp_path):
    (tmp_path / "list.txt").write_text("+12125550123\n313-5550 mom\n")
    read = list(read_lines(tmp_path / "list.txt", country="US"))
    assert read[0] == "+12125550123"
    assert read[1] == Unreadable(2, "'313-5550 mom' has letters ('mom'): write the number alone")
