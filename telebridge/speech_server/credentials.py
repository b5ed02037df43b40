"""Authentication of a client by its `Authorization` header.

Follows Rime, "API authentication" and "Errors": a bearer, refused with 401 and plain text before anything else happens.
"""

import hmac

SCHEME = "Bearer "


def refusal(api_key: str | None, header: str | None) -> str | None:
    """Return the body of the 401 response, or None when the client is authenticated.

    Args:
        api_key: The only key that is accepted; None for any.
        header: The header that the client sent.
    """
    if header is None:
        return "missing headers"
    if not header.startswith(SCHEME):
        return "empty apikey" if header.strip() == SCHEME.strip() else "invalid api key"
    key = header.removeprefix(SCHEME).strip()
    if not key:
        return "empty apikey"
    if api_key is not None and not hmac.compare_digest(key.encode(), api_key.encode()):
        return "invalid api key"
    return None
