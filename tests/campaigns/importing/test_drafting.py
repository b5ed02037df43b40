"""A campaign file from the columns of a CSV."""

import tomllib

import pytest
from support.flow_walk import flow_of

from telebridge.campaigns.definition.loading import read_campaign
from telebridge.campaigns.importing.drafting import draft_campaign, sample_list
from telebridge.errors import ConfigurationError

FLOW = flow_of(
    a={"say": "Hello {{ first_name }}, see you {{ day }}. {{ company }}", "then": "b"},
    b={"hang_up": None},
    variables={"first_name": "", "company": "Acme", "day": ""},
).model_copy(update={"needs": ("day",)})


@pytest.fixture
def draft(tmp_path):
    def drafted(content, flow=FLOW, **options):
        path = tmp_path / "people.csv"
        path.write_text(content)
        given = {"name": "people", "flow_name": "reminder", "from_number": "+12125550100", **options}
        return draft_campaign(sample_list(path), flow, **given)

    return drafted


def test_the_columns_of_a_list_become_a_campaign_that_loads(draft):
    text = draft("First Name;Mobile;ZIP;Time zone;Notes\nAda;212 555 0111;10001;America/New_York;x\n")
    campaign = read_campaign(text, where="people.toml")
    assert (campaign.name, campaign.flow, campaign.default_country) == ("people", "reminder", "US")
    assert campaign.columns.fields["phone"] == "Mobile"
    assert campaign.columns.fields["postal_code"] == "ZIP"
    assert campaign.columns.fields["zone"] == "Time zone"
    assert campaign.columns.variables == {"first_name": "First Name"}
    assert '# day = ""   # the flow needs {{ day }}: which column has it?' in text
    assert "# no column fills {{ company }}: everybody hears 'Acme'" in text
    assert "# no text uses the columns 'Notes'" in text


def test_the_country_is_found_out_from_the_numbers(draft):
    text = draft("Name,Telefon,PLZ\nAda,030 1234567,10115\nBen,089/123456,80331\n", None)
    told = tomllib.loads(text)
    assert told["default_country"] == "DE"
    assert told["columns"] == {"phone": "Telefon"}, "postal codes are known of the United States and Canada alone"
    assert "2 of the first 2 can be called" in text


def test_the_column_of_numbers_is_found_by_what_stands_in_it(draft):
    assert tomllib.loads(draft("a,b,Phone\nx,+12125550111,ask\ny,+12125550112,\n"))["columns"]["phone"] == "b"
    assert tomllib.loads(draft("a,Handy\nx,\n"))["columns"]["phone"] == "Handy"
    with pytest.raises(ConfigurationError, match="no column holds telephone numbers; it has a, b"):
        draft("a,b\nx,y\n")


def test_what_is_not_known_is_left_open(draft):
    text = draft('"the ""phone""",phone\nx,+12125550111\n', name="May & June: été", from_number="")
    told = tomllib.loads(text)
    assert (told["name"], told["from"]) == ("May-June-été", "")
    with pytest.raises(
        ConfigurationError, match=r"people\.toml:5: from: is empty; write a number of your Twilio account"
    ):
        read_campaign(text, where="people.toml")
