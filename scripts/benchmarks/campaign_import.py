"""An import of many contacts: rows a second with their zones, and the memory that it takes.

The contacts go into a sink that only counts, so this is the cost of reading: with a database's, see `campaign_store`.
"""

import asyncio
import random
import resource
import tempfile
import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from machine import described

from telebridge.campaigns.definition.model import CampaignDefinition
from telebridge.campaigns.engine.contact import Added, NewContact
from telebridge.campaigns.importing.importing import ImportProgress, import_contacts

FEWEST_ROWS_PER_SECOND = 15_000
MOST_MEGABYTES = 300
DEFINITION = CampaignDefinition.model_validate(
    {"name": "bench", "flow": "bench", "kind": "informational", "from": "+12125550100"}
)


class CountingSink:
    """Keeps nothing but in which lanes and how far."""

    def __init__(self) -> None:
        self.lanes: set[object] = set()
        self.lines: dict[str, int] = {}

    async def add(self, campaign_id: str, contacts: Sequence[NewContact], *, upto_line: int) -> Added:
        self.lanes.update({contact.lane for contact in contacts})
        self.lines[campaign_id] = upto_line
        return Added(len(contacts), 0)


def run(*, rows: int) -> dict[str, object]:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "contacts.csv"
        write_contacts(path, rows)
        sink = CountingSink()
        importing = import_contacts(path, DEFINITION, sink, campaign_id="bench", rejects=Path(folder) / "rejects.csv")
        done: ImportProgress = asyncio.run(importing)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    medians = {
        "rows_per_second": round(done.rows_per_second),
        "seconds": round(done.seconds, 2),
        "peak_megabytes": round(megabytes, 1),
        "peak_megabytes_of_a_worker": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, 1),
        "lanes": len(sink.lanes),
        "rejected": done.rejected,
    }
    return {
        "rows": rows,
        "machine": described(),
        "concluded": done.rows == rows,
        "why": "" if done.rows == rows else f"{done.rows} rows were read",
        "medians": medians,
        "bars_met": {
            "rows_per_second": done.rows_per_second >= FEWEST_ROWS_PER_SECOND,
            "peak_megabytes": megabytes <= MOST_MEGABYTES,
        },
    }


def write_contacts(path: Path, rows: int, *, priorities: int = 1) -> None:
    """Numbers of every American area code, every tenth with a ZIP code, every hundredth wrong."""
    text = (files("telebridge.campaigns.numbers") / "data" / "area_codes.toml").read_text()
    table = tomllib.loads(text)["area_codes"]
    codes = [code for region, found in table.items() if region.startswith("US-") for code in found]
    chance = random.Random(7)
    with path.open("w") as file:
        file.write("phone,first name,last name,amount,due,postal_code,priority\n")
        for row in range(rows):
            number = f"({chance.choice(codes)}) {chance.randrange(200, 999)}-{chance.randrange(10_000):04}"
            number = "12" if row % 100 == 99 else number
            zip_code = f"{chance.randrange(501, 99_950):05}" if row % 10 == 0 else ""
            owed = f"{row % 1000}.50,2026-03-{row % 28 + 1:02}"
            file.write(f"{number},Name{row},Surname{row % 977},{owed},{zip_code},{row % priorities}\n")
