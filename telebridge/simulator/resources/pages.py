"""Pages of a list, as every list of Twilio's REST API has them.

Follows Twilio's "Twilio's response: paging through API resources". The sid in a page token keeps pages stable while
resources are added.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlencode

from telebridge.simulator.resources.problems import ApiProblem

DEFAULT_PAGE, LARGEST_PAGE = 50, 1000


class Listed(Protocol):
    """A resource that stands in a list."""

    @property
    def sid(self) -> str:
        """Its sid."""
        ...

    def as_json(self) -> dict[str, object]:
        """Return the resource as Twilio does."""
        ...


def page_of(
    found: Sequence[Listed], key: str, uri: str, query: Mapping[str, str], *, filters: Sequence[str] = ()
) -> dict[str, object]:
    """Return a page as JSON.

    Args:
        found: All resources that the filters keep, in their order.
        key: The name of the list in the answer.
        uri: The path of the list.
        query: The query of the request.
        filters: The names of the filters, which the addresses of other pages repeat.

    Raises:
        ApiProblem: A number of the query is not valid.
    """
    size = min(_whole(query, "PageSize", DEFAULT_PAGE, least=1), LARGEST_PAGE)
    number = _whole(query, "Page", 0, least=0)
    start = _after_token(found, query.get("PageToken", ""), number * size)
    shown = found[start : start + size]
    kept = {name: query[name] for name in filters if query.get(name)}

    def page_uri(page: int, token: str = "") -> str:
        more = {"PageToken": token} if token else {}
        return f"{uri}?{urlencode({**kept, 'PageSize': size, 'Page': page, **more})}"

    further = start + size < len(found)
    return {
        key: [resource.as_json() for resource in shown],
        "end": max(start + len(shown) - 1, 0),
        "first_page_uri": page_uri(0),
        "next_page_uri": page_uri(number + 1, f"PA{shown[-1].sid}") if further else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": page_uri(number - 1) if number else None,
        "start": start,
        "uri": page_uri(number),
    }


def time_filter(name: str, wanted: str) -> Callable[[datetime | None], bool]:
    """Return a filter by time: bounds are inclusive; a bound without a time of day means that whole day in UTC.

    Args:
        name: The name of the filter; `<` or `>` at its end says which side is kept.
        wanted: The bound.

    Raises:
        ApiProblem: The bound is no time.
    """
    try:
        instant = datetime.fromisoformat(wanted)
    except ValueError:
        raise ApiProblem(400, 20422, name) from None
    bound = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    whole_day = len(wanted) == len("2026-03-02")

    def keeps(at: datetime | None) -> bool:
        if at is None:
            return False
        order = _order(at, bound, whole_day=whole_day)
        return order <= 0 if name.endswith("<") else order >= 0 if name.endswith(">") else order == 0

    return keeps


def _order(at: datetime, bound: datetime, *, whole_day: bool) -> int:
    if whole_day:
        return (at.date() > bound.date()) - (at.date() < bound.date())
    at = at.replace(microsecond=0)
    return (at > bound) - (at < bound)


def _after_token(found: Sequence[Listed], token: str, otherwise: int) -> int:
    for index, resource in enumerate(found):
        if token == f"PA{resource.sid}":
            return index + 1
    return otherwise


def _whole(query: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = query.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and int(text) >= least):
        raise ApiProblem(400, 20422, name)
    return int(text)
