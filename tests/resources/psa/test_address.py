"""Which addresses a PSA may have.

Belongs here: the base URL's check and the look at the connected peer.
Does not belong here: what is asked there.
"""

from urllib.parse import urlsplit

import pytest

from resources.psa.address import checked_base_url
from resources.psa.connectwise import ConnectWise, ConnectWiseCredentials
from resources.psa.errors import Refused
from tests.sandbox.seeds import KEYS
from trueup.sandbox.psa.running import SandboxHandle


@pytest.mark.parametrize(
    ("url", "allow_loopback", "checked"),
    [
        ("https://api-na.myconnectwise.net/", False, "https://api-na.myconnectwise.net"),
        ("https://psa.example:8443", False, "https://psa.example:8443"),
        (" https://8.8.8.8 ", False, "https://8.8.8.8"),
        ("http://127.0.0.1:8800", True, "http://127.0.0.1:8800"),
        ("http://localhost:8800", True, "http://localhost:8800"),
        ("http://[::1]:8800", True, "http://[::1]:8800"),
        ("https://127.0.0.1", True, "https://127.0.0.1"),
    ],
)
def test_a_good_address_is_taken(url: str, allow_loopback: bool, checked: str) -> None:
    assert checked_base_url(url, allow_loopback=allow_loopback) == checked


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("", "must be https and a host", id="nothing"),
        pytest.param("psa.example", "must be https and a host", id="no scheme"),
        pytest.param("ftp://psa.example", "must be https and a host", id="another scheme"),
        pytest.param("https://", "must be https and a host", id="no host"),
        pytest.param("https://psa.example:http", "is no address", id="a port that is no number"),
        pytest.param("https://[::1", "is no address", id="half an address"),
        pytest.param("http://psa.example", "is http, so credentials would travel in the clear", id="http"),
        pytest.param("https://user:secret@psa.example", "holds credentials", id="credentials"),
        pytest.param("https://psa.example/v4_6_release", "has a path or query", id="a path"),
        pytest.param("https://psa.example?x=1", "has a path or query", id="a query"),
        pytest.param("http://127.0.0.1:8800", "names this machine", id="this machine"),
        pytest.param("https://localhost", "names this machine", id="localhost"),
        pytest.param("https://a.localhost", "names this machine", id="a name below localhost"),
        pytest.param("https://[::ffff:127.0.0.1]", "names this machine", id="this machine as an IPv6 address"),
        pytest.param("https://10.0.0.5", "an address of a private network", id="10/8"),
        pytest.param("https://192.168.1.1", "an address of a private network", id="192.168/16"),
        pytest.param("https://172.16.0.1", "an address of a private network", id="172.16/12"),
        pytest.param("https://169.254.169.254", "an address of a private network", id="a cloud's metadata"),
        pytest.param("https://100.64.0.1", "an address of a private network", id="carrier NAT"),
        pytest.param("https://0.0.0.0", "an address of a private network", id="any address"),
        pytest.param("https://224.0.0.1", "an address of a private network", id="multicast"),
        pytest.param("https://[fd00::1]", "an address of a private network", id="IPv6 private"),
        pytest.param("https://[fe80::1]", "an address of a private network", id="IPv6 link-local"),
        pytest.param("https://[::ffff:10.0.0.1]", "an address of a private network", id="IPv4 inside IPv6"),
    ],
)
def test_a_bad_address_is_refused_with_what_is_wrong(url: str, words: str) -> None:
    with pytest.raises(Refused) as caught:
        checked_base_url(url, allow_loopback=False)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://10.0.0.5", "https://10.0.0.5", "http://psa.example"])
def test_leave_for_loopback_opens_nothing_else(url: str) -> None:
    with pytest.raises(Refused):
        checked_base_url(url, allow_loopback=True)


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1"], ids=["short", "one number", "hexadecimal"])
def test_a_name_that_turns_out_to_be_this_machine_gets_no_byte(sandbox: SandboxHandle, host: str) -> None:
    sandbox.set_faults({"rules": [{"match": ".", "do": "500"}]})
    url = f"https://{host}:{urlsplit(sandbox.url).port}"
    with ConnectWise(url, ConnectWiseCredentials(**KEYS)) as psa, pytest.raises(Refused) as caught:
        psa.check_connection()
    assert "leads to 127.0.0.1, an address of this machine. Nothing was sent." in str(caught.value)
