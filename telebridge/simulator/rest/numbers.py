"""The routes of numbers: those of the account, and those that can be bought.

Follows Twilio's IncomingPhoneNumber and AvailablePhoneNumber resources.
"""

from telebridge.simulator.resources.offered import KINDS, countries_json, country_json, offered_json
from telebridge.simulator.rest.api import ACCOUNT, ApiAnswer, ApiRequest, ApiRoute, created, deleted, found

OWNED, OFFERED = f"{ACCOUNT}/IncomingPhoneNumbers", f"{ACCOUNT}/AvailablePhoneNumbers"


def _list(request: ApiRequest) -> ApiAnswer:
    return found(request.account.books.numbers.page(request.query))


def buy(request: ApiRequest) -> ApiAnswer:
    """Buy a number, with its webhooks."""
    return created(request.account.books.numbers.buy(request.form).as_json())


def _fetch(request: ApiRequest) -> ApiAnswer:
    return found(request.account.books.numbers.find(request.names["sid"]).as_json())


def update(request: ApiRequest) -> ApiAnswer:
    """Change the webhooks of a number."""
    number = request.account.books.numbers.find(request.names["sid"])
    number.update(request.form)
    return found(number.as_json())


def _release(request: ApiRequest) -> ApiAnswer:
    request.account.books.numbers.delete(request.names["sid"])
    return deleted()


def _countries(request: ApiRequest) -> ApiAnswer:
    return found(countries_json(request.account.options.account_sid))


def _country(request: ApiRequest) -> ApiAnswer:
    return found(country_json(request.account.options.account_sid, request.names["country"]))


def _offered(request: ApiRequest) -> ApiAnswer:
    sid, owned = request.account.options.account_sid, request.account.books.numbers.owned
    kind = request.path.rpartition("/")[2].removesuffix(".json")
    return found(offered_json(sid, request.names["country"], kind, request.query, owned))


ROUTES = (
    *(ApiRoute("GET", f"{OWNED}/{kind}.json", _list) for kind in KINDS),
    *(ApiRoute("POST", f"{OWNED}/{kind}.json", buy) for kind in KINDS),
    ApiRoute("GET", f"{OWNED}.json", _list),
    ApiRoute("POST", f"{OWNED}.json", buy),
    ApiRoute("GET", f"{OWNED}/{{sid}}.json", _fetch),
    ApiRoute("POST", f"{OWNED}/{{sid}}.json", update),
    ApiRoute("DELETE", f"{OWNED}/{{sid}}.json", _release),
    ApiRoute("GET", f"{OFFERED}.json", _countries),
    ApiRoute("GET", f"{OFFERED}/{{country}}.json", _country),
    *(ApiRoute("GET", f"{OFFERED}/{{country}}/{kind}.json", _offered) for kind in KINDS),
)
