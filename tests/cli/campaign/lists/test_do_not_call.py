"""`campaign do-not-call`: the list, and registers that are compared."""

import pytest
from support.campaign_commands import FILE, told
from support.programs import failed


@pytest.mark.timeout(200)
def test_the_do_not_call_list_is_kept_and_a_preflight_knows_it(campaign):
    assert told(campaign("do-not-call", "add", "212-555-0111", "+12125550199", "--json")) == {"added": 2, "there": 0}
    [first, _] = told(campaign("do-not-call", "list", "--json"))
    assert (first["phone"], first["source"]) == ("+12125550111", "command")
    checked = told(campaign("preflight", "spring.toml", "--contacts", "people.csv", "--json"))
    assert checked["skipped"]["do_not_call"] == 1
    assert told(campaign("do-not-call", "remove", "+12125550199", "--json")) == {"removed": 1}
    assert campaign("do-not-call", "remove", "+12125550199").returncode == 1


@pytest.mark.timeout(200)
def test_telemarketing_starts_only_after_a_register_was_compared(campaign, tmp_path):
    telemarketing = FILE.replace("informational", "telemarketing") + "require_consent = false\n"
    (tmp_path / "spring.toml").write_text(telemarketing)
    told(campaign("create", "spring.toml", "--contacts", "people.csv", "--json"))
    code, line = failed(campaign("start", "spring"))
    assert (code, "no do-not-call register" in line) == (1, True)
    register = tmp_path / "register.txt"
    for content in ("", "212555011\n5550112\n", "2125550114\nnonsense\n"):
        register.write_text(content)
        code, line = failed(campaign("do-not-call", "import", str(register), "--register", "us-national"))
        assert (code, "register.txt" in line) == (2, True)
    assert told(campaign("do-not-call", "list", "--json")) == []
    assert failed(campaign("start", "spring"))[0] == 1
    register.write_text("212,5550114\n212,5550199\n")
    code, line = failed(campaign("do-not-call", "import", str(register), "--register", "anything"))
    assert (code, "'anything' is no register" in line) == (2, True)
    imported = told(campaign("do-not-call", "import", str(register), "--register", "us-national", "--json"))
    assert imported == {"added": 2, "there": 0, "unreadable": 0, "register": "us-national"}
    assert told(campaign("start", "spring", "--json"))["status"] == "running"
