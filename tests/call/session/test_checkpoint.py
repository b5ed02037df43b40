"""A checkpoint is read as it was written, by this release, an older and a newer one."""

import json
from datetime import date

import pytest

from telebridge.call.session.checkpoint import Checkpoint, encoded
from telebridge.flows.position import FlowPosition
from telebridge.flows.steps import Transfer

STANDING = FlowPosition(
    "main", {"account": "12", "customer": {"name": "Ann"}}, {"lang": "es"}, ["a", "main"], 1, 2, "Eh?"
)


def test_a_checkpoint_comes_back_as_it_was():
    place = Checkpoint(STANDING, "12#", 7, Transfer("+15551230100", whisper="Ann"), "asked", {"n": 1}, {"ok": True})
    assert Checkpoint.decode(place.encode()) == place
    assert Checkpoint.decode(place.encode().decode()) == place, "as the database holds it"


def test_parts_that_were_encoded_earlier_are_put_in_as_they_are():
    place = Checkpoint(STANDING, "12", name="asked", variables={"n": 1})
    light = Checkpoint(typed="12", name="asked")
    assert light.encode(standing=encoded(STANDING), variables=encoded({"n": 1})) == place.encode()


def test_a_part_that_cannot_be_written_as_it_is_spoils_no_other():
    place = Checkpoint(FlowPosition("main", {"half": "a \ud83d smile"}), variables={"odd": float("nan")})
    again = Checkpoint.decode(place.encode())
    assert (again.standing.variables, again.variables) == ({"half": "a ? smile"}, {"odd": None})


def test_what_a_newer_release_wrote_besides_is_passed_over():
    kept = json.loads(Checkpoint(STANDING, "1").encode())
    kept["mood"] = "good"
    kept["standing"]["weather"] = {"sun": True}
    assert Checkpoint.decode(json.dumps(kept)) == Checkpoint(STANDING, "1")


def test_what_an_older_release_did_not_write_has_its_default():
    assert Checkpoint.decode("{}") == Checkpoint()
    assert Checkpoint.decode('{"standing": {"node": "main"}}') == Checkpoint(FlowPosition("main"))


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"typed": 5}', '{"standing": {"variables": {}}}', b"\xff{}"])
def test_a_damaged_one_is_no_checkpoint(damaged):
    with pytest.raises(ValueError):  # noqa: PT011 - any
        Checkpoint.decode(damaged)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (date(2026, 3, 2), "2026-03-02"),
        (10**30, 10**30),
        (float("nan"), None),
        ({1: "a", (2, 3): "b"}, {"1": "a", "(2, 3)": "b"}),
        ("half a \ud83d smile", "half a ? smile"),
        ({"deep": ["\udc00"]}, {"deep": ["?"]}),
    ],
)
def test_values_that_json_does_not_know_do_not_keep_the_rest_from_being_written(value, read):
    place = Checkpoint(
        FlowPosition("main", {"odd": value, "good": 1}), "12", variables={"odd": value}, result={"a": value}
    )
    again = Checkpoint.decode(place.encode())
    assert again.standing == FlowPosition("main", {"odd": read, "good": 1})
    assert (again.typed, again.variables, again.result) == ("12", {"odd": read}, {"a": read})


def test_a_value_that_holds_itself_is_left_out():
    round_and_round = []
    round_and_round.append(round_and_round)
    place = Checkpoint(FlowPosition("main", {"odd": round_and_round, "good": 1}), "12")
    assert Checkpoint.decode(place.encode()) == Checkpoint(FlowPosition("main", {"good": 1}), "12")
