"""Names of new resources.

Follows Twilio, "Glossary: SID": two letters and 32 hexadecimal digits.
"""

from uuid import uuid4


def new_sid(prefix: str) -> str:
    """Return a name that no other resource has."""
    return f"{prefix}{uuid4().hex}"
