"""Composition: settings in, an aiohttp application out. Here, and only here, the parts meet."""
