"""Words and bounds that calls in Python and scenario files share; light to import.

One rule: what a caller can do has one spelling.
"""

import re

SUFFIX = ".call.yaml"
"""The end of the name of a scenario file."""
KEYS = re.compile(r"[0-9A-D*#w]+")
"""What a caller can press; `w` is half a second's pause."""
NUMBER = r"^\+[0-9]{2,15}$"
"""A telephone number in E.164."""
WITHIN_SECONDS = 30.0
"""How long an expectation waits by default."""
