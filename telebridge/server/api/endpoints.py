"""Puts the API's endpoints into an application, with the one that describes them all."""

import asyncio
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from aiohttp import hdrs, web

from telebridge.server.http.bodies import Nothing
from telebridge.server.http.endpoint import JSON, Declaration, Endpoint, endpoint, endpoints_of, register
from telebridge.server.http.openapi import document

DECLARATIONS = web.AppKey("DECLARATIONS", tuple[Declaration[Any, Any], ...])
"""What is declared of every endpoint of an application."""


class DescriptionEndpoint:
    """Answers `/api/openapi.json`."""

    def __init__(self) -> None:
        self._declarations: Sequence[Declaration[Any, Any]] = ()
        self._description: dict[str, Any] | None = None

    def describe_all(self, declarations: Sequence[Declaration[Any, Any]]) -> None:
        """Describe these endpoints from now on."""
        self._declarations = declarations

    @endpoint(hdrs.METH_GET, "/api/openapi.json", "This description.", {200: JSON})
    async def describe(self, _request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """The OpenAPI document of the API.

        It is made with the first request, in a thread: that takes as long as a tenth of a start.
        """
        if self._description is None:
            self._description = await asyncio.to_thread(document, self._declarations, version=_version())
        return web.json_response(self._description)


def add_api(app: web.Application, *handlers: object) -> None:
    """Put the endpoints that the handlers declare into an application.

    Problems and access are the business of its middlewares.
    """
    description = DescriptionEndpoint()
    endpoints: tuple[Endpoint[Any, Any], ...] = endpoints_of(*handlers, description)
    declarations: tuple[Declaration[Any, Any], ...] = tuple(one.declared for one in endpoints)
    app[DECLARATIONS] = declarations
    description.describe_all(declarations)
    register(app, endpoints)


def _version() -> str:
    try:
        return version("telebridge")
    except PackageNotFoundError:  # run from its folder, without being installed
        return "0"
