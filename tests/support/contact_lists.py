"""Lists of contacts, imported by themselves: who was taken, and who was not and why."""

import csv
from dataclasses import dataclass, field

from telebridge.campaigns.definition.model import CampaignDefinition
from telebridge.campaigns.engine.contact import Added
from telebridge.campaigns.importing.importing import ImportProgress, import_contacts


@dataclass
class Taken:
    """What became of a list.

    Args:
        done: The result of the import.
        contacts: The contacts by their numbers.
        rejects: The rows of the file of rejects.
    """

    done: ImportProgress | None = None
    contacts: dict = field(default_factory=dict)
    rejects: list = field(default_factory=list)

    async def add(self, _campaign_id, contacts, *, upto_line):
        new = {one.phone: one for one in reversed(contacts) if one.phone not in self.contacts}
        self.contacts |= dict(reversed(new.items()))
        return Added(len(new), len(contacts) - len(new))

    def variables(self, phone):
        return self.contacts[phone].variables


async def imported(folder, content, *, needs=(), **options):
    """Import a list, text or bytes, under a campaign with these keys, whose flow needs these variables."""
    path, rejects = folder / "people.csv", folder / "people.rejects.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    given = {"name": "c", "flow": "f", "kind": "informational", "from": "+12125550100", **options}
    taken = Taken()
    taken.done = await import_contacts(
        path, CampaignDefinition.model_validate(given), taken, campaign_id="c", rejects=rejects, needs=needs, workers=0
    )
    with rejects.open(newline="", encoding="utf-8") as file:
        taken.rejects = list(csv.DictReader(file))
    return taken
