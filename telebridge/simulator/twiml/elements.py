"""Reads the attributes of one TwiML element, and notes a warning for each that is wrong, unknown or not performed.

Follows Twilio's error dictionary: an attribute that does not fit is a warning (12200 "Schema validation", 13612,
13910), the default takes its place, and the document is executed.

One rule: an attribute or element that no method asked for is never lost in silence; `finish` makes a warning of it.
"""

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from telebridge.simulator.twiml.published import PUBLISHED, SSML, is_published

SCHEMA_WARNING = 12200
NOT_SIMULATED = 0
"""The code of a warning that is the simulator's own: Twilio would do this."""

WARNINGS_OF_VALUES = {("Pause", "length"): 13910, ("Record", "maxLength"): 13612}
"""Twilio's warnings for single attributes; the others have 12200."""


@dataclass(frozen=True, slots=True)
class TwimlWarning:
    """A part of a document that is not executed as written, while the rest of it is.

    Args:
        code: Twilio's warning, or `NOT_SIMULATED`.
        problem: What is wrong.
    """

    code: int
    problem: str


class ElementReader:
    """One element of a document.

    Attributes:
        tag: The name of the element.

    Args:
        element: The element.
        parent: The name of the element that it stands in.
        warnings: Receives what is not executed as written.
    """

    def __init__(self, element: ElementTree.Element, parent: str, warnings: list[TwimlWarning]) -> None:
        self.tag = element.tag
        self._element = element
        self._place = f"{parent}/{element.tag}"
        self._warnings = warnings
        self._asked: set[str] = set()
        self._children: list[ElementReader] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no element stands in this one."""
        return len(self._element) == 0

    def content(self) -> str:
        """Return the text of the element itself."""
        return (self._element.text or "").strip()

    def all_text(self) -> str:
        """Return the text of the element and of all elements in it."""
        self._children = []
        for child in self._element.iter():
            if child is not self._element:
                if child.tag in SSML:
                    self._ignored(f"<{child.tag}> is spoken as plain text")
                else:
                    self._wrong(SCHEMA_WARNING, f"<{child.tag}> is not allowed in <{self.tag}>")
        return "".join(self._element.itertext()).strip()

    def children(self, *performed: str) -> list["ElementReader"]:
        """Return the elements in this one that are performed; a warning is noted for each other one. Call it once."""
        self._children = []
        for child in self._element:
            if child.tag in performed:
                self._children.append(ElementReader(child, self.tag, self._warnings))
            elif is_published(self.tag, child.tag):
                self._ignored(f"<{child.tag}> in <{self.tag}>")
            else:
                self._wrong(SCHEMA_WARNING, f"<{child.tag}> is not allowed in <{self.tag}>")
        return self._children

    def has(self, name: str) -> bool:
        """Whether the element has an attribute."""
        return name in self._element.attrib

    def text(self, name: str, default: str = "") -> str:
        """Return an attribute."""
        self._asked.add(name)
        return self._element.get(name, default)

    def optional(self, name: str) -> str | None:
        """Return an attribute, or None where there is none."""
        self._asked.add(name)
        return self._element.get(name)

    def whole(self, name: str, default: int, *, least: int = 0) -> int:
        """Return a whole number; a warning and the default where it is none."""
        text = self.text(name, str(default))
        if re.fullmatch(r"[0-9]{1,6}", text) and int(text) >= least:
            return int(text)
        self._bad_value(name, f"must be a whole number, at least {least}")
        return default

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or false; a warning and the default where it is neither."""
        return self.word(name, "true" if default else "false", ("true", "false")) == "true"

    def word(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """Return one of the allowed words, whatever its case; a warning and the default where it is another."""
        text = self.text(name, default)
        for word in allowed:
            if text.lower() == word.lower():
                return word
        self._bad_value(name, f"must be one of {', '.join(allowed)}")
        return default

    def words(self, name: str, default: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """Return several of the allowed words, which stand in one attribute; a warning for each other one."""
        found = tuple(word for word in self.text(name, default).split() if word in allowed)
        if len(found) < len(self.text(name, default).split()):
            self._bad_value(name, f"may name {', '.join(allowed)}")
        return found

    def method(self, name: str = "method", default: str = "POST") -> str:
        """Return GET or POST; a warning and the default where it is neither."""
        return self.word(name, default, ("GET", "POST"))

    def ignore(self, problem: str) -> None:
        """Note that something which Twilio would do is not simulated."""
        self._ignored(problem)

    def finish(self) -> None:
        """Note a warning for each attribute and element that nobody asked for, also in the elements of this one."""
        for child in self.children() if self._children is None else self._children:
            child.finish()
        known = PUBLISHED.get(self._place, ())
        for name in self._element.attrib:
            if name in self._asked:
                continue
            if name in known:
                self._ignored(f"{name} of <{self.tag}>")
            else:
                self._wrong(SCHEMA_WARNING, f"attribute '{name}' is not allowed in <{self.tag}>")

    def _bad_value(self, name: str, rule: str) -> None:
        code = WARNINGS_OF_VALUES.get((self.tag, name), SCHEMA_WARNING)
        self._wrong(code, f"{name} of <{self.tag}> {rule}")

    def _wrong(self, code: int, problem: str) -> None:
        self._warnings.append(TwimlWarning(code, problem))

    def _ignored(self, problem: str) -> None:
        warning = TwimlWarning(NOT_SIMULATED, problem)
        if warning not in self._warnings:
            self._warnings.append(warning)
