"""The local Twilio as an aiohttp application: Twilio's REST API, and routes of its own for use from a shell."""

from collections.abc import AsyncIterator

from aiohttp import web

from telebridge.simulator.account import Simulator
from telebridge.simulator.own_routes import OwnRoutes
from telebridge.simulator.rest import accounts, calls, conferences, messages, numbers, recordings
from telebridge.simulator.rest.api import ApiRoute, RestApi
from telebridge.simulator.setup.options import SimulatorOptions

SIMULATOR = web.AppKey("SIMULATOR", Simulator)

ROUTES: tuple[ApiRoute, ...] = (
    *accounts.ROUTES,
    *calls.ROUTES,
    *conferences.ROUTES,
    *messages.ROUTES,
    *numbers.ROUTES,
    *recordings.ROUTES,
)


def create_app(options: SimulatorOptions | None = None) -> web.Application:
    """Create the application of the local Twilio. Once it runs, `app[SIMULATOR]` is its account."""
    options = options or SimulatorOptions()
    app = web.Application()
    OwnRoutes(lambda: app[SIMULATOR]).add_to(app)
    RestApi(options, lambda: app[SIMULATOR]).add_to(app, ROUTES)

    async def account_is_open(running: web.Application) -> AsyncIterator[None]:
        running[SIMULATOR] = Simulator(options)
        yield
        await running[SIMULATOR].aclose()

    app.cleanup_ctx.append(account_is_open)
    return app
