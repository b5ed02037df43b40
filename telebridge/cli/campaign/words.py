"""What a campaign says, before it says it: its first calls as they will be heard, and columns that do not fit."""

from telebridge.campaigns.reporting.words import PRESSES, CampaignWords
from telebridge.cli.process.printing import print_text
from telebridge.flows.rehearsal import RehearsalLine

FIRST = ("first call as it", "first two calls as they", "first three calls as they")


def tell_words(words: CampaignWords | None, name: str) -> None:
    """Print what a campaign says, and warn of what does not fit."""
    if words is None:
        return
    if not words.calls:
        print_text(
            f"flow '{words.flow}' is written in Python: `telebridge campaign test {name} --to +1…` lets you hear it"
        )
    else:
        print_text(f"the {FIRST[len(words.calls) - 1]} will be heard:")
    for call in words.calls:
        print_text(f"  {call.phone}")
        for line in call.lines:
            print_text(f"    {line.node:<14} {_shown(line)}", hanging=15)
        for line in call.to_machine:
            print_text(f"    {line.node:<14} {_shown(line)} (to a machine)", hanging=15)
    for warning in words.warnings:
        print_text(f"warning: {warning}", err=True)


def _shown(line: RehearsalLine) -> str:
    if line.what == PRESSES:
        return f"[presses {line.text or 'nothing'}]"
    return line.text if line.what in {"says", "asks"} else f"[{line.what}] {line.text}"
