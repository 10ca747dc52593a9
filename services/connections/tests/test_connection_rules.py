"""What may happen to a linked account, as pure rules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from common.contracts.words import Platform
from common.ids import new_id
from connections.domain.connection import Account, Connection, Link, Status

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def link() -> Link:
    return Link(new_id(), Platform.VK, 1, Account("7", "Anna"), ("video",), NOW)


@pytest.fixture
def linked(link: Link) -> Connection:
    return Connection.first("user", link, NOW)


def test_a_first_link_is_active_and_counts_as_checked(linked: Connection) -> None:
    assert (linked.status, linked.checked_at, linked.version) == (Status.ACTIVE, NOW, 1)


def test_linking_again_heals_and_keeps_id_and_birth(linked: Connection, link: Link) -> None:
    again = linked.refused(NOW).linked_again(
        replace(link, grant_number=2, account=Account("7", "Anna B.")), LATER
    )
    assert (again.id, again.created_at) == (linked.id, NOW)
    assert (again.status, again.account.name, again.grant_number) == (Status.ACTIVE, "Anna B.", 2)
    assert again.version == 3


def test_linking_again_after_removal_is_a_new_life(linked: Connection, link: Link) -> None:
    again = linked.removed(NOW).linked_again(replace(link, grant_number=2), LATER)
    assert again.live
    assert again.created_at == LATER
    assert again.version == 3


def test_proof_of_health_only_moves_forward(linked: Connection) -> None:
    assert linked.proven(NOW - timedelta(seconds=1)) is linked
    assert linked.proven(LATER).checked_at == LATER


@pytest.mark.parametrize(
    ("told", "expected"),
    [(LATER, LATER), (NOW - timedelta(hours=1), NOW), (NOW, NOW), (None, None)],
)
def test_of_two_refreshes_the_later_expiry_counts(
    linked: Connection, told: datetime | None, expected: datetime | None
) -> None:
    assert linked.refreshed(told).expires_at == expected


def test_a_token_without_end_is_not_shortened_by_late_news(linked: Connection) -> None:
    endless = replace(linked, expires_at=None)
    assert endless.refreshed(LATER) is endless


def test_every_change_adds_one_to_the_version(linked: Connection) -> None:
    changed = [
        linked.refused(LATER),
        linked.removed(LATER),
        linked.proven(LATER),
        linked.refreshed(LATER),
    ]
    assert {one.version for one in changed} == {2}
