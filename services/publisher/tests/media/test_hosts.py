"""No address makes us connect to where we must not: the canary on loopback sees nobody."""

from collections.abc import Sequence

import pytest

from publisher.media.addresses import is_public
from publisher.media.errors import MediaRefused, MediaUnavailable
from publisher.media.hosts import AllowedHost
from publisher.media.remote import Remote
from publisher.media.remote_file import Patience

from .origin import answer, origin

pytestmark = pytest.mark.anyio
NOBODYS = "192.88.99.1"
"""Public by its number, and given back by all who had it."""


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2a00:1450:4010:c05::71", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("0.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("192.0.2.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("239.1.1.1", False),
        ("255.255.255.255", False),
        ("240.0.0.1", False),
        ("::", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("::127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::808:808", False),
        ("2002:7f00:1::", False),
        ("2002:808:808::", False),
        ("2001:0:808:808::1", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
        ("localhost", False),
        ("2130706433", False),
        ("", False),
    ],
)
def test_m1_only_what_the_internet_owns_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433:{port}/",
        "http://0x7f.1:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://127.1:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost:{port}/",
        "http://localhost.:{port}/",
        "http://cdn.example.com@127.0.0.1:{port}/",
        "http://user:password@cdn.example.com/",
        "https://cdn.example.com:{port}@127.0.0.1:{port}/",
        "https://cdn.example.com\\@127.0.0.1:{port}/",
        "https://cdn.example.com#@127.0.0.1:{port}/",
        "https://cdn.example.com.:443/",
        "https://cdn.example.com:444/",
        "https://sub.cdn.example.com/",
        "https://evil-cdn.example.com/",
        "http://cdn.example.com/",
        "http://127.0.0.1/",
        "https://127.0.0.1:{port}/",
        "http://127.0.0.2:{port}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
        "ftp://cdn.example.com/",
        "//cdn.example.com/a",
        "cdn.example.com/a",
        "https:///a",
        "https://cdn.example.com/\r\nHost: evil",
        "https://cdn.example.com/" + "a" * 3000,
        "",
    ],
)
async def test_m1_an_address_that_is_not_allowed_is_never_asked(url: str) -> None:
    async def loopback(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with origin(b"x") as canary:
        allowed = ("cdn.example.com", f"http://127.0.0.9:{canary.port}")
        with pytest.raises(MediaRefused):
            async with Remote(allowed, resolve=loopback).open(url.format(port=canary.port)):
                pass
        assert canary.hits == 0


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"]]
)
async def test_m1_a_name_that_leads_inside_is_refused(addresses: list[str]) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    async with origin(b"x") as canary:
        files = Remote((f"cdn.example.com:{canary.port}",), resolve=resolve)
        with pytest.raises(MediaRefused):
            async with files.open(f"https://cdn.example.com:{canary.port}/a.mp4"):
                pass
        assert canary.hits == 0


async def test_m1_a_name_that_changes_its_address_after_the_check_leads_nowhere_else() -> None:
    asked = 0

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        nonlocal asked
        asked += 1
        return ["127.0.0.1"] if asked == 1 else ["127.0.0.2"]

    async with origin(b"x" * 100) as good, origin(b"y", host="127.0.0.2", port=good.port) as canary:
        entry = f"http://clips.test:{good.port}"
        async with Remote((entry,), resolve=rebinding).open(f"{entry}/a.mp4") as opened:
            assert await opened.read(0, 5) == b"xxxxx"
            assert b"".join([piece async for piece in opened.pieces(0, 100)]) == b"x" * 100
        assert asked == 1
        assert canary.hits == 0


async def test_m1_a_name_that_is_public_first_and_loopback_then_reaches_nobody() -> None:
    answers = iter([NOBODYS, "127.0.0.1", "::1", NOBODYS])

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        return [next(answers)]

    async with origin(b"x") as canary:
        url = f"https://cdn.example.com:{canary.port}"
        files = Remote((url.removeprefix("https://"),), resolve=rebinding, patience=Patience(0.5))
        for error in (MediaUnavailable, MediaRefused, MediaRefused, MediaUnavailable):
            with pytest.raises(error):
                async with files.open(f"{url}/a.mp4"):
                    pass
        assert canary.hits == 0


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:{canary}/",
        "//127.0.0.1:{canary}/",
        "https://inside.test:{canary}/",
        "http://user@127.0.0.1:{host}/",
        "file:///etc/passwd",
        "javascript:alert(1)",
    ],
)
async def test_m1_a_redirect_is_vetted_like_the_first_address(location: str) -> None:
    async def loopback(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with origin(b"x") as host, origin(b"y") as canary:
        line = f"Location: {location.format(canary=canary.port, host=host.port)}"
        host.reply = lambda _start, _stop: answer("302 Found", line, "Content-Length: 0")
        allowed = (host.entry, f"inside.test:{canary.port}")
        with pytest.raises(MediaRefused):
            async with Remote(allowed, resolve=loopback).open(host.url):
                pass
        assert canary.hits == 0


async def test_m1_the_environment_can_not_send_us_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with origin(b"x") as host, origin(b"y") as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.entry)
        async with Remote((host.entry,)).open(host.url) as opened:
            assert await opened.read(0, 1) == b"x"
        assert proxy.hits == 0


async def test_a_name_without_an_address_is_unavailable() -> None:
    async def nowhere(_host: str, _port: int) -> Sequence[str]:
        raise OSError

    with pytest.raises(MediaUnavailable):
        async with Remote(("cdn.example.com",), resolve=nowhere).open("https://cdn.example.com/a"):
            pass


def test_what_the_setting_may_say() -> None:
    assert AllowedHost.parse("CDN.example.com") == AllowedHost(
        "https", "cdn.example.com", 443, vouched=False
    )
    assert AllowedHost.parse("cdn.example.com:8443").port == 8443
    assert AllowedHost.parse("http://127.0.0.1:9000") == AllowedHost(
        "http", "127.0.0.1", 9000, vouched=True
    )
    assert AllowedHost.parse("пример.рф").host == "xn--e1afmkfd.xn--p1ai"


@pytest.mark.parametrize(
    "entry",
    ["", "*.example.com", "http://cdn.example.com", "a/b", "ftp://a:1", "u@a", "a?b", "a:x"],
)
def test_a_setting_that_is_no_host_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        AllowedHost.parse(entry)
