"""The page is one file that loads nothing and runs nothing, whatever contacts are called."""

from html.parser import HTMLParser

from support.campaigns import CHICAGO, NEW_YORK, at, plan
from support.report_rows import ANN, HOSTILE, attempt, row, summary

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.outcomes import Outcome
from telebridge.campaigns.reporting.outcome_words import OUTCOME_WORDS
from telebridge.campaigns.reporting.page import report_page
from telebridge.campaigns.reporting.summary import Prices

NO_PRICES = Prices()
NOW = at("2026-03-03T12:00:00")
LOADING = {"src", "href", "srcset", "data", "poster", "action", "xlink:href", "background"}


class Read(HTMLParser):
    """The elements, attributes and texts of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.texts = set(), set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def page(*rows, variables=("name",), prices=NO_PRICES, reason="", **fields):
    campaign = Campaign("c1", plan(name="spring"), reason=reason)
    return report_page(campaign, summary(*rows, prices=prices, **fields), list(variables), wallclock=NOW)


def test_the_page_has_totals_outcomes_costs_and_lists():
    talk = {"digits": "1", "result": {"answer": "yes"}, "seconds": 61}
    read = Read(page(row(attempt(talk=talk), variables={"name": "Ann"}), prices=Prices(0.5, 2.0)))
    for words in (
        "contacts 1 called 1 reached 1 calls 1 minutes 2 cost 4.50",
        "outcome contacts share answered by a person 1 100.0 %",
        "2026-03-02 1 1",
        "23:00 1 1",
        "answer: yes (1) number name keys called +12125550111 Ann 1 2026-03-02 23:30 EST",
        "0.5 each and 2.0 for each begun minute",
    ):
        assert words in read.text


def test_the_page_says_whose_clock_its_times_are_on():
    assert "local to the number that was called: all in America/New_York." in Read(page(row(attempt()))).text
    two = Read(page(row(attempt(), lane=NEW_YORK), row(attempt(), lane=CHICAGO))).text
    assert "local to the number that was called: America/New_York, America/Chicago." in two


def test_the_page_has_the_number_that_was_called_where_contacts_have_several():
    home = "+13125550111"
    read = Read(page(row(attempt(phone=home, talk={"digits": "1"}), lanes={ANN: NEW_YORK, home: CHICAGO})))
    assert f"number name number called keys called {ANN} {home} 1 2026-03-02 22:30 CST" in read.text


def test_without_prices_no_cost_is_given():
    read = Read(page(row(attempt())))
    assert "so no cost is given" in read.text
    assert "cost 0" not in read.text


def test_nothing_that_a_contact_or_a_caller_wrote_is_markup():
    plain = Read(page(row(attempt(talk={"digits": "1", "result": {"a": "b"}}), variables={"name": "Ann"})))
    for text in HOSTILE:
        written = page(
            row(attempt(talk={"digits": text, "result": {text: text}}), variables={text: text}, outcome=text),
            row(attempt(1, Outcome.OPTED_OUT), outcome="opted_out"),
            variables=[text],
            reason=text,
        )
        read = Read(written)
        assert (read.tags, read.attributes) == (plain.tags, plain.attributes), text
        assert " ".join(text.split()) in read.text


def test_the_page_loads_nothing():
    written = page(row(attempt()))
    read = Read(written)
    assert not read.attributes & LOADING
    assert not read.tags & {"script", "link", "iframe", "img", "object", "embed", "base", "form"}
    assert "default-src 'none'" in written
    assert not [word for word in ("url(", "@import", "://") if word in written]


def test_a_campaign_without_contacts_has_a_page():
    assert "Nobody has answered yet." in Read(page()).text


def test_what_is_not_on_the_page_is_counted_there():
    rows = [row(attempt(talk={"digits": "1"})) for _ in range(5)]
    assert "3 more are not on this page" in Read(page(*rows, most_rows=2)).text


def test_every_outcome_has_words():
    assert {outcome.value for outcome in Outcome} <= OUTCOME_WORDS.keys()
