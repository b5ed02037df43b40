"""Markup in the texts of a flow that a voice would read aloud: no mistake, but hardly what its author meant.

One rule: a warning never keeps a flow from running.
"""

from collections.abc import Iterator

from telebridge.flows.checking import Mistake
from telebridge.flows.inspection import texts_of
from telebridge.flows.model import Flow
from telebridge.speech.markup import speech_tags

SPOKEN = frozenset({"say", "menu", "collect", "hang_up", "record", "whisper"})
HINT = 'leave it out: Rime\'s voices know <300> for a pause, spell(…) and {…}; or set speech.clean = "all"'


def markup_warnings(flow: Flow) -> list[Mistake]:
    """The tags of SSML and the like in texts that are spoken, one warning for each text."""
    return list(_warnings(flow))


def _warnings(flow: Flow) -> Iterator[Mistake]:
    if tags := speech_tags(flow.apology):
        yield Mistake(("apology",), f"{tags[0]} would be read aloud", HINT)
    for name, node in flow.nodes.items():
        for path, text in texts_of(node).items():
            if path and path[-1] in SPOKEN and (tags := speech_tags(text)):
                yield Mistake(("nodes", name, *path), f"{tags[0]} would be read aloud", HINT)
