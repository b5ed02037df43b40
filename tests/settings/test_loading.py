import os

import pytest
from support.faults import fault

from telebridge.errors import ConfigurationError
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("TELEBRIDGE_", "RIME_", "TWILIO_")):
            monkeypatch.delenv(name)


@pytest.fixture
def write(tmp_path):
    def write(text):
        file = tmp_path / "telebridge.toml"
        file.write_text(text)
        return file

    return write


def test_without_a_file_the_defaults_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert settings.server.port == 8080
    assert settings.rime.speaker == "astra"


def test_the_file_is_read(write):
    settings = load_settings(
        write('public_url = "https://a.example"\n[server]\nport = 9000\n[numbers]\n"+1555" = "x"\n')
    )
    assert (settings.public_url, settings.server.port, settings.numbers) == ("https://a.example", 9000, {"+1555": "x"})


def test_the_environment_goes_before_the_conventional_variables_and_those_before_the_file(write, monkeypatch):
    file = write('[rime]\napi_key = "file"\nspeaker = "luna"\n')
    monkeypatch.setenv("RIME_API_KEY", "conventional")
    assert load_settings(file).rime.api_key == "conventional"
    monkeypatch.setenv("TELEBRIDGE_RIME__API_KEY", "own")
    settings = load_settings(file)
    assert (settings.rime.api_key, settings.rime.speaker) == ("own", "luna")


def test_keys_of_no_section_come_from_the_environment_too(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEBRIDGE_DEFAULT_FLOW", "night")
    assert load_settings().default_flow == "night"


@fault(
    "A key of the settings is misspelt.",
    caller="Nothing: the bridge does not start.",
    operator="One line with file, key and the nearest name.",
    kept="The intention: no setting is passed over in silence.",
)
def test_an_unknown_key_is_an_error_that_names_the_nearest(write):
    file = write("[server]\nprot = 1\n")
    with pytest.raises(ConfigurationError) as raised:
        load_settings(file)
    assert str(raised.value) == f"{file}: server.prot: is no setting; did you mean 'server.port'?"


def test_an_unknown_section_is_an_error(write):
    with pytest.raises(ConfigurationError, match=r"serve: is no setting; did you mean 'server'\?"):
        load_settings(write("[serve]\nport = 1\n"))


@fault(
    "An environment variable of a setting is misspelt.",
    caller="Nothing: the bridge does not start.",
    operator="One line with the variable and the nearest name.",
    kept="The intention of whoever set it.",
)
def test_an_unknown_variable_is_an_error(monkeypatch, write):
    monkeypatch.setenv("TELEBRIDGE_SERVER__PROT", "1")
    with pytest.raises(
        ConfigurationError, match="TELEBRIDGE_SERVER__PROT: is no setting; did you mean 'TELEBRIDGE_SERVER__PORT'"
    ):
        load_settings(write(""))


@fault(
    "A setting has a value of the wrong type.",
    caller="Nothing: the bridge does not start.",
    operator="One line with file, key and what it should be.",
    kept="The calls of the process that runs.",
)
def test_a_wrong_value_names_the_file_and_the_key(write):
    with pytest.raises(ConfigurationError, match=r"telebridge.toml: server.port: is no whole number: 'many'$"):
        load_settings(write('[server]\nport = "many"\n'))


def test_a_wrong_value_of_the_environment_names_the_variable(monkeypatch, write):
    monkeypatch.setenv("TELEBRIDGE_SERVER__PORT", "99999")
    with pytest.raises(
        ConfigurationError, match=r"^TELEBRIDGE_SERVER__PORT: input should be less than or equal to 65535"
    ):
        load_settings(write(""))


def test_the_environment_is_named_where_the_file_has_the_key_too(monkeypatch, write):
    file = write('public_url = "https://bridge.example.com"\n[server]\nport = 8080\n')
    monkeypatch.setenv("TELEBRIDGE_PUBLIC_URL", "bridge.example.com")
    with pytest.raises(ConfigurationError, match=r"^TELEBRIDGE_PUBLIC_URL: .*write 'https://bridge.example.com'"):
        load_settings(file)
    monkeypatch.setenv("TELEBRIDGE_PUBLIC_URL", "https://bridge.example.com")
    monkeypatch.setenv("TELEBRIDGE_SERVER__PORT", "abc")
    with pytest.raises(ConfigurationError, match=r"^TELEBRIDGE_SERVER__PORT: is no whole number: 'abc'$"):
        load_settings(file)


def test_calls_kept_free_must_leave_some_for_campaigns(write):
    told = r"campaigns.reserved: leaves campaigns no call .* below campaigns.max_live, which is 5"
    with pytest.raises(ConfigurationError, match=told):
        load_settings(write("[campaigns]\nmax_live = 5\nreserved = 5\n"))
    assert load_settings(write("[campaigns]\nmax_live = 5\nreserved = 4\n")).campaigns.reserved == 4


@fault(
    "The file of settings is no TOML.",
    caller="Nothing: the bridge does not start.",
    operator="One line with the line in the file.",
    kept="The calls of the process that runs.",
)
def test_a_file_that_is_no_toml_is_an_error_with_its_line(write):
    with pytest.raises(ConfigurationError, match=r"is not TOML: .*line 2"):
        load_settings(write("a = 1\nb =\n"))


def test_a_named_file_must_exist(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings(tmp_path / "missing.toml")


def test_the_stream_secret_is_made_once_and_kept_private(write, tmp_path):
    settings = load_settings(write(f'state_dir = "{tmp_path / "var"}"\n'))
    assert settings.stream_secret() == settings.stream_secret()
    assert (tmp_path / "var" / "secret").stat().st_mode & 0o777 == 0o600
    assert load_settings(write('secret = "s"\n')).stream_secret() == "s"


@fault(
    "The state folder cannot be written.",
    caller="Nothing: the bridge does not start.",
    operator="One line that names `state_dir` and the reason.",
    kept="What stands there.",
)
def test_a_state_folder_that_cannot_hold_the_secret_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    settings = Settings(state_dir=tmp_path / "file" / "var")
    with pytest.raises(ConfigurationError, match=r"state_dir: '.*' cannot hold the secret \(Not a directory\); choose"):
        settings.stream_secret()


@fault(
    "The file `secret` is empty, as after a full disk.",
    caller="Nothing: the bridge does not start.",
    operator="One line: anybody could sign addresses; remove it.",
    kept="The signatures.",
)
@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_secret_is_refused(tmp_path, text):
    (tmp_path / "secret").write_text(text)
    with pytest.raises(ConfigurationError, match=r"secret: is empty: anybody could sign addresses; remove it"):
        Settings(state_dir=tmp_path).stream_secret()


def test_a_secret_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    with pytest.raises(
        ConfigurationError, match=r"state_dir: '.*' cannot hold the secret \(the file 'secret' is no text"
    ):
        Settings(state_dir=tmp_path).stream_secret()


def test_a_secret_that_others_could_read_is_closed_to_them(tmp_path):
    (tmp_path / "secret").write_text("s")
    (tmp_path / "secret").chmod(0o644)
    assert Settings(state_dir=tmp_path).stream_secret() == "s"
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_processes_that_share_a_state_folder_share_the_secret(tmp_path):
    assert Settings(state_dir=tmp_path).stream_secret() == Settings(state_dir=tmp_path).stream_secret()
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0
