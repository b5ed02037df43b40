"""Who may use the pages, and what a page of somebody else in the same browser can do: nothing."""

from contextlib import AsyncExitStack

import aiohttp
import pytest
from aiohttp import web
from support.speech import serving

from telebridge.server.http.access import Access
from telebridge.server.pages.access import COOKIE, PageAccess
from telebridge.server.pages.login import MOST_FAILURES, LoginPages
from telebridge.server.pages.rendering import DATA, HEADERS, PageTemplates
from telebridge.server.pages.static import StaticFiles
from telebridge.server.pages.visits import PageRouter

TOKEN = "t0ken"
BROWSER = {"Accept": "text/html"}


class Pages:
    """The frame of the pages, with one page that changes something and one socket."""

    def __init__(self, token="", public_url="", base=""):
        self.app, self.changes, self.sockets = web.Application(), [], []
        templates = PageTemplates(base)
        access = PageAccess(Access(token, "127.0.0.1", public_url), token, "secret", public_url=public_url)
        router = PageRouter(self.app, access, templates)
        StaticFiles(templates, router)
        LoginPages(access, router)
        router.get("/calls", self.show)
        router.post("/calls/change", self.change)
        router.socket("/phone/socket", self.socket)

    async def show(self, visit):
        return await visit.page("problem", detail=visit.request.query.get("said", "shown"))

    async def change(self, visit):
        self.changes.append(dict(visit.fields))
        visit.go_to("/calls")

    async def socket(self, visit):
        self.sockets.append(visit)
        answer = web.WebSocketResponse()
        await answer.prepare(visit.request)
        await answer.receive()
        return answer


class Browser:
    def __init__(self, session, url):
        self.session, self.url = session, url

    async def ask(self, method, path, **options):
        options.setdefault("allow_redirects", False)
        async with self.session.request(method, self.url + path, **options) as answer:
            return answer, await answer.text()

    async def form_token(self, path="/calls"):
        _, text = await self.ask("GET", path, headers=BROWSER)
        return text.partition('name="form" value="')[2].partition('"')[0]

    async def log_in(self, token=TOKEN, **fields):
        form = {"form": await self.form_token("/login"), "token": token, **fields}
        return await self.ask("POST", "/login", data=form)


@pytest.fixture
async def open_browser():
    async with AsyncExitStack() as stack:

        async def opened(pages):
            url = await stack.enter_async_context(serving(pages.app))
            jar = aiohttp.CookieJar(unsafe=True)
            return Browser(await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar)), url)

        yield opened


async def test_whoever_has_the_token_logs_in_and_out(open_browser):
    browser = await open_browser(Pages(TOKEN))
    answer, _ = await browser.ask("GET", "/calls", headers=BROWSER)
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=/calls")
    answer, text = await browser.log_in("wrong")
    assert (answer.status, "not the token" in text) == (403, True)
    answer, _ = await browser.log_in(next="/phone")
    assert (answer.status, answer.headers["Location"]) == (303, "/phone")
    cookie = answer.headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/"))
    assert "Secure" not in cookie
    answer, text = await browser.ask("GET", "/calls")
    assert (answer.status, "shown" in text) == (200, True)
    await browser.ask("POST", "/logout", data={"form": await browser.form_token()})
    assert (await browser.ask("GET", "/calls"))[0].status == 401


async def test_every_answer_has_the_headers_that_keep_other_sites_out(open_browser):
    browser = await open_browser(Pages(TOKEN))
    for path in ("/login", "/calls", "/static/pages.css", "/static/none.css"):
        answer, _ = await browser.ask("GET", path)
        assert HEADERS.items() <= dict(answer.headers).items(), path
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_a_forged_or_foreign_session_opens_nothing(open_browser):
    browser = await open_browser(Pages(TOKEN))
    other = PageAccess(Access("other", "127.0.0.1"), "other", "secret")
    session = other.logged_in("other")
    for value in ("forged", other._sessions.dumps([session.id, session.key]), other._sessions.dumps(["x", ""])):
        answer, _ = await browser.ask("GET", "/calls", headers={"Cookie": f"{COOKIE}={value}"})
        assert answer.status == 401


async def test_without_a_token_programs_of_this_machine_see_the_pages(open_browser):
    browser = await open_browser(Pages())
    answer, text = await browser.ask("GET", "/calls")
    assert (answer.status, "shown" in text) == (200, True)


@pytest.mark.parametrize(
    "headers",
    [{"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}],
)
async def test_without_a_token_a_proxy_is_answered_nothing(open_browser, headers):
    browser = await open_browser(Pages())
    answer, text = await browser.ask("GET", "/calls", headers={**headers, **BROWSER})
    assert (answer.status, "set server.api_token" in text) == (403, True)


async def test_a_public_address_without_a_token_is_closed(open_browser):
    browser = await open_browser(Pages(public_url="https://bridge.example.com"))
    for path in ("/calls", "/login"):
        answer, text = await browser.ask("GET", path, headers=BROWSER)
        assert (answer.status, "set server.api_token" in text) == (403, True)


@pytest.mark.parametrize("token", ["", TOKEN])
async def test_dns_rebinding_a_name_of_somebody_else_is_refused(open_browser, token):
    pages = Pages(token)
    browser = await open_browser(pages)
    for method, path in (("GET", "/calls"), ("GET", "/login"), ("POST", "/calls/change"), ("GET", "/phone/socket")):
        headers = {"Host": "evil.example:8080", "Origin": "http://evil.example:8080"}
        answer, text = await browser.ask(method, path, headers=headers)
        assert (answer.status, "evil.example" in text) == (403, True), path
    assert pages.changes == []


async def test_csrf_a_form_of_another_site_changes_nothing(open_browser):
    pages = Pages()
    browser = await open_browser(pages)
    await browser.ask("GET", "/calls")
    good = {"form": form_token_of(browser), "text": "x"}
    for headers, form in (
        ({}, {"text": "x"}),
        ({}, {**good, "form": "0" * 27}),
        ({"Origin": "http://evil.example"}, good),
        ({"Origin": "null"}, good),
        ({"Origin": browser.url.replace("127.0.0.1", "localhost")}, good),
        ({"Sec-Fetch-Site": "cross-site"}, good),
    ):
        answer, _ = await browser.ask("POST", "/calls/change", data=form, headers=headers)
        assert answer.status == 403, (headers, form)
    assert pages.changes == []
    for headers in ({}, {"Origin": browser.url, "Sec-Fetch-Site": "same-origin"}):
        answer, _ = await browser.ask("POST", "/calls/change", data=good, headers=headers)
        assert answer.status == 303
    assert pages.changes == [{"text": "x"}] * 2


def form_token_of(browser):
    """The form token of the browser's session, for a page that shows no form."""
    [cookie] = [each for each in browser.session.cookie_jar if each.key == COOKIE]
    access = PageAccess(Access("", "127.0.0.1"), "", "secret")
    return access.form_token(access.session_of({COOKIE: cookie.value}))


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_websocket_of_another_origin_is_refused(open_browser, origin):
    pages = Pages()
    browser = await open_browser(pages)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.session.ws_connect(f"{browser.url}/phone/socket", origin=origin)
    assert refused.value.status == 403
    assert pages.sockets == []
    own = await browser.session.ws_connect(f"{browser.url}/phone/socket", origin=browser.url)
    await own.close()
    assert len(pages.sockets) == 1


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_page_of_another_site_may_lead_here_and_embed_nothing(open_browser, site):
    browser = await open_browser(Pages())
    for mode, status in (("no-cors", 403), ("cors", 403), ("navigate", 200)):
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
        assert (await browser.ask("GET", "/calls", headers=headers))[0].status == status


async def test_over_https_the_cookie_is_secure_and_origins_are_the_public_ones(open_browser):
    pages = Pages(TOKEN, public_url="https://bridge.example.com/voice", base="/voice")
    browser = await open_browser(pages)
    proxied = {"Host": "bridge.example.com", "Origin": "https://bridge.example.com"}
    answer, text = await browser.ask("GET", "/login", headers=proxied)
    cookie = answer.headers["Set-Cookie"]
    assert "Secure" in cookie
    assert "Path=/voice" in cookie
    assert 'action="/voice/login"' in text
    form = {"form": text.partition('name="form" value="')[2].partition('"')[0], "token": TOKEN}
    sent = {**proxied, "Cookie": cookie.partition(";")[0]}
    for origin, status in (("http://bridge.example.com", 403), ("https://bridge.example.com", 303)):
        answer, _ = await browser.ask("POST", "/login", data=form, headers={**sent, "Origin": origin})
        assert answer.status == status


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil", "/calls/../x?", "/api/calls", ""]
)
async def test_a_login_leads_only_to_pages_of_ours(open_browser, path):
    browser = await open_browser(Pages(TOKEN))
    answer, _ = await browser.log_in(next=path)
    assert answer.headers["Location"] == "/calls"


async def test_many_wrong_tokens_are_not_tried_for_ever(open_browser):
    browser = await open_browser(Pages(TOKEN))
    form = {"form": await browser.form_token("/login"), "token": "wrong"}
    statuses = [(await browser.ask("POST", "/login", data=form))[0].status for _ in range(MOST_FAILURES + 1)]
    assert statuses == [403] * MOST_FAILURES + [429]


async def test_what_is_shown_is_text_and_never_markup(open_browser):
    browser = await open_browser(Pages())
    _, text = await browser.ask("GET", "/calls", params={"said": "<script>alert(1)</script>"})
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text


def test_all_scripts_and_styles_together_are_less_than_a_page_may_have():
    assert sum(len(file.read_bytes()) for file in (DATA / "static").iterdir()) < 100_000
