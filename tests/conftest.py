"""No property has a deadline: how fast an example runs is the machine's affair, and a loaded one fails nothing."""

from hypothesis import settings

settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")
