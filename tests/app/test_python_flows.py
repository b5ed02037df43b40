"""`--app` finds the flows of an application, and tells mistakes in it by their lines."""

import sys

import pytest

from telebridge.app.python_flows import bridge_of, load_bridge
from telebridge.errors import AppFailed, ConfigurationError
from telebridge.settings.settings import Settings

GOOD = """\
from telebridge import Bridge

bridge = Bridge()


@bridge.flow("desk")
async def desk(call):
    await call.hang_up("Goodbye.")
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a module into the working directory, and forgets it afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = set(sys.modules)

    def write_(text, path="mydesk.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)

    yield write_
    for name in set(sys.modules) - known:
        del sys.modules[name]


def refused(app):
    with pytest.raises(ConfigurationError) as raised:
        load_bridge(app)
    return raised.value


@pytest.mark.parametrize("app", ["mydesk:bridge", "mydesk.py:bridge", "./mydesk.py:bridge"])
def test_a_module_or_a_file_is_named(write, app):
    write(GOOD)
    assert list(load_bridge(app).flows) == ["desk"]


def test_a_file_in_a_folder_imports_what_lies_beside_it(write):
    write("WORDS = 'Goodbye.'\n", "mine/desk_words.py")
    write(f"from desk_words import WORDS\n{GOOD}", "mine/mydesk.py")
    assert list(load_bridge("mine/mydesk.py:bridge").flows) == ["desk"]


def test_the_option_comes_before_the_setting(write):
    write(GOOD)
    write(GOOD.replace("desk", "other"), "other.py")
    settings = Settings(app="other:bridge")
    assert list(bridge_of(settings).flows) == ["other"]
    assert list(bridge_of(settings, "mydesk:bridge").flows) == ["desk"]
    assert bridge_of(Settings()) is None


@pytest.mark.parametrize(
    ("app", "told"),
    [
        ("mydesk", "--app: 'mydesk' is not MODULE:BRIDGE; for example --app reminders:bridge"),
        ("mydesk:", "--app: 'mydesk:' is not MODULE:BRIDGE; for example --app reminders:bridge"),
        ("mydesk:brigde", "--app: 'mydesk:brigde' does not exist; write --app mydesk:bridge"),
        ("mydesk:Bridge", "--app: 'mydesk:Bridge' is no telebridge.Bridge; write --app mydesk:bridge"),
        ("no/such.py:bridge", "--app: there is no file 'no/such.py' in {here}; for example --app reminders:bridge"),
        (
            "nodesk:bridge",
            "--app: module 'nodesk' cannot be imported (No module named 'nodesk'); looked in {here}: name a module "
            "there, or a file such as x.py",
        ),
    ],
)
def test_what_is_not_there_is_told_with_what_is(write, tmp_path, app, told):
    write(GOOD)
    assert str(refused(app)) == told.format(here=tmp_path)


def test_a_setting_is_named_as_a_setting(write):
    write(GOOD)
    with pytest.raises(ConfigurationError, match=r"^app: 'mydesk:x' does not exist; write app mydesk:bridge"):
        bridge_of(Settings(app="mydesk:x"))


@pytest.mark.parametrize(
    ("text", "told", "excerpt"),
    [
        (
            "import asyncio\nasync def f(:\n",
            "--app: module 'mydesk' is not Python: mydesk.py:2: invalid syntax",
            ["    async def f(:"],
        ),
        (
            "def helper():\n    return {}['key']\n\nVALUE = helper()\n",
            "--app: module 'mydesk' cannot be imported (KeyError: 'key')",
            ["  mydesk.py:4 in <module>", "    VALUE = helper()", "  mydesk.py:2 in helper", "    return {}['key']"],
        ),
        (
            "import json\njson.loads('{')\n",
            "--app: module 'mydesk' cannot be imported (JSONDecodeError: Expecting property name",
            ["  mydesk.py:2 in <module>", "    json.loads('{')"],
        ),
        (
            "import nothing_like_this\n",
            "--app: module 'mydesk' imports 'nothing_like_this', which is not installed",
            ["  mydesk.py:1 in <module>", "    import nothing_like_this"],
        ),
        (
            "import sys\nsys.exit()\n",
            "--app: module 'mydesk' cannot be imported (SystemExit)",
            ["  mydesk.py:2 in <module>", "    sys.exit()"],
        ),
    ],
)
def test_an_error_in_the_module_is_told_in_five_lines_at_most(write, text, told, excerpt):
    write(text)
    error = refused("mydesk:bridge")
    assert isinstance(error, AppFailed)
    assert str(error).startswith(told)
    assert len(error.excerpt) <= 4
    assert list(error.excerpt) == excerpt
