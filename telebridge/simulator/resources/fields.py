"""The parameters of one request to the REST API, read and checked by type."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

from telebridge.simulator.resources.problems import ApiProblem


class WatchedForm(dict[str, Sequence[str]]):
    """The form of a request, which records the names that were read."""

    def __init__(self, form: Mapping[str, Sequence[str]]) -> None:
        super().__init__(form)
        self._asked: set[str] = set()

    @override
    def get(self, key: str, default: Any = None, /) -> Any:
        self._asked.add(key)
        return super().get(key, default)

    @override
    def __contains__(self, key: object) -> bool:
        self._asked.add(str(key))
        return super().__contains__(key)

    @property
    def asked(self) -> frozenset[str]:
        """The names that were asked for, whether they are in the form or not."""
        return frozenset(self._asked)

    @property
    def unread(self) -> list[str]:
        """The names in the form that nobody has asked for."""
        return sorted(self.keys() - self._asked)


class RequestFields:
    """The parameters of one request, read and checked by type."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def text(self, name: str, default: str = "") -> str:
        """Return the last value of a parameter."""
        values = self._fields.get(name)
        return values[-1] if values else default

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a parameter."""
        return tuple(self._fields.get(name, ()))

    def url(self, name: str, code: int = 21205) -> str | None:
        """Return an http or https address; None for an empty one.

        Raises:
            ApiProblem: It is no address.
        """
        text = self.text(name)
        if not text:
            return None
        try:
            parts = urlsplit(text)
            valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            valid = False
        if not valid:
            raise ApiProblem(400, code, text)
        return text

    def method(self, name: str) -> str:
        """Return GET or POST.

        Raises:
            ApiProblem: It is neither.
        """
        method = self.text(name, "POST").upper()
        if method not in {"GET", "POST"}:
            raise ApiProblem(400, 20422, name)
        return method

    def flag(self, name: str) -> bool:
        """Return whether a parameter is "true"; anything else is false, as by Twilio."""
        return self.text(name, "false").lower() == "true"

    def word(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """Return one of the allowed words.

        Raises:
            ApiProblem: It is another one.
        """
        word = self.text(name, default)
        if word not in allowed:
            raise ApiProblem(400, 20422, name)
        return word

    def seconds(self, name: str, default: int, least: int, most: int, code: int = 20422) -> float:
        """Return a number of seconds.

        Raises:
            ApiProblem: It is none, or out of range.
        """
        text = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,6}", text) or not least <= int(text) <= most:
            raise ApiProblem(400, code, text if code != 20422 else name)
        return float(text)
