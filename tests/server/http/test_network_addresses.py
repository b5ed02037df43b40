"""Addresses as peers and headers write them."""

from ipaddress import ip_network

import pytest

from telebridge.server.http.network_addresses import address_of, is_in

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def test_an_ipv6_network_is_one_address():
    assert address_of("2001:db8::1") == address_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert address_of("::ffff:192.0.2.1") == address_of("192.0.2.1") == "192.0.2.1"
    assert address_of("fe80::1%eth0") == "fe80::/64"
    assert address_of("nonsense") == ""


@pytest.mark.parametrize(
    ("address", "within"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("fd00::1", True), ("192.0.2.1", False), ("", False), ("x", False)],
)
def test_an_ipv4_peer_of_a_socket_for_both_families_is_in_its_network(address, within):
    assert is_in(address, PROXIES) == within
