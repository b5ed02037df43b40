"""The list of one kind of resource of an account, with filters and pages as every list of Twilio's REST API has them.

Follows Twilio's "Twilio's response: paging through API resources". The sid in a page token keeps pages stable while
resources are added.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlencode

from telebridge.simulator.resources.call import API_VERSION
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


R = TypeVar("R", bound=Listed)
Filter = Callable[[str], Callable[[R], bool]]
"""Given the value of a parameter, returns which resources are kept; raises ApiProblem where the value is not valid."""


class ResourceBook(Generic[R]):
    """The resources of one kind of an account, newest last.

    Args:
        account_sid: The account.
        collection: The name of the list in paths, such as "Calls".
        key: The name of the list in its pages.
        filters: The filters of the list, by the names of their parameters.
        newest_first: Whether pages begin with the newest resource, or with the oldest one.
    """

    def __init__(
        self,
        account_sid: str,
        collection: str,
        key: str,
        filters: Mapping[str, Filter[R]] | None = None,
        *,
        newest_first: bool = True,
    ) -> None:
        self.account_sid = account_sid
        self._path = f"/{API_VERSION}/Accounts/{account_sid}/{collection}"
        self._key = key
        self._filters = filters or {}
        self._newest_first = newest_first
        self._resources: dict[str, R] = {}

    def add(self, resource: R) -> None:
        """Add a new resource."""
        self._resources[resource.sid] = resource

    def all(self) -> list[R]:
        """Return all resources, newest last."""
        return list(self._resources.values())

    def find(self, sid: str) -> R:
        """Return the resource of this sid.

        Raises:
            ApiProblem: There is none (404, 20404).
        """
        if sid not in self._resources:
            raise ApiProblem(404, 20404, f"{self._path}/{sid}.json")
        return self._resources[sid]

    def delete(self, sid: str) -> None:
        """Delete a resource.

        Raises:
            ApiProblem: There is none, or it cannot be deleted now (409, 20009).
        """
        del self._resources[self.find(sid).sid]

    def page(self, query: Mapping[str, str]) -> dict[str, object]:
        """Return a page of the list as JSON.

        Raises:
            ApiProblem: A filter or a number is not valid.
        """
        return self.page_of(self.all(), query)

    def page_of(self, resources: Sequence[R], query: Mapping[str, str], uri: str | None = None) -> dict[str, object]:
        """Return a page of some of the resources as JSON.

        Args:
            resources: The resources, newest last.
            query: The query of the request.
            uri: The path of the list, where it is not that of the account.

        Raises:
            ApiProblem: A filter or a number is not valid.
        """
        keeps = [read(query[name]) for name, read in self._filters.items() if query.get(name)]
        ordered = reversed(resources) if self._newest_first else resources
        found = [each for each in ordered if all(keep(each) for keep in keeps)]
        return page_of(found, self._key, uri or f"{self._path}.json", query, filters=tuple(self._filters))


def equal(value: Callable[[R], object]) -> Filter[R]:
    """Return the filter of resources that have the wanted value."""
    return lambda wanted: lambda resource: value(resource) == wanted


def by_time(name: str, instant: Callable[[R], datetime | None]) -> dict[str, Filter[R]]:
    """Return the three filters of an instant: at a time, and with `<` or `>` in the name up to it or from it on."""

    def filter_of(parameter: str) -> Filter[R]:
        def read(wanted: str) -> Callable[[R], bool]:
            keeps = time_filter(parameter, wanted)
            return lambda resource: keeps(instant(resource))

        return read

    return {parameter: filter_of(parameter) for parameter in (name, f"{name}<", f"{name}>")}


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
