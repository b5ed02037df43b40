"""The routes of the account itself: the resource, its balance, and its notifications.

Follows Twilio's Account, Balance and Notification resources.
"""

from telebridge.simulator.resources.numbers import account_json
from telebridge.simulator.resources.pages import DEFAULT_PAGE
from telebridge.simulator.rest.api import ACCOUNT, ROOT, ApiAnswer, ApiRequest, ApiRoute, found

NOTIFICATIONS = f"{ACCOUNT}/Notifications"


def _account(request: ApiRequest) -> dict[str, object]:
    options = request.account.options
    return account_json(options.account_sid, trial=options.trial)


def _list(request: ApiRequest) -> ApiAnswer:
    page = {"accounts": [_account(request)], "page": 0, "page_size": DEFAULT_PAGE, "start": 0, "end": 0}
    return found({**page, "next_page_uri": None, "previous_page_uri": None, "uri": request.path})


def _fetch(request: ApiRequest) -> ApiAnswer:
    return found(_account(request))


def _balance(request: ApiRequest) -> ApiAnswer:
    return found({"account_sid": request.account.options.account_sid, "balance": "100.00", "currency": "USD"})


def _notifications(request: ApiRequest) -> ApiAnswer:
    return found(request.account.books.notifications.page(request.query))


def _notification(request: ApiRequest) -> ApiAnswer:
    return found(request.account.books.notifications.find(request.names["sid"]).as_json())


ROUTES = (
    ApiRoute("GET", f"{ROOT}/Accounts.json", _list),
    ApiRoute("GET", f"{ACCOUNT}.json", _fetch),
    ApiRoute("GET", f"{ACCOUNT}/Balance.json", _balance),
    ApiRoute("GET", f"{NOTIFICATIONS}.json", _notifications),
    ApiRoute("GET", f"{NOTIFICATIONS}/{{sid}}.json", _notification),
)
