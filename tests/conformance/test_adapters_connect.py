"""Connecting, refreshing, checking and revoking, by consent or by a pasted token."""

import base64
import hashlib
import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from common.contracts.words import Platform
from conformance.adapter_kit import DZEN_CALLBACK, VK_CALLBACK, apps_of, fingerprint, urls_of
from conformance.sandbox_process import Sandbox
from platforms.errors import (
    AccessRevoked,
    NoRight,
    NotConfigured,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    ScopeMissing,
    TokenExpired,
    Unavailable,
)
from platforms.port import Consent, Grant, OAuth, Pasted
from platforms.reasons import Reason
from platforms.registry import Adapters, adapters

pytestmark = pytest.mark.anyio

OURS = "clipcast-device-1"
CALLBACKS = {Platform.VK: VK_CALLBACK, Platform.DZEN: DZEN_CALLBACK}
AUTHORITY = {Platform.VK: "vkid", Platform.DZEN: "yandex"}
NEEDED = {Platform.VK: "video", Platform.DZEN: "zen:write"}
BY_CONSENT = pytest.mark.parametrize("platform", list(CALLBACKS))


def oauth_of(board: Adapters, platform: Platform) -> OAuth:
    oauth = board[platform].oauth
    assert oauth is not None
    return oauth


def pasted_of(board: Adapters, platform: Platform) -> Pasted:
    pasted = board[platform].pasted
    assert pasted is not None
    return pasted


async def consent(oauth: OAuth, redirect_uri: str) -> Consent:
    """What a browser brings back from the platform's consent page."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    url = oauth.authorize_url(
        state=state, challenge=challenge, redirect_uri=redirect_uri, device_id=OURS
    )
    async with httpx.AsyncClient(trust_env=False) as browser:
        answer = await browser.get(url)
    assert answer.status_code == 302, answer.text
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    assert back["state"] == [state]
    return Consent(
        code=SecretStr(back["code"][0]),
        state=state,
        verifier=SecretStr(verifier),
        redirect_uri=redirect_uri,
        device_id=back.get("device_id", [OURS])[0],
    )


async def connected(oauth: OAuth, platform: Platform) -> Grant:
    return await oauth.exchange(await consent(oauth, CALLBACKS[platform]))


@BY_CONSENT
async def test_consent_gives_tokens_rights_and_an_identity(
    sandbox: Sandbox, board: Adapters, platform: Platform
) -> None:
    account = sandbox.account(platform)
    sandbox.consent(mode="allow", account=account["account"])
    oauth = oauth_of(board, platform)
    grant = await connected(oauth, platform)
    assert NEEDED[platform] in grant.granted
    assert grant.refresh_token is not None
    assert grant.expires_in is not None
    assert (await oauth.identify(grant)).id == account["account"]
    await board[platform].checker.check(grant.access_token, account["account"])


@BY_CONSENT
async def test_a_refresh_gives_a_pair_that_works(
    sandbox: Sandbox, board: Adapters, platform: Platform
) -> None:
    del sandbox
    oauth = oauth_of(board, platform)
    grant = await connected(oauth, platform)
    fresh = await oauth.refresh(grant)
    assert fresh.refresh_token not in {None, grant.refresh_token}
    assert (fresh.granted, fresh.extras) == (grant.granted, grant.extras)
    assert await oauth.identify(fresh) == await oauth.identify(grant)
    # Yandex leaves the access token as it is while much of its life is left.
    assert (fresh.access_token == grant.access_token) is (platform is Platform.DZEN)


@BY_CONSENT
async def test_a_revoked_grant_is_refused(
    sandbox: Sandbox, board: Adapters, platform: Platform
) -> None:
    del sandbox
    oauth = oauth_of(board, platform)
    grant = await connected(oauth, platform)
    await oauth.revoke(grant)
    with pytest.raises(TokenExpired):
        await board[platform].checker.check(grant.access_token, "")
    with pytest.raises(AccessRevoked):
        await oauth.refresh(grant)


@BY_CONSENT
async def test_too_few_rights_are_no_connection(
    sandbox: Sandbox, board: Adapters, platform: Platform
) -> None:
    sandbox.consent(mode="allow", without=[NEEDED[platform]])
    with pytest.raises(ScopeMissing):
        await connected(oauth_of(board, platform), platform)


@BY_CONSENT
@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"code": SecretStr("abcdefghijklmnop")}, AccessRevoked),
        ({"verifier": SecretStr("x" * 50)}, AccessRevoked),
    ],
)
async def test_a_foreign_code_or_verifier_is_refused(
    sandbox: Sandbox,
    board: Adapters,
    platform: Platform,
    change: dict[str, Any],
    refused: type[PlatformError],
) -> None:
    del sandbox
    oauth = oauth_of(board, platform)
    brought = await consent(oauth, CALLBACKS[platform])
    with pytest.raises(refused):
        await oauth.exchange(replace(brought, **change))


@BY_CONSENT
async def test_a_code_works_once(sandbox: Sandbox, board: Adapters, platform: Platform) -> None:
    del sandbox
    oauth = oauth_of(board, platform)
    brought = await consent(oauth, CALLBACKS[platform])
    await oauth.exchange(brought)
    with pytest.raises(AccessRevoked):
        await oauth.exchange(brought)


HOSTILE = [
    "html", "empty_json", "huge", "gzip_bomb", "duplicate_keys", "nan_json", "half_answer",
    "error_502_html", "drop_after",
]  # fmt: skip


@BY_CONSENT
@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_token_answer_gives_nothing(
    sandbox: Sandbox, board: Adapters, platform: Platform, kind: str
) -> None:
    oauth = oauth_of(board, platform)
    grant = await connected(oauth, platform)
    sandbox.fail(AUTHORITY[platform], "token", kind)
    brought = await consent(oauth, CALLBACKS[platform])
    with pytest.raises(OutcomeUnknown):
        await oauth.exchange(brought)
    sandbox.fail(AUTHORITY[platform], "refresh", kind)
    with pytest.raises(Unavailable):
        await oauth.refresh(grant)


@BY_CONSENT
@pytest.mark.parametrize(
    ("kind", "refused"),
    [
        ("token_refused", AccessRevoked),
        ("invalid_client", NotConfigured),
        ("rate_limited", RateLimited),
    ],
)
async def test_a_refused_refresh_says_for_how_long(
    sandbox: Sandbox,
    board: Adapters,
    platform: Platform,
    kind: str,
    refused: type[PlatformError],
) -> None:
    oauth = oauth_of(board, platform)
    grant = await connected(oauth, platform)
    sandbox.fail(AUTHORITY[platform], "refresh", kind)
    with pytest.raises(refused):
        await oauth.refresh(grant)


@pytest.mark.parametrize("kind", ["other_state", "missing_fields"])
async def test_an_answer_to_somebody_else_is_not_ours(
    sandbox: Sandbox, board: Adapters, kind: str
) -> None:
    sandbox.fail("vkid", "token", kind)
    with pytest.raises(OutcomeUnknown):
        await connected(oauth_of(board, Platform.VK), Platform.VK)


async def test_the_profile_must_be_the_tokens(sandbox: Sandbox, board: Adapters) -> None:
    oauth = oauth_of(board, Platform.VK)
    grant = await connected(oauth, Platform.VK)
    sandbox.fail("vkid", "user_info", "other_user")
    with pytest.raises(Unavailable):
        await oauth.identify(grant)


async def test_who_has_no_channel_may_not_publish_to_dzen(
    sandbox: Sandbox, board: Adapters
) -> None:
    user = sandbox.account("dzen", channel=False)
    sandbox.consent(mode="allow", account=user["account"])
    oauth = oauth_of(board, Platform.DZEN)
    grant = await connected(oauth, Platform.DZEN)
    with pytest.raises(NoRight):
        await oauth.identify(grant)


async def test_the_legacy_flow_reads_the_rights_and_never_refreshes(sandbox: Sandbox) -> None:
    board = adapters(urls_of(sandbox), apps_of("legacy"), fingerprint=fingerprint)
    oauth = oauth_of(board, Platform.VK)
    grant = await connected(oauth, Platform.VK)
    assert (grant.expires_in, grant.refresh_token) == (None, None)
    await board[Platform.VK].checker.check(grant.access_token, (await oauth.identify(grant)).id)
    with pytest.raises(AccessRevoked):
        await oauth.refresh(grant)
    sandbox.consent(mode="allow", without=["video"])
    with pytest.raises(ScopeMissing):
        await connected(oauth, Platform.VK)
    await board.aclose()


async def test_a_rutube_token_is_proved_by_reading_own_videos(
    sandbox: Sandbox, board: Adapters
) -> None:
    account = sandbox.account("rutube")
    pasted, token = pasted_of(board, Platform.RUTUBE), SecretStr(account["token"])
    found, grant = await pasted.verify(token, channel=None)
    assert (found.id, grant.access_token) == (account["account"], token)
    await board[Platform.RUTUBE].checker.check(token, found.id)


async def test_without_a_profile_a_rutube_account_is_known_by_its_token(
    sandbox: Sandbox, board: Adapters
) -> None:
    token = SecretStr(sandbox.account("rutube")["token"])
    pasted = pasted_of(board, Platform.RUTUBE)
    found = []
    for kind in ("forbidden", "not_found", "empty_json"):
        sandbox.fail("rutube", "profile", kind)
        account, _ = await pasted.verify(token, channel=None)
        found.append(account.id)
    assert found == [fingerprint(token)] * 3


@pytest.mark.parametrize("kind", ["error_500", "error_503", "drop_before", "rate_limited"])
async def test_a_profile_that_is_away_makes_no_second_account_of_a_token(
    sandbox: Sandbox, board: Adapters, kind: str
) -> None:
    token = SecretStr(sandbox.account("rutube")["token"])
    sandbox.fail("rutube", "profile", kind)
    with pytest.raises(Unavailable):
        await pasted_of(board, Platform.RUTUBE).verify(token, channel=None)


async def test_who_connects_nobody_can_verify_nothing(sandbox: Sandbox) -> None:
    board = adapters(urls_of(sandbox))
    assert [(one.oauth, one.pasted) for one in board.values()] == [(None, None)] * 4
    await board.aclose()


@pytest.mark.parametrize("token", ["f" * 40, "", "with a space", "кириллица", "a\r\nX: y"])
async def test_a_wrong_rutube_token_is_refused(
    sandbox: Sandbox, board: Adapters, token: str
) -> None:
    del sandbox
    with pytest.raises(TokenExpired):
        await pasted_of(board, Platform.RUTUBE).verify(SecretStr(token), channel=None)


@pytest.mark.parametrize("public", [True, False])
async def test_a_telegram_channel_is_the_account(
    sandbox: Sandbox, board: Adapters, public: bool
) -> None:
    bot = sandbox.account("telegram", public=public)
    token = SecretStr(bot["token"])
    found, _ = await pasted_of(board, Platform.TELEGRAM).verify(token, channel=bot["channel"])
    assert found.id == str(bot["chat_id"])
    assert (found.url is not None) is public
    await board[Platform.TELEGRAM].checker.check(token, found.id)


async def test_a_group_that_has_moved_is_connected_and_checked_at_its_new_id(
    sandbox: Sandbox, board: Adapters
) -> None:
    bot = sandbox.account("telegram", kind="migrated_group")
    token = SecretStr(bot["token"])
    found, _ = await pasted_of(board, Platform.TELEGRAM).verify(token, channel=str(bot["chat_id"]))
    assert found.id == str(bot["migrated_to"])
    await board[Platform.TELEGRAM].checker.check(token, str(bot["chat_id"]))


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"can_post_messages": False}, Reason.BOT_MAY_NOT_POST),
        ({"status": "member"}, Reason.BOT_MAY_NOT_POST),
        ({"status": "left"}, Reason.NOT_A_MEMBER),
        ({"status": "kicked"}, Reason.NOT_A_MEMBER),
    ],
)
async def test_a_bot_that_may_not_post_is_refused(
    sandbox: Sandbox, board: Adapters, order: dict[str, Any], reason: Reason
) -> None:
    bot = sandbox.account("telegram", **order)
    pasted = pasted_of(board, Platform.TELEGRAM)
    with pytest.raises(NoRight) as caught:
        await pasted.verify(SecretStr(bot["token"]), channel=bot["channel"])
    assert caught.value.reason is reason
    with pytest.raises(NoRight):
        await board[Platform.TELEGRAM].checker.check(SecretStr(bot["token"]), str(bot["chat_id"]))


async def test_a_channel_that_is_lost_after_connecting_is_told_by_the_check_and_may_come_back(
    sandbox: Sandbox, board: Adapters
) -> None:
    bot = sandbox.account("telegram")
    token, chat_id = SecretStr(bot["token"]), str(bot["chat_id"])
    mine = {"token": bot["token"], "chat_id": bot["chat_id"]}
    checker = board[Platform.TELEGRAM].checker
    for order, reason in (
        ({"can_post_messages": False}, Reason.BOT_MAY_NOT_POST),
        ({"status": "left"}, Reason.NOT_A_MEMBER),
        ({"status": "kicked"}, Reason.NOT_A_MEMBER),
    ):
        sandbox.account("telegram", **mine, **order)
        with pytest.raises(NoRight) as caught:
            await checker.check(token, chat_id)
        assert caught.value.reason is reason
    sandbox.fail("telegram", "getChat", "chat_not_found")  # deleted
    with pytest.raises(NoRight) as caught:
        await checker.check(token, chat_id)
    assert caught.value.reason is Reason.CHAT_NOT_FOUND
    sandbox.account("telegram", **mine)
    await checker.check(token, chat_id)


def test_a_bot_without_the_right_is_told_which_and_what_to_do() -> None:
    for reason in (Reason.BOT_MAY_NOT_POST, Reason.NOT_A_MEMBER):
        assert "«Публикация сообщений»" in reason.text.ru
        assert "“Post Messages”" in reason.text.en
        assert "повторите" in reason.text.ru
        assert "try again" in reason.text.en


@pytest.mark.parametrize("channel", [None, "", "@nobody_is_here", "-1009999999999", "@a b"])
async def test_a_channel_that_is_not_there_is_told_as_that(
    sandbox: Sandbox, board: Adapters, channel: str | None
) -> None:
    token = SecretStr(sandbox.account("telegram")["token"])
    with pytest.raises(NoRight) as caught:
        await pasted_of(board, Platform.TELEGRAM).verify(token, channel=channel)
    assert caught.value.reason is Reason.CHAT_NOT_FOUND


@pytest.mark.parametrize("token", ["", "123", "123:short", f"1:{'A' * 35}", "1:/../getMe?" * 3])
async def test_a_wrong_bot_token_is_refused(sandbox: Sandbox, board: Adapters, token: str) -> None:
    channel = sandbox.account("telegram")["channel"]
    with pytest.raises(TokenExpired):
        await pasted_of(board, Platform.TELEGRAM).verify(SecretStr(token), channel=channel)


CHECKS = {Platform.VK: "users.get", Platform.RUTUBE: "list", Platform.DZEN: "me",
          Platform.TELEGRAM: "getChat"}  # fmt: skip


@pytest.mark.parametrize("kind", ["error_500", "timeout", "html", "drop_before"])
@pytest.mark.parametrize("platform", list(Platform))
async def test_only_a_refusal_expires_a_connection(
    sandbox: Sandbox, board: Adapters, platform: Platform, kind: str
) -> None:
    account = sandbox.account(platform)
    token = SecretStr(account.get("access_token") or account["token"])
    account_id = str(account["chat_id" if platform is Platform.TELEGRAM else "account"])
    checker = board[platform].checker
    sandbox.fail(platform, CHECKS[platform], kind, seconds=3)
    with pytest.raises(Unavailable):
        await checker.check(token, account_id)
    sandbox.fail(platform, CHECKS[platform], "token_refused")
    with pytest.raises(TokenExpired):
        await checker.check(token, account_id)
    await checker.check(token, account_id)
