"""What is read out of streaming bodies: parts, hashes, pictures, and no secrets."""

import hashlib
import struct
from typing import Any

import pytest

from sandbox.masking import mask, mask_json
from sandbox.mp4 import Mp4Probe
from sandbox.received import Received

BODY = (
    b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n\xd0\x9a\r\n'
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.mp4"\r\n'
    b"Content-Type: video/mp4\r\n\r\nbytes\r\n--b--\r\n"
)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_multipart_body_reads_the_same_in_any_chunks(size: int) -> None:
    received = Received("multipart/form-data; boundary=b", "q=1&q=2")
    for start in range(0, len(BODY), size):
        received.feed(BODY[start : start + size])
    received.finish()
    assert received.problem is None
    assert received.form == [("title", "К")]
    [part] = received.files
    assert (part.name, part.filename, part.content_type) == ("f", "a.mp4", "video/mp4")
    assert (part.blob.bytes, part.blob.sha256) == (5, hashlib.sha256(b"bytes").hexdigest())
    assert received.query == [("q", "1"), ("q", "2")]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"no boundary here"),
        ("multipart/form-data; boundary=b", BODY[:-4]),
        ("application/json", b"{"),
        ("application/json", b"\xff"),
        ("application/json", b" " * (1024 * 1024 + 1)),
    ],
)
def test_a_body_that_cannot_be_understood_says_why(content_type: str, body: bytes) -> None:
    received = Received(content_type, "")
    received.feed(body)
    received.finish()
    assert received.problem


@pytest.mark.parametrize("chunk", [1, 9, 100_000])
def test_size_and_duration_are_read_in_any_chunks(mp4: Any, chunk: int) -> None:
    content = mp4(720, 1280, 9, padding=bytes(5000))
    probe = Mp4Probe()
    for start in range(0, len(content), chunk):
        probe.feed(content[start : start + chunk])
    video = probe.video()
    assert video is not None
    assert (video.width, video.height, video.duration) == (720, 1280, 9)
    assert video.vertical


def test_a_turned_picture_is_measured_as_it_is_shown(mp4: Any) -> None:
    plain = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
    probe = Mp4Probe()
    probe.feed(mp4(1920, 1080).replace(plain, turned))
    video = probe.video()
    assert video is not None
    assert (video.width, video.height) == (1080, 1920)


@pytest.mark.parametrize("content", [b"GIF89a" + bytes(50), b"\0\0\0\x18moov" + bytes(50)])
def test_other_files_are_no_mp4(content: bytes) -> None:
    probe = Mp4Probe()
    probe.feed(content)
    assert probe.is_mp4 is False
    assert probe.video() is None


def test_equal_secrets_look_equal_and_hide_everywhere() -> None:
    secret = "vk2.a.abcdefgh"
    shown = mask_json(
        {
            "access_token": secret,
            "deep": [{"refresh_token": secret}],
            "url": f"http://x.test/?code={secret}&state=s",
            "payload": '{"code": "' + secret + '"}',
            "text": f"the token {secret} is bad",
            "path": "http://x.test/bot123:abc/getMe",
        }
    )
    assert secret not in str(shown)
    assert "123:abc" not in str(shown)
    assert shown["access_token"] == shown["deep"][0]["refresh_token"] == mask(secret)
    assert "state=s" in shown["url"]
