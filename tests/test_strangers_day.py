"""The stranger's day is played against a real nginx, and says in one line when there is none."""

import json

import pytest
from support import strangers_day


def test_without_nginx_it_says_so_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(strangers_day, "nginx_program", lambda: None)
    assert strangers_day.main([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "strangers-day: nginx is not installed (Debian: apt-get install nginx)\n"


def test_one_wrong_answer_is_shown_and_makes_the_day_wrong(capsys):
    day = strangers_day.Day("http://bridge", "http://front")
    day.statuses("webhooks, unsigned", "nginx", 403, [403, 200, 403])
    assert not day.rows[0].right
    strangers_day.show(day.rows, as_json=True)
    assert json.loads(capsys.readouterr().out)[0]["answered"] == "1 of 200, 2 of 403"
    strangers_day.show(day.rows, as_json=False)
    assert capsys.readouterr().out.endswith("| 403 | 1 of 200, 2 of 403 | WRONG |\n")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(strangers_day.nginx_program() is None, reason="nginx is not installed")
def test_every_answer_of_the_day_is_right(capsys):
    code = strangers_day.main(["--json"])
    wrong = [row for row in json.loads(capsys.readouterr().out) if not row["right"]]
    # How long a call waited is a matter of the machine's load; the rest is not.
    assert [row for row in wrong if "a call's wait" not in row["tried"]] == []
    assert code == int(bool(wrong))
