"""The routes of text messages.

Follows Twilio's Message resource.
"""

from telebridge.simulator.resources.fields import RequestFields
from telebridge.simulator.resources.messages import read_message
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.simulator.rest.api import ACCOUNT, ApiAnswer, ApiRequest, ApiRoute, created, deleted, found

MESSAGES = f"{ACCOUNT}/Messages"


def create(request: ApiRequest) -> ApiAnswer:
    """Send a message."""
    setup = read_message(request.form, owned_numbers=request.account.owned_numbers)
    verified = request.account.options.verified_numbers
    if verified is not None and setup.to not in verified:
        raise ApiProblem(400, 21608, setup.to)
    return created(request.account.messages.send(setup).as_json())


def _list(request: ApiRequest) -> ApiAnswer:
    return found(request.account.books.messages.page(request.query))


def _fetch(request: ApiRequest) -> ApiAnswer:
    return found(request.account.books.messages.find(request.names["sid"]).as_json())


def update(request: ApiRequest) -> ApiAnswer:
    """Remove the text of a message."""
    message = request.account.books.messages.find(request.names["sid"])
    if "Body" in request.form:
        if RequestFields(request.form).text("Body"):
            raise ApiProblem(400, 20422, "Body")
        message.body = ""
    return found(message.as_json())


def _delete(request: ApiRequest) -> ApiAnswer:
    request.account.books.messages.delete(request.names["sid"])
    return deleted()


ROUTES = (
    ApiRoute("GET", f"{MESSAGES}.json", _list),
    ApiRoute("POST", f"{MESSAGES}.json", create),
    ApiRoute("GET", f"{MESSAGES}/{{sid}}.json", _fetch),
    ApiRoute("POST", f"{MESSAGES}/{{sid}}.json", update),
    ApiRoute("DELETE", f"{MESSAGES}/{{sid}}.json", _delete),
)
