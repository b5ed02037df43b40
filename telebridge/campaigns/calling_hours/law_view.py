"""What is enforced in a country or a part of one, for people and for programs."""

from typing import Any, get_args

from telebridge.campaigns.calling_hours.law import EVERYWHERE, AttemptCap, CallingRules, CallKind, DayKind
from telebridge.campaigns.calling_hours.windows import Window

DAYS: tuple[tuple[str, tuple[DayKind, ...]], ...] = (
    ("weekday", ()),
    ("saturday", ("saturday",)),
    ("sunday", ("sunday",)),
    ("holiday", ("holidays",)),
    ("day_before_holiday", ("holiday_eves",)),
)
HOURS_OF_DAY = 24
COUNSEL = "This is no legal advice: counsel must check what holds for you."


def law_json(rules: CallingRules, region: str) -> dict[str, Any]:
    """What is enforced in a region, for programs.

    Args:
        rules: The law.
        region: A country or a part of one, as ISO 3166 spells them.
    """
    country = region.partition("-")[0]
    law = rules.law_of(country)
    kinds: tuple[CallKind, ...] = get_args(CallKind)
    return {
        "region": region,
        "rules_known": law is not None,
        "checked": None if law is None else law.checked.isoformat(),
        "kinds": {kind: _of_kind(rules, region, kind) for kind in kinds},
        "registers": [] if law is None else [one.model_dump() for one in law.registers],
        "not_enforced": [] if law is None else list(law.not_enforced),
        "counsel": COUNSEL,
    }


def law_lines(rules: CallingRules, region: str) -> list[str]:
    """The same for people, line by line."""
    told = law_json(rules, region)
    lines = [f"{region}: rules last checked on {told['checked']}" if told["rules_known"] else _unknown(region)]
    for kind, of_kind in told["kinds"].items():
        lines += ["", kind, *(f"  {line}" for line in _told_hours(of_kind["hours"]))]
        lines += [f"  at most {_told_cap(cap)}" for cap in of_kind["caps"]]
        lines += [f"  source: {source}" for source in of_kind["sources"]]
    lines += ["", *(f"register: {one['name']} ({one['source']})" for one in told["registers"])]
    lines += [f"not enforced: {one}" for one in told["not_enforced"]]
    return [*lines, COUNSEL]


def _of_kind(rules: CallingRules, region: str, kind: CallKind) -> dict[str, Any]:
    caps = rules.attempt_caps(region, kind)
    of_hours = [rule for rule, _ in rules.hours_for(region, kind)]
    sources = [*(rule.source for rule in of_hours), *(cap.source for cap in caps)]
    return {
        "hours": {day: _written(rules.usual_hours(region, kind, kinds)) for day, kinds in DAYS},
        "caps": [_cap_json(cap) for cap in caps],
        "sources": list(dict.fromkeys(sources)),
    }


def _written(windows: tuple[Window, ...]) -> list[str]:
    return [str(window) for window in windows]


def _cap_json(cap: AttemptCap) -> dict[str, Any]:
    return {"at_most": cap.at_most, "within_hours": cap.within_hours, "conversations": cap.conversations}


def _told_hours(hours: dict[str, list[str]]) -> list[str]:
    """The hours of each kind of day; one line if all are alike."""
    told = {day.replace("_", " "): " and ".join(of_day) or "closed" for day, of_day in hours.items()}
    if len(set(told.values())) == 1:
        return [f"every day {told['weekday']}"]
    return [f"{day} {of_day}" for day, of_day in told.items()]


def _told_cap(cap: dict[str, Any]) -> str:
    what = "conversation" if cap["conversations"] else "attempt"
    days, hours = divmod(cap["within_hours"], HOURS_OF_DAY)
    span = f"{days} days" if days > 1 and not hours else f"{cap['within_hours']} hours"
    return f"{cap['at_most']} {what}{'s' if cap['at_most'] > 1 else ''} in {span}"


def _unknown(region: str) -> str:
    where = "" if region == EVERYWHERE else f" of {region}"
    return f"no calling rules are known{where}: only telebridge's own hours hold"
