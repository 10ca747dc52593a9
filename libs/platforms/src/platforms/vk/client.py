"""VK's API on the wire: always HTTP 200, `response` or `error` (platforms/vk.md §1)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from common.contracts.words import Platform
from platforms.answers import Answer, count, part
from platforms.bodies import Progress, multipart
from platforms.calls import Call, Gate
from platforms.credentials import Header
from platforms.errors import ContentRefused, PlatformError, RateLimited, Unavailable
from platforms.http import Http, Request
from platforms.port import Media
from platforms.reasons import Reason
from platforms.vk.errors import ACCESS_TO_VIDEO_DENIED, NOT_FOUND, refusal

VERSION = "5.199"
VIDEO_RIGHT = 1 << 4
"""Bit of `account.getAppPermissions`."""

RECEIPT = {"video_hash", "size", "video_id"}
"""What the upload host tells about a file it took; any of them will do."""

BUSY = timedelta(minutes=1)
"""How long to wait where a front end says 429 and nothing more."""

Param = str | int | bool | None


class VkError(Exception):
    """VK's own error with its code, for callers to whom a code means something special."""

    def __init__(self, code: int, error: PlatformError) -> None:
        super().__init__(code)
        self.code = code
        self.error = error


class VkClient:
    """The methods we use. Tokens go in the Authorization header: addresses get logged."""

    def __init__(self, http: Http, base: str, gate: Gate) -> None:
        self._http = http
        self._base = base
        self._gate = gate

    async def user(self, token: SecretStr) -> dict[str, Any]:
        """`users.get`: whose token it is."""
        found = await self._call("users.get", token, fields="photo_200")
        if not isinstance(found, list) or not found or not isinstance(found[0], dict):
            raise Unavailable(note="users.get: unexpected answer")
        return found[0]

    async def rights(self, token: SecretStr) -> int:
        """`account.getAppPermissions`: the bit mask of granted rights."""
        return count(await self._call("account.getAppPermissions", token)) or 0

    async def save(self, token: SecretStr, account: str, **params: Param) -> dict[str, Any]:
        """`video.save`: a new id and an address for the bytes. Every call makes another one."""
        made = await self._call("video.save", token, account=account, write=True, **params)
        return made if isinstance(made, dict) else {}

    async def video(self, token: SecretStr, account: str, post_id: str) -> dict[str, Any] | None:
        """One video; None when VK shows none (it omits hidden and removed ones silently)."""
        found = await self.videos(token, account, [post_id])
        return found[0] if found else None

    async def videos(
        self, token: SecretStr, account: str, post_ids: Sequence[str]
    ) -> list[dict[str, Any]]:
        """`video.get` by ids, at most 200."""
        return _items(
            await self._call("video.get", token, account=account, videos=",".join(post_ids))
        )

    async def delete(self, token: SecretStr, account: str, owner_id: int, video_id: int) -> None:
        """`video.delete`; one that is not there any more counts as deleted."""
        try:
            await self._try(
                "video.delete", token, account=account, owner_id=owner_id, video_id=video_id
            )
        except VkError as refused:
            missing = refused.code in {NOT_FOUND, ACCESS_TO_VIDEO_DENIED}
            if missing and not await self.video(token, account, f"{owner_id}_{video_id}"):
                return
            raise refused.error from None

    async def upload(
        self, url: str, media: Media, progress: Progress, deadline: timedelta
    ) -> str | None:
        """Send the file to the address that `video.save` gave, without any token.

        None when accepted, else why the address was refused: only the host's own error says that,
        a status is its front end's trouble. Raises OutcomeUnknown when the answer proves nothing:
        some of VK's upload hosts answer in XML.
        """
        answer = await self._http.send(
            Request(
                "POST",
                url,
                write=True,
                body=multipart(media, progress, name="video_file"),
                deadline=deadline,
            )
        )
        if answer.status == 413:
            raise ContentRefused(Reason.FILE_TOO_LARGE)
        if answer.status == 429:
            raise RateLimited(answer.retry_after or BUSY, note="vk upload host")
        if not 200 <= answer.status < 300:
            raise Unavailable(note=f"vk upload host: http {answer.status}")
        reply = answer.object()
        if reply.get("error") or reply.get("error_code"):
            return f"upload error {reply.get('error_code')}"
        if not reply.keys() & RECEIPT:
            raise answer.unclear("no receipt")
        return None

    async def _call(
        self,
        method: str,
        token: SecretStr,
        *,
        account: str | None = None,
        write: bool = False,
        **params: Param,
    ) -> Any:  # noqa: ANN401 - each method answers its own shape
        try:
            return await self._try(method, token, account=account, write=write, **params)
        except VkError as refused:
            raise refused.error from None

    async def _try(
        self,
        method: str,
        token: SecretStr,
        *,
        account: str | None = None,
        write: bool = False,
        **params: Param,
    ) -> Any:  # noqa: ANN401 - as above
        async with self._gate(Call(Platform.VK, method, account)):
            answer = await self._http.send(
                Request(
                    "POST",
                    f"{self._base}/method/{method}",
                    template=f"/method/{method}",
                    write=write,
                    form={"v": VERSION, **_form(params)},
                    credential=Header("Bearer", token),
                )
            )
            try:
                return _response(answer)
            except VkError as refused:
                if isinstance(refused.error, RateLimited):  # the gate has to know
                    raise refused.error from None
                raise


def _form(params: dict[str, Param]) -> dict[str, str]:
    # VK takes 1 and 0 for booleans; the text "False" would count as true somewhere.
    return {
        name: str(int(value)) if isinstance(value, bool) else str(value)
        for name, value in params.items()
        if value is not None
    }


def _response(answer: Answer) -> Any:  # noqa: ANN401 - as above
    if answer.status == 429:
        raise RateLimited(answer.retry_after or BUSY, note="vk edge")
    if answer.status != 200:
        raise Unavailable(note=f"vk edge: http {answer.status}")
    body = answer.object()
    if "response" in body:
        return body["response"]
    error = part(body, "error")
    code = count(error.get("error_code"))
    if code is None:
        raise answer.unclear("neither response nor error")
    subcode = count(error.get("error_subcode"))
    note = f"vk {code}{f'/{subcode}' if subcode else ''}: {error.get('error_msg', '')}"
    raise VkError(code, refusal(code, subcode).build(note, write=answer.write))


def _items(page: object) -> list[dict[str, Any]]:
    items = page.get("items") if isinstance(page, dict) else None
    if not isinstance(items, list):
        raise Unavailable(note="video.get: unexpected answer")
    return [item for item in items if isinstance(item, dict)]
