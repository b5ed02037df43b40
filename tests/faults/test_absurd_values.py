"""Files, bodies and addresses that no author would write"""

import time
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.api import api
from support.faults import fault
from yarl import URL

from telebridge.campaigns.definition.loading import read_campaign
from telebridge.database.engine import open_database
from telebridge.errors import ConfigurationError
from telebridge.flows.loading import check_flow
from telebridge.flows.templates import TemplateProblem, filled_address, names_in, rendered

CAMPAIGN = 'name = "c"\nflow = "reminder"\nkind = "informational"\nfrom = "+12125550100"\n'
FLOW = "flow: test\nstart: a\nnodes:\n  a: {{say: {text}, then: b}}\n  b: {{hang_up: null}}\n"
QUICK_SECONDS = 5.0
BOMB = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
AUTHORED = "the author of the file or the client gets one error, with its place"


@fault(
    "A campaign file asks for a delay or a nesting that no machine holds.",
    caller="Nothing: no campaign is made.",
    operator=f"422, or exit code 2: {AUTHORED}.",
    kept="The campaigns that run.",
)
@pytest.mark.parametrize(
    "text",
    [
        CAMPAIGN + '[retry]\nbusy = ["99999999999d"]\n',
        CAMPAIGN + f'[retry]\nbusy = ["{"9" * 5000}d"]\n',
        CAMPAIGN + "caps = [{attempts = 1, within = '99999999999d'}]\n",
        CAMPAIGN + f"max_live = {'9' * 5000}\n",
        CAMPAIGN + f"price_per_call = 1e{'9' * 50}\nprice_per_minute = -1\n",
        CAMPAIGN + "window = " + "{a = " * 400 + "1" + "}" * 400,
        CAMPAIGN + "window = " + "[" * 5000 + "]" * 5000,
    ],
)
def test_an_absurd_campaign_file_is_one_clear_error(text):
    began = time.process_time()
    with pytest.raises(ConfigurationError):
        read_campaign(text, where="file")
    assert time.process_time() - began < QUICK_SECONDS


@fault(
    "A body of the API is nested 400 times, or a number in it has thousands of digits.",
    caller="Nothing.",
    operator="400 or 422 with a problem document; nothing in the log.",
    kept="The other requests.",
)
@pytest.mark.parametrize(
    "body", ['{"a":' * 400 + "1" + "}" * 400, '{"to":' + "[" * 30000, '{"timeout":1' + "0" * 5000 + "}"]
)
async def test_an_absurd_body_is_one_clear_problem(body):
    async with api() as client:
        headers = {"Content-Type": "application/json"}
        await client.ask("POST", "/api/calls", status=400, data=body, headers=headers)
        campaign = '{"file": "name = \\"c\\"\\n[retry]\\nbusy = [\\"99999999999d\\"]\\n"}'
        await client.ask("POST", "/api/campaigns", status=422, data=campaign, headers=headers)


@fault(
    "A flow file repeats itself by aliases until it has billions of values, or is nested without end.",
    caller="Nothing: the last good version stays in service.",
    operator=f"`flow check` ends at once: {AUTHORED}.",
    kept="The flows in service.",
)
@pytest.mark.parametrize(
    "text",
    [
        "flow: test\nstart: a\na0: &a0 [x, x, x]\n" + BOMB + "nodes: {a: {say: *a11}}\n",
        "flow: test\nstart: a\nvariables: &v {v: *v}\nnodes: {a: {hang_up: null}}\n",
        "flow: test\nstart: a\nnodes: " + "{a: " * 400 + "1" + "}" * 400,
        "flow: test\nstart: a\nvariables: {v: " + "[" * 400 + "]" * 400 + "}\nnodes: {a: {hang_up: null}}\n",
        "flow: test\nstart: a\nnodes: {a: {wait: 1" + "0" * 400 + ", then: b}, b: {hang_up: null}}\n",
        "flow: test\nstart: a\nnodes: {a: {wait: 9999999999999999999999m, then: b}, b: {hang_up: null}}\n",
        FLOW.format(text="'" + "{{ (" * 400 + "1" + ") }}" * 400 + "'"),
        FLOW.format(text="'{{ " + "(" * 1000 + "1" + ")" * 1000 + " }}'"),
        "flow: test\nstart: a\nnodes: {a: {choose: [{if: '"
        + "(" * 1000
        + "1"
        + ")" * 1000
        + "', then: b}]}, b: {hang_up: null}}\n",
    ],
)
def test_an_absurd_flow_file_is_checked_at_once(tmp_path, text):
    file = tmp_path / "test.yaml"
    file.write_text(text)
    began = time.process_time()
    assert len(check_flow(file)) >= 1
    assert time.process_time() - began < QUICK_SECONDS


@fault(
    "A text of a flow computes a power or a repetition that would take hours or all memory.",
    caller="The flow's apology.",
    operator="The record and the log say that the text cannot be filled in.",
    kept="All other calls go on.",
)
@pytest.mark.parametrize(
    "text", ["{{ 9 ** (9 ** 9) }}", "{{ n ** n }}", "{{ 'ha' * n }}", "{{ n * 'ha' }}", "{{ [1] * n }}", "{{ 7 ** n }}"]
)
def test_a_text_that_would_never_end_is_refused(text):
    began = time.process_time()
    names_in(text)
    with pytest.raises(TemplateProblem):
        rendered(text, {"n": 10**9})
    assert time.process_time() - began < QUICK_SECONDS
    assert rendered("{{ 3 * 4 }} {{ 2 ** 10 }} {{ 'ab' * 2 }} {{ 1.5 * 2 }}", {}) == "12 1024 abab 3.0"


@fault(
    "`database.url` is mistyped.",
    caller="Nothing: the bridge does not start.",
    operator="One line that names the setting and shows nothing of the password.",
    kept="The password.",
)
@given(
    st.sampled_from(
        [
            "postgresql://user:{}@host:port/name", "postgresq://user:{}@host/name", "mysql://user:{}@host/name",
            "postgresql:/user:{}@host/name", "user:{}@host/name", "postgresql://user:{}@re@host/name",
            "postgresql://user:{}/re@host:99999999/name", "://user:{}@host", "postgresql://user:{}",
            "postgresql://user:{}@host/name\n:", " postgresql://user:{}@host/name",
        ]
    )
)  # fmt: skip
@settings(max_examples=50)
def test_a_mistyped_database_address_never_shows_its_password(address):
    password = uuid.uuid4().hex
    refusal = None
    try:
        open_database(address.format(password))
    except ConfigurationError as error:
        refusal = error
    if refusal is not None:
        assert refusal.where == "database.url"
        assert password not in f"{refusal} {refusal.__cause__}"


ADDRESS = "https://crm.example.com/customers/{{ words }}/orders?caller={{ words }}"


@fault(
    "A caller's words stand in the address of a request: `sip:x@h/../../../admin?role=root&x=1#`.",
    caller="What the flow says.",
    operator="Nothing unusual; the service gets the words as one part of the path or one parameter.",
    kept="The path, the other parameters and the host of the request are those of the flow's author.",
)
@given(
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["sip:x@h/../../../admin?role=root&x=1#", "+15551230000", "a b", "%2e%2e", "é", "\\", ";", "//h"])
)
def test_what_a_caller_says_stays_in_its_place_in_an_address(words):
    try:
        url = URL(filled_address(ADDRESS, {"words": words}))
    except TemplateProblem:
        assert words in (".", "..")
        return
    assert (url.scheme, url.host, url.fragment, url.user) == ("https", "crm.example.com", "", None)
    assert url.raw_path.count("/") == 3
    assert url.raw_path.startswith("/customers/")
    assert url.raw_path.endswith("/orders")
    assert dict(url.query) == {"caller": words}
