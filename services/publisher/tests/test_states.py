"""The table of states, and that nothing in it contradicts what people were promised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.db.repositories import ENDED
from publisher.domain.states import ACTIVE, MEANING, MOVES, IllegalMove, Status, check_move

FINAL = {Status.PUBLISHED, Status.CANCELLED}
PROMISED = {
    Status.SCHEDULED: {Status.PUBLISHING, Status.CANCELLED, Status.FAILED},
    Status.PUBLISHING: {Status.PUBLISHED, Status.FAILED, Status.CANCELLED, Status.UNCERTAIN},
    Status.FAILED: {Status.PUBLISHING},
    Status.UNCERTAIN: {Status.PUBLISHED, Status.FAILED},
    Status.PUBLISHED: set(),
    Status.CANCELLED: set(),
}


def test_the_moves_are_those_of_the_specification() -> None:
    assert {start: set(ends) for start, ends in MOVES.items()} == PROMISED
    assert set(MEANING) == set(Status)


@given(st.lists(st.sampled_from(list(Status)), max_size=40))
def test_a_walk_of_any_wishes_obeys_the_table_and_final_states_are_final(
    wishes: list[Status],
) -> None:
    at = Status.SCHEDULED
    for wish in wishes:
        if wish in PROMISED[at]:
            check_move(at, wish)
            assert at not in FINAL
            at = wish
        else:
            with pytest.raises(IllegalMove):
                check_move(at, wish)


def test_from_everywhere_an_end_can_be_reached() -> None:
    for start in Status:
        seen, reach = {start}, [start]
        while reach:
            for end in MOVES[reach.pop()]:
                if end not in seen:
                    seen.add(end)
                    reach.append(end)
        assert seen & {Status.PUBLISHED, Status.CANCELLED, Status.FAILED}


def test_only_what_may_still_appear_counts_as_active() -> None:
    assert set(ACTIVE) == {Status.SCHEDULED, Status.PUBLISHING, Status.UNCERTAIN}
    assert set(ENDED) == set(Status) - {Status.SCHEDULED, Status.PUBLISHING}
