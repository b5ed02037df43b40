"""What `telebridge demo` says of an option that is wrong, before any call."""

import pytest
from typer.testing import CliRunner

from telebridge.cli.demo import demo
from telebridge.cli.main import app
from telebridge.errors import ConfigurationError


@pytest.mark.parametrize(("options", "where"), [(["--flow", "nope"], "--flow"), ([], "default_flow")])
def test_a_flow_that_is_not_there_is_the_fault_of_whoever_named_it(tmp_path, monkeypatch, options, where):
    async def refused(*_):
        raise ConfigurationError("default_flow", "flow 'nope' does not exist")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "_call", refused)
    with pytest.raises(ConfigurationError, match=f"^{where}: flow 'nope' does not exist"):
        CliRunner().invoke(app, ["demo", *options], catch_exceptions=False)
