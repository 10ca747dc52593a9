"""What users do: ask, cancel, retry, resolve, edit, lose their account and find it again."""

from enum import StrEnum

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from common.contracts.connections import PlatformConnected, PlatformDisconnected
from common.contracts.envelope import Event
from publisher.app.cancel_publication import cancel_publication
from publisher.app.edit_publication import edit_publication
from publisher.app.ports import Uow
from publisher.app.resolve_publication import resolve_publication
from publisher.app.retry_publication import retry_publication
from publisher.db.repositories import ENDED
from publisher.domain import rules
from publisher.domain.publication import Publication
from publisher.domain.rules import Verdict
from publisher.domain.states import Status

from .bench import Bench, seldom, which
from .hands import LEASE, Luck, Post


class Wish(StrEnum):
    CANCEL = "cancel"
    GO_ON = "retry, or say whether the post is there"
    EDIT = "edit"
    ACCOUNT = "disconnect the account, or connect it again"


WISHES = (Wish.CANCEL, Wish.GO_ON, *Wish)


class People(Bench):
    """Each answer is the one that the rules ask for."""

    @precondition(lambda self: all(post.row.status in ENDED for post in self.posts))
    @rule(scheduled=seldom)
    def the_user_asks_for_another(self, scheduled: bool) -> None:
        if self.healthy:
            self.posts.append(Post(self.run(self._request(scheduled=scheduled))))

    @rule(at=which, wish=st.sampled_from(WISHES))
    def the_user_wishes(self, at: int, wish: Wish) -> None:
        post = self.posts[-1 - at % len(self.posts)]
        match wish:
            case Wish.CANCEL:
                self.run(self._locked(post, self.answer_cancel))
            case Wish.GO_ON:
                self._go_on(post)
            case Wish.EDIT:
                self.run(self._locked(post, self._edit))
            case Wish.ACCOUNT:
                self._lose_or_find_the_account()

    async def answer_cancel(self, uow: Uow, row: Publication) -> None:
        """What is answered is what the rule says, and what the row says from then on."""
        expected = rules.cancel_verdict(
            row.status, untouched=row.step is None, leased=row.lease_until is not None
        )
        verdict, after = await cancel_publication(uow, row)
        assert verdict is expected
        assert (after.status is Status.CANCELLED) == (verdict is Verdict.CANCELLED)

    def _go_on(self, post: Post) -> None:
        """Resolve and retry: each is answered with nothing where it does not apply.

        A person takes longer to look than any request lives.
        """
        for flight in list(post.flights) if post.row.status is Status.UNCERTAIN else []:
            post.settle(flight, Luck.SILENCE)

        async def do(uow: Uow, row: Publication) -> None:
            there = post.made > 0
            resolved = await resolve_publication(uow, row, published=there, post_id=None, url=None)
            assert (resolved is not None) == (row.status is Status.UNCERTAIN)
            retried = await retry_publication(uow, row)
            assert (retried is not None) == (row.status is Status.FAILED)

        self.run(self._locked(post, do))

    async def _edit(self, uow: Uow, row: Publication) -> None:
        after = await edit_publication(uow, row, {"schedule_at": await uow.now() + LEASE})
        assert (after is not None) == (row.status is Status.SCHEDULED)

    def _lose_or_find_the_account(self) -> None:
        """Disconnected, or connected again."""
        to = self.connection
        about = {"connection_id": to.id, "user_id": to.user_id, "platform": to.platform}
        self.healthy, self.news = not self.healthy, self.news + 1
        if self.healthy:
            event: Event = PlatformConnected(**about, account_id="100", account_name="Anna")
        else:
            event = PlatformDisconnected(**about, grant_number=1)
        self.run(self.lab.hear(event, self.news))
        for row in [] if self.healthy else self.run(self._rows()).values():
            assert row.status is not Status.SCHEDULED
            assert row.status is not Status.PUBLISHING or row.cancel_requested
