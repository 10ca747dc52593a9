"""Keys of the media store: whose a file is can be read from its key, and only from it.

`u/<user>/<uuid7>/<name>`. The host product may put files itself anywhere below `u/<user>/`.
`<user>` is the user's id where that is 1–64 of `a-z 0-9 _ -`, otherwise `~` and the SHA-256 of the
id in hex: two ids can't meet, not even on a disk that takes `A` and `a` for the same.
"""

import re
import unicodedata
from hashlib import sha256
from pathlib import PurePosixPath

from common.ids import new_id
from publisher.media.errors import MediaMissing

PLAIN_USER = re.compile(r"[a-z0-9_-]{1,64}")
UNWANTED = re.compile(r'[<>:"|?*#%&\\/~`]')
NAME_BYTES = 160
PART_BYTES = 255
KEY_BYTES = 1024
KEY_PARTS = 12


def prefix(user: str) -> str:
    """Where this user's files lie, with the slash."""
    folder = user if PLAIN_USER.fullmatch(user) else "~" + sha256(user.encode()).hexdigest()
    return f"u/{folder}/"


def new_key(user: str, name: str) -> str:
    """A key that was never given before. `name` may be anything a person or program sent."""
    return f"{prefix(user)}{new_id()}/{safe_name(name)}"


def belongs(key: str, user: str) -> bool:
    """Whether this is a well-formed key of a file of this user."""
    try:
        split(key)
    except MediaMissing:
        return False
    return key.startswith(prefix(user))


def split(key: str) -> tuple[str, ...]:
    """The parts of a key. Raises MediaMissing for one that can't be ours."""
    parts = tuple(key.split("/"))
    if (
        parts[0] != "u"
        or not 3 <= len(parts) <= KEY_PARTS
        or len(key.encode(errors="replace")) > KEY_BYTES
        or not all(_plain(part) for part in parts)
    ):
        raise MediaMissing("not a key")
    return parts


def safe_name(name: str) -> str:
    """A file name without paths, control or invisible characters and signs that shells and disks
    read their own way; unicode stays."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    seen = "".join(
        sign for sign in last if unicodedata.category(sign)[0] not in "CZ" or sign == " "
    )
    path = PurePosixPath(UNWANTED.sub("_", seen).strip(" .") or "clip.mp4")
    suffix = path.suffix if len(path.suffix.encode()) <= 16 else ""
    stem = path.name.removesuffix(suffix).encode()[: NAME_BYTES - len(suffix.encode())]
    return stem.decode(errors="ignore").rstrip(" .") + suffix


def _plain(part: str) -> bool:
    return (
        part not in ("", ".", "..")
        and len(part.encode(errors="replace")) <= PART_BYTES
        and "\\" not in part
        and not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in part)
    )
