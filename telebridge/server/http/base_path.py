"""The path of `public_url`: load balancers strip it from requests or leave it there, so the bridge answers at both.

One rule: an address below the path is the same address without it, for access and problem documents too; a request for
Twilio's webhooks below another path is answered 404 and logged, because a setting is wrong.
"""

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from telebridge import metrics
from telebridge.server.http.refusal_log import RefusalLog

WEBHOOKS = "/twilio/"
BASE = web.AppKey("BASE", str)
BELOW = web.AppKey("BELOW", dict[str, str])
"""The paths of the routes below the base path, and those of the same routes without it."""


def base_path(public_url: str) -> str:
    """The path of a public address without a slash at its end; empty when it has none."""
    return urlsplit(public_url).path.rstrip("/")


def is_under(path: str, *folders: str) -> bool:
    """Whether a path is one of the folders, or lies in one."""
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def serve_below(app: web.Application, base: str) -> None:
    """Add every route of `app` once more below the base path; to be called after the last route was added.

    Where two would be at one path, such as `/calls` below `/api` and `/api/calls`, it is the one without the base path.
    """
    if not base:
        return
    app[BASE] = base
    app[BELOW] = {}
    routes = list(app.router.routes())
    taken = {route.resource.canonical for route in routes if route.resource is not None}
    for route in routes:
        if route.resource is not None and base + route.resource.canonical not in taken:
            path = route.resource.canonical
            below = app.router.add_route(
                route.method, base + path, route.handler, expect_handler=route.handle_expect_header
            )
            if below.resource is not None:
                app[BELOW][below.resource.canonical] = path


def is_for(request: web.Request, *folders: str) -> bool:
    """Whether a request is for what lies in one of the folders, without the base path or below it.

    The route that was found decides; a path without a route counts as either.
    """
    resource = request.match_info.route.resource
    if resource is not None:
        return is_under(request.app.get(BELOW, {}).get(resource.canonical, resource.canonical), *folders)
    base = request.app.get(BASE, "")
    return is_under(request.path, *folders, *(base + folder for folder in folders))


def misplaced_webhooks(base: str) -> Middleware:
    """The middleware that logs requests for Twilio's webhooks where nothing is served, such as `/x/twilio/voice`.

    A proxy adds a path then that `public_url` has not, or the address at Twilio is another one than `public_url`.
    """
    refusals = RefusalLog()

    @web.middleware
    async def noticed(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound:
            if request.match_info.http_exception is not None and WEBHOOKS in request.path:
                metrics.REFUSED.labels("webhook", "path").inc()
                refusals.write(
                    "request refused: no webhook is at this path; let public_url have the path that the proxy adds",
                    path=request.path,
                    served=f"{base}{WEBHOOKS}…",
                )
            raise

    return noticed
