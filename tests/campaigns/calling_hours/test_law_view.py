"""What is enforced in a country, as people and programs are told."""

from telebridge.campaigns.calling_hours.law import calling_rules
from telebridge.campaigns.calling_hours.law_view import law_json, law_lines


def test_a_program_is_told_hours_caps_registers_and_sources():
    told = law_json(calling_rules(), "FR")
    sold = told["kinds"]["telemarketing"]
    assert (told["rules_known"], told["checked"]) == (True, "2026-11-30")
    assert sold["hours"] == {
        "weekday": ["10:00-13:00", "14:00-20:00"],
        "saturday": [],
        "sunday": [],
        "holiday": [],
        "day_before_holiday": ["10:00-13:00", "14:00-20:00"],
    }
    assert sold["caps"] == [{"at_most": 4, "within_hours": 720, "conversations": False}]
    assert any("D. 223-9" in source for source in sold["sources"])
    assert told["kinds"]["debt"]["hours"]["sunday"] == ["08:00-21:00"]
    assert [one["name"] for one in told["registers"]] == ["Bloctel, until 2026-08-11; consent of every consumer since"]


def test_people_read_it_line_by_line():
    lines = law_lines(calling_rules(), "IT")
    assert lines[0] == "IT: rules last checked on 2026-11-30"
    telemarketing = lines[lines.index("telemarketing") : lines.index("informational")]
    assert telemarketing[1:6] == [
        "  weekday 09:00-20:00",
        "  saturday 10:00-19:00",
        "  sunday closed",
        "  holiday closed",
        "  day before holiday 10:00-19:00",
    ]
    assert {"  at most 1 conversation in 24 hours", "  at most 3 conversations in 7 days"} <= set(lines)
    assert "  every day 08:00-21:00" in lines[lines.index("informational") :]
    assert "counsel must check" in lines[-1]


def test_a_part_of_a_country_has_its_own_caps_and_hours():
    lines = law_lines(calling_rules(), "US-FL")
    assert {"  every day 08:00-20:00", "  at most 3 attempts in 24 hours"} <= set(lines)


def test_a_country_without_rules_says_so():
    assert law_lines(calling_rules(), "SE")[0] == "no calling rules are known of SE: only telebridge's own hours hold"
    assert law_json(calling_rules(), "SE")["kinds"]["telemarketing"]["hours"]["sunday"] == ["08:00-21:00"]


def test_a_territory_has_the_law_of_its_country():
    reunion, france = (law_json(calling_rules(), region) for region in ("RE", "FR"))
    assert reunion["kinds"] == france["kinds"]
    assert reunion["rules_known"]
