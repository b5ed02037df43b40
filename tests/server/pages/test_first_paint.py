"""What lets a page be seen early: its head comes before the database answers, and known scripts are not asked for."""

import asyncio
import re
import threading

from support.pages import pages

from telebridge.server.http.problems import Problem
from telebridge.server.pages.rendering import CONTENT, STATIC, PageTemplates, static_files


async def test_the_head_of_a_page_is_sent_before_the_database_answers(tmp_path, monkeypatch):
    async with pages(tmp_path) as served:
        answers = asyncio.Event()
        found = served.past.search

        async def search(*values, **options):
            await answers.wait()
            return await found(*values, **options)

        monkeypatch.setattr(served.past, "search", search)
        async with served.session.get(f"{served.url}/calls") as answer:
            head = (await answer.content.readuntil(CONTENT.encode())).decode()
            assert "<title>Calls · telebridge</title>" in head
            assert 'aria-current="page">Calls' in head
            assert "<script" not in head  # a script in the head would be fetched while the page is drawn
            assert "Ended calls" not in head
            answers.set()
            rest = await answer.text()
        assert "Ended calls" in rest
        assert rest.rstrip().endswith("</html>")


async def test_what_fails_after_the_head_was_sent_is_told_in_the_page(tmp_path):
    def extend(served):
        async def failing(visit):
            await visit.begin("calls")
            raise Problem(503, "The <disk> is full.")

        served.router.get("/failing", failing)

    async with pages(tmp_path, extend=extend) as served:
        text = await served.get("/failing")
        assert "The &lt;disk&gt; is full." in text


async def test_a_head_request_gets_no_body(tmp_path):
    async with pages(tmp_path) as served, served.session.head(f"{served.url}/calls") as answer:
        assert answer.status == 200
        assert await answer.read() == b""


async def test_scripts_import_one_another_by_addresses_that_browsers_keep(tmp_path):
    templates = PageTemplates("")
    await templates.load()
    async with pages(tmp_path) as served:
        for name in ("phone.js", "flow.js", "phone-worklet.js", "line.js"):
            text = await served.get(templates.link(f"{STATIC}/{name}"))
            imported = re.findall(r'from "\./([^"]+)"', text)
            assert imported
            for address in imported:
                async with served.session.get(f"{served.url}{STATIC}/{address}") as answer:
                    assert "immutable" in answer.headers["Cache-Control"]


def test_a_script_has_another_address_when_one_that_it_imports_has_changed():
    importer = b'import { b } from "./b.js";\nimport { c } from "./c.js";\n'
    between = b'import { c } from "./c.js";\n'
    before = static_files({"a.js": importer, "b.js": between, "c.js": b"export const c = 1;\n"})
    after = static_files({"a.js": importer, "b.js": between, "c.js": b"export const c = 2;\n"})
    assert all(before[name].version != after[name].version for name in before)


async def test_calls_do_not_wait_for_a_page_that_is_rendered(tmp_path, monkeypatch):
    rendered, render = [], PageTemplates.render

    def noted(self, template, values):
        rendered.append((template, threading.current_thread() is threading.main_thread()))
        return render(self, template, values)

    monkeypatch.setattr(PageTemplates, "render", noted)
    async with pages(tmp_path) as served:
        await served.get("/calls")
        await served.get("/calls/CAnone", status=404)
    assert rendered == [("calls", False), ("problem", False)]
