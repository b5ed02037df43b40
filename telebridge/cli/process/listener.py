"""The socket that a server listens on.

One rule: the address `::` takes IPv4 as well, wherever the system can do both on one socket. The event loops alone
would take IPv6 only.
"""

import socket

BACKLOG = 1024
ANY_IPV6 = "::"


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, which worker processes may inherit.

    Raises:
        OSError: The address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == ANY_IPV6 and socket.has_dualstack_ipv6()
    return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
