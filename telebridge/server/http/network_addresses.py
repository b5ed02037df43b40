"""Network addresses as peers and headers write them.

On a socket that listens for both families an IPv4 peer has an IPv6 address (RFC 4291, 2.5.5.2); here it is an IPv4 one.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


def is_in(address: str, networks: tuple[Network, ...]) -> bool:
    """Return whether an address lies in one of the networks; False for what is no address."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


def address_of(address: str) -> str:
    """Return what counts as one address: of IPv6 the network of 64 bits, which one machine has to itself."""
    match _parsed(address):
        case IPv4Address() as four:
            return str(four)
        case IPv6Address() as six:
            return str(IPv6Network((int(six) >> 64 << 64, 64)))
        case None:
            return ""


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed
