"""A campaign file from the columns of a CSV."""

import tomllib

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType
from support.flow_walk import flow_of

from telebridge.campaigns.definition.loading import read_campaign
from telebridge.campaigns.importing.drafting import COUNTRIES, country_of, draft_campaign, sample_list
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


GERMAN = "Name,Telefon,PLZ\nAda,030 1234567,10115\nBen,089/123456,80331\n"


def test_the_country_is_the_one_of_the_number_that_calls(draft):
    text = draft(GERMAN, None, from_number="+493012345678")
    told = tomllib.loads(text)
    assert told["default_country"] == "DE"
    assert told["columns"] == {"phone": "Telefon"}, "postal codes are known of the United States and Canada alone"
    assert "as `from` is; 2 of the first 2 can be called;" in text.replace("\n#", "")


def test_numbers_with_a_plus_tell_the_country_of_those_without(draft):
    text = draft(GERMAN + "Eve,+49 30 1234568,10115\n", None, from_number="")
    assert tomllib.loads(text)["default_country"] == "DE"
    assert "without + are, as most with + are; 3 of the first 3" in text


def test_numbers_of_one_country_alone_tell_it(draft):
    text = draft("phone\n(11) 96123-4567\n(11) 96123-4568\n", None, from_number="")
    assert '# Whose numbers those without + are; 2 of the first 2 can be called.\ndefault_country = "BR"\n' in text


@pytest.mark.slow
@pytest.mark.parametrize("region", COUNTRIES)
@pytest.mark.parametrize("kind", [PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE])
def test_no_country_is_told_that_the_numbers_do_not_tell(region, kind):
    number = phonenumbers.example_number_for_type(region, kind)
    assert number is not None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    for misspelt in ((), (written[:-4],)):  # one of eleven
        told = country_of([written] * 10 + list(misspelt))
        assert region == told.country or (not told.country and region in told.others)
    assert (
        country_of([written], phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)).country == region
    )


def test_a_country_that_nothing_tells_must_be_written_down(draft):
    text = draft("phone\n2125550111\n2125550112\n", None, from_number="")
    assert "# Whose numbers are those without +? These exist in US, DE, IN, BR alike.\n" in text
    written = text.replace('from = ""', 'from = "+12125550100"')
    with pytest.raises(ConfigurationError, match=r"people\.toml:8: default_country: '' is no country; write whose"):
        read_campaign(written, where="people.toml")


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
        ConfigurationError, match=r"people\.toml:6: from: is empty; write a number of your Twilio account"
    ):
        read_campaign(text, where="people.toml")
