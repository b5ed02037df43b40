"""The pages stand beside the API of a whole bridge, unless the settings take them away."""

from support.databases import make_migrated

from telebridge.app.bridge import create_app
from telebridge.settings.settings import Settings

PAGES = {"/", "/login", "/static/{name}"}


def paths(tmp_path, **pages):
    make_migrated(tmp_path / "telebridge.db")
    app = create_app(Settings(state_dir=tmp_path, secret="secret", pages=pages, rime={"url": "ws://127.0.0.1:9"}))
    return {route.resource.canonical for route in app.router.routes()}


async def test_the_settings_can_take_the_pages_away(tmp_path):
    assert paths(tmp_path) >= PAGES
    assert not paths(tmp_path, enabled=False) & PAGES
