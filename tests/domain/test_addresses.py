"""The client's address: seen through trusted proxies, and never through what a client wrote itself."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales.domain.addresses import client_address, counted

PROXIES = (ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32"), ip_network("fd00::/8"))


class TestClientAddress:
    def test_is_the_peer_where_no_proxy_is_trusted(self) -> None:
        assert client_address("203.0.113.9", "198.51.100.1", ()) == "203.0.113.9"

    def test_is_the_peer_where_the_peer_is_no_trusted_proxy(self) -> None:
        assert client_address("203.0.113.9", "198.51.100.1", PROXIES) == "203.0.113.9"

    def test_is_what_the_trusted_proxy_saw(self) -> None:
        assert client_address("10.0.0.1", "203.0.113.9", PROXIES) == "203.0.113.9"

    def test_reads_from_the_right_so_that_a_client_cannot_write_its_own(self) -> None:
        assert client_address("10.0.0.1", "198.51.100.1, 203.0.113.9", PROXIES) == "203.0.113.9"

    def test_goes_through_several_trusted_proxies(self) -> None:
        assert client_address("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.2.2.2, 10.3.3.3", PROXIES) == "203.0.113.9"

    def test_is_the_first_proxy_where_all_are_trusted(self) -> None:
        assert client_address("10.0.0.1", "10.3.3.3, 10.2.2.2", PROXIES) == "10.3.3.3"

    def test_is_the_proxy_itself_where_it_passed_nothing_on(self) -> None:
        assert client_address("10.0.0.1", "", PROXIES) == "10.0.0.1"

    @pytest.mark.parametrize(
        "garbage", ["unknown", "203.0.113.9, hello", "203.0.113.9,", "203.0.113.9, 300.1.1.1", "_x"]
    )
    def test_stops_at_what_is_no_address(self, garbage: str) -> None:
        assert client_address("10.0.0.1", garbage, PROXIES) == "10.0.0.1"

    def test_takes_the_peer_of_a_unix_socket_for_this_machine(self) -> None:
        assert client_address("", "", ()) == "127.0.0.1"
        assert client_address("", "203.0.113.9", ()) == "127.0.0.1"
        assert client_address("", "203.0.113.9", PROXIES) == "203.0.113.9"

    @pytest.mark.parametrize(
        ("written", "address"),
        [
            ("203.0.113.9:4711", "203.0.113.9"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("2001:DB8:0:0::7", "2001:db8::7"),
            ("fe80::1%eth0", "fe80::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ],
    )
    def test_reads_addresses_as_proxies_write_them(self, written: str, address: str) -> None:
        assert client_address("10.0.0.1", written, PROXIES) == address

    @given(peer=st.text(max_size=40), forwarded=st.text(max_size=80))
    def test_is_an_address_whatever_is_written(self, peer: str, forwarded: str) -> None:
        assert counted(client_address(peer, forwarded, PROXIES))


class TestCounted:
    def test_counts_an_ipv4_address_as_itself(self) -> None:
        assert counted("203.0.113.9") == "203.0.113.9"

    def test_counts_ipv6_by_the_network_that_one_household_owns(self) -> None:
        assert counted("2001:db8:1:2:3:4:5:6") == counted("2001:db8:1:2::1") == "2001:db8:1:2::/64"
        assert counted("2001:db8:1:3::1") != counted("2001:db8:1:2::1")
