"""A key tells whose the file is; nobody reaches another's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.media import keys
from publisher.media.errors import MediaMissing


@given(st.text(min_size=1, max_size=200), st.text(max_size=300))
def test_a_new_key_belongs_to_its_user(user: str, name: str) -> None:
    user = user.encode(errors="replace").decode()
    key = keys.new_key(user, name)
    assert keys.belongs(key, user)
    assert len(key.encode()) < 400


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_users_never_share_a_folder(one: str, other: str) -> None:
    first, second = (user.encode(errors="replace").decode() for user in (one, other))
    if first != second:
        assert keys.prefix(first).lower() != keys.prefix(second).lower()


@pytest.mark.parametrize(
    "key",
    [
        "u/me/../you/a.mp4",
        "u/me/./a.mp4",
        "u/me//a.mp4",
        "u/me/",
        "u/me",
        "/u/me/a.mp4",
        "u/me/a\0.mp4",
        "u/me/..\\a.mp4",
        "u/me/" + "a" * 300,
        "u/me/" + "a/" * 20 + "b",
        ".incoming/x/y",
        "u/you/a.mp4",
        "u/me2/a.mp4",
        "",
    ],
)
def test_m3_what_is_not_mine_is_refused(key: str) -> None:
    assert not keys.belongs(key, "me")


def test_the_host_product_may_lay_out_its_files() -> None:
    assert keys.belongs("u/me/2026/март/клип.mp4", "me")
    with pytest.raises(MediaMissing):
        keys.split("other/me/a.mp4")
