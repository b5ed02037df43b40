"""`python -m telebridge` is `telebridge`."""

from telebridge.cli.main import run

run()
