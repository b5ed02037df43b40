"""What all routes of the REST API share: credentials, faults, the rate limit, and error responses as JSON.

Follows Twilio's "Requests to the REST API" and "REST API best practices". A path that no route has is Twilio's 404
(20404), a method that a route does not have is its 405 (20004). A parameter that no handler asks for is named in the
log.
"""

import asyncio
import base64
import binascii
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.typedefs import Handler

from telebridge.logs import logger
from telebridge.simulator.account import Simulator
from telebridge.simulator.resources.call import API_VERSION
from telebridge.simulator.resources.fields import WatchedForm
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.simulator.setup.faults import RestFault
from telebridge.simulator.setup.options import SimulatorOptions

LOG = logger("telebridge.simulator")
ROOT = f"/{API_VERSION}"
ACCOUNT = f"{ROOT}/Accounts/{{account}}"


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request.

    Args:
        account: The simulated account.
        names: What stands in the path, such as `sid`.
        path: The path.
        query: The query.
        form: The form, a list of values for each name.
    """

    account: Simulator
    names: Mapping[str, str]
    path: str
    query: Mapping[str, str]
    form: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """A response: a resource, or with 204 nothing."""

    status: int
    body: Mapping[str, object] | None = None


ApiHandler = Callable[[ApiRequest], ApiAnswer | web.Response]


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """One route of the API.

    Args:
        method: GET, POST or DELETE.
        path: The path with names in braces.
        handler: Answers it.
        is_public: Whether it needs no credentials, as the media of recordings.
    """

    method: str
    path: str
    handler: ApiHandler
    is_public: bool = False

    def has(self, path: str) -> bool:
        """Whether this route has a path, whatever the method."""
        fixed = re.split(r"\{\w+\}", self.path)
        return re.fullmatch("[^/]+".join(map(re.escape, fixed)), path) is not None


def found(body: Mapping[str, object]) -> ApiAnswer:
    """Return the response with a resource that there is."""
    return ApiAnswer(200, body)


def created(body: Mapping[str, object]) -> ApiAnswer:
    """Return the response with a resource that was made."""
    return ApiAnswer(201, body)


def deleted() -> ApiAnswer:
    """Return the response to a deletion."""
    return ApiAnswer(204)


class RateLimit:
    """Allows so many requests a second, and as many at once.

    Args:
        per_second: The rate; None for no limit.
        now: Returns monotonic seconds.
    """

    def __init__(self, per_second: float | None, now: Callable[[], float]) -> None:
        self._per_second = per_second
        self._now = now
        self._free = per_second or 0.0
        self._at = now()

    def allows(self) -> bool:
        """Whether one more request is allowed now; it counts then."""
        if self._per_second is None:
            return True
        now = self._now()
        self._free = min(max(self._per_second, 1.0), self._free + (now - self._at) * self._per_second)
        self._at = now
        if self._free < 1.0:
            return False
        self._free -= 1.0
        return True


class RestApi:
    """The routes of the API as aiohttp's.

    Args:
        options: Credentials, the rate limit and the faults of REST requests.
        account: Returns the account; called at each request.
    """

    def __init__(self, options: SimulatorOptions, account: Callable[[], Simulator]) -> None:
        self._options = options
        self._account = account
        self._faults = list(options.faults.rest)
        self._limit: RateLimit | None = None
        self._routes: list[ApiRoute] = []

    def add_to(self, app: web.Application, routes: Iterable[ApiRoute]) -> None:
        """Add routes to an application, and the answer to every path that none of them has."""
        self._routes += routes
        for route in self._routes:
            app.router.add_route(route.method, route.path, self._handler(route))
        app.router.add_route("*", "/{path:.*}", self._no_route)

    def _handler(self, route: ApiRoute) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                if not route.is_public:
                    self._authenticate(request)
                self._check_rate()
                fault = self._fault(request.method)
                if fault.delay_seconds:
                    await asyncio.sleep(fault.delay_seconds)
                if fault.status is not None:
                    raise ApiProblem(fault.status, fault.code)
                form = WatchedForm(await _form(request))
                answer = route.handler(self._request(request, form))
                if form.unread:
                    LOG.warning("parameters are not simulated", path=request.path, parameters=form.unread)
            except ApiProblem as problem:
                return web.json_response(problem.as_json(), status=problem.status)
            if fault.lose_answer and request.transport is not None:
                request.transport.abort()
            return answer if isinstance(answer, web.Response) else _response(answer)

        return handle

    async def _no_route(self, request: web.Request) -> web.Response:
        try:
            if request.path.startswith(ROOT):
                self._authenticate(request)
            if any(route.has(request.path) for route in self._routes):
                raise ApiProblem(405, 20004)
            raise ApiProblem(404, 20404, request.path)
        except ApiProblem as problem:
            return web.json_response(problem.as_json(), status=problem.status)

    def _request(self, request: web.Request, form: Mapping[str, Sequence[str]]) -> ApiRequest:
        names = {name: value for name, value in request.match_info.items() if name != "account"}
        return ApiRequest(self._account(), names, request.path, dict(request.query), form)

    def _authenticate(self, request: web.Request) -> None:
        user, password = _credentials(request.headers.get("Authorization", ""))
        secrets = {self._options.account_sid: self._options.auth_token, **self._options.api_keys}
        wanted = secrets.get(user)
        if wanted is None or not hmac.compare_digest(password.encode(), wanted.encode()):
            raise ApiProblem(401, 20003)
        if request.match_info.get("account", self._options.account_sid) != self._options.account_sid:
            raise ApiProblem(404, 20404, request.path)

    def _check_rate(self) -> None:
        if self._limit is None:
            loop = asyncio.get_running_loop()
            self._limit = RateLimit(self._options.requests_per_second, loop.time)
        if not self._limit.allows():
            raise ApiProblem(429, 20429)

    def _fault(self, method: str) -> RestFault:
        for fault in self._faults:
            if fault.method == method:
                self._faults.remove(fault)
                return fault
        return RestFault(method)


async def _form(request: web.Request) -> dict[str, list[str]]:
    form: dict[str, list[str]] = {}
    for name, value in parse_qsl(await request.text(), keep_blank_values=True):
        form.setdefault(name, []).append(value)
    return form


def _response(answer: ApiAnswer) -> web.Response:
    if answer.body is None:
        return web.Response(status=answer.status)
    return web.json_response(answer.body, status=answer.status)


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password
