"""Block ids: what a step keeps, what is fresh, and what sessions share."""

import pytest

from tracelab.workloads.blocks import BlockIds, with_ids


def test_a_step_keeps_leading_ids_of_its_own_session_alone() -> None:
    ids = BlockIds(9)
    assert ids.take("a", 0, 3) == "1,2,3"
    assert ids.take("b", 0, 1) == "4"
    assert ids.take("a", 2, 4) == "1,2,5,6"
    assert ids.take("a", 1, 1) == "1"
    assert ids.take("a", 1, 2) == "1,7"
    assert ids.kept_blocks == 4


def test_a_prompt_smaller_than_a_block_has_no_id() -> None:
    ids = BlockIds(9)
    assert ids.take("a", 0, 0) == ""
    assert ids.take("a", 0, 1) == "1"
    assert with_ids('{"in":5}', "") == '{"in":5,"hash_ids":[]}'


@pytest.mark.parametrize(("fresh", "first"), [(0, 1), (9, 1), (10, 10), (90, 10), (91, 100), (900, 100)])
def test_all_ids_of_a_file_have_equally_many_digits(fresh: int, first: int) -> None:
    ids = BlockIds(fresh)
    assert ids.take("a", 0, fresh).split(",")[0] == (str(first) if fresh else "")
    assert len({len(block) for block in ids.take("a", fresh, fresh).split(",")}) == 1


def test_a_group_grows_by_what_its_warmest_session_has() -> None:
    ids = BlockIds(9)
    assert ids.take_warm("a", "group", 2, 3) == "1,2,3"
    assert ids.take_warm("b", "group", 1, 2) == "1,4"
    assert ids.take_warm("c", "group", 3, 3) == "1,2,5"
    assert ids.take("c", 3, 3) == "1,2,5"
    assert ids.kept_blocks == 0 + 1 + 2 + 3
