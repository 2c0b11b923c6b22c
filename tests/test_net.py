"""The guard against private addresses, and the host map."""

import pytest

from spiders.net import is_public
from theftwatch.config import Settings
from theftwatch.errors import UsageError


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"],
)
def test_public_addresses_pass(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "100.64.0.1",
     "100.100.100.200", "169.254.170.2", "168.63.129.16", "192.0.0.192", "198.18.0.1", "240.0.0.1", "255.255.255.255",
     "::", "::1", "fe80::1%eth0", "fec0::1", "fd00::1", "fd00:ec2::254", "ff02::1", "ff0e::1", "2001:db8::1", "4000::1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "::ffff:0:127.0.0.1",
     "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
     "2001:0:7f00:1::"],
)  # fmt: skip
def test_private_addresses_do_not(address):
    assert not is_public(address)


def test_a_host_is_mapped_by_its_name_or_that_of_its_parents():
    own = Settings(host_map={"www.etsy.com": "127.0.0.1:1", "*.alibaba.com": "127.0.0.1:2"})
    assert own.mapped("www.etsy.com") == "127.0.0.1:1"
    assert own.mapped("hkduotts.en.alibaba.com") == "127.0.0.1:2"
    assert own.mapped("www.alibaba.com") == "127.0.0.1:2"
    assert own.mapped("alibaba.com") is None
    assert own.mapped("notalibaba.com") is None
    assert own.mapped("i.etsystatic.com") is None


def test_a_host_map_is_read_from_the_environment(monkeypatch):
    from theftwatch.config import settings

    monkeypatch.setenv("THEFTWATCH_HOST_MAP", "www.etsy.com=127.0.0.1:1, *.alibaba.com=127.0.0.1:2,")
    settings.cache_clear()
    assert settings().host_map == {"www.etsy.com": "127.0.0.1:1", "*.alibaba.com": "127.0.0.1:2"}
    monkeypatch.setenv("THEFTWATCH_HOST_MAP", "www.etsy.com")
    settings.cache_clear()
    with pytest.raises(UsageError, match=r"THEFTWATCH_HOST_MAP.*www\.etsy\.com"):
        settings()


def test_the_user_agent_names_the_contact():
    assert Settings(contact="https://example.org/us").user_agent.endswith("(+https://example.org/us)")
