"""A job on a disk that is too small for all of it: more sparingly, then with fewer candidates, and said so."""

import pytest

from services.trainer.scratch.need import Keeping
from services.trainer.scratch.thrift import Arrangement, Photographs, arrange
from services.trainer.zoo.catalogue import BACKBONES

GB = 10**9
NAMED = [BACKBONES[name] for name in ("mobilenet_v2", "efficientnet_b0", "resnet50")]
"""Three networks that a person names, all of which see squares of 224 pixels."""
MANY = Photographs(num_images=100_000, archive_bytes=15 * GB)


def fitted(room_gb: float, *, wanted: Keeping = Keeping(), names: tuple[str, ...] = ()) -> Arrangement:  # noqa: B008
    return arrange([BACKBONES[name] for name in names] or NAMED, MANY, wanted, int(room_gb * GB))


def test_three_named_networks_on_a_hundred_thousand_photographs_give_up_ever_more_and_are_all_compared() -> None:
    ample = fitted(1000).need.total / GB
    seen = [fitted(room).keeping for room in (ample, 0.85 * ample, 0.7 * ample)]
    assert seen[0] == Keeping()
    assert seen[1].num_finalists == 0 or seen[1].most_backbones == 1
    assert seen[2].most_backbones == 1
    for room in (ample, 0.85 * ample, 0.7 * ample):
        arrangement = fitted(room)
        assert arrangement.names == {row.name for row in NAMED}
        assert arrangement.left == ()
        assert arrangement.need.total <= room * GB


def test_what_was_not_tried_for_want_of_disk_is_told_with_both_figures() -> None:
    ample = fitted(1000).need.total / GB
    [remark] = fitted(0.7 * ample).remarks
    assert remark.code == "disk_was_short"
    assert "no networks were tried side by side" in remark.message
    assert f"{ample:.1f} GB" in remark.message
    assert f"{0.7 * ample:.1f} GB" in remark.message
    assert fitted(1000).remarks == ()


def test_who_wants_no_more_than_the_disk_holds_hears_nothing_of_it() -> None:
    plain = Keeping(most_backbones=1, views=1)
    least = MANY.need(NAMED, plain.sparingly()[-1]).total / GB
    arrangement = fitted(least, wanted=plain)
    assert arrangement.names == {row.name for row in NAMED}
    assert arrangement.remarks == (), "one after the other costs time, and nothing that was asked for"


def test_candidates_that_see_the_largest_squares_leave_first_and_the_reason_has_the_bytes() -> None:
    names = ("vgg16", "mobilenet", "inception_v3", "inception_resnet_v2", "xception")
    arrangement = fitted(50, names=names)
    assert arrangement.names == {"vgg16", "mobilenet"}
    assert {name for name, _ in arrangement.left} == {"inception_v3", "inception_resnet_v2", "xception"}
    for _, reason in arrangement.left:
        assert "50.0 GB for this job" in reason
        assert "name it among fewer candidates" in reason


@pytest.mark.parametrize("room_gb", [0, 1])
def test_one_candidate_stays_however_small_the_disk_so_that_the_job_can_say_what_it_needs(room_gb: float) -> None:
    arrangement = fitted(room_gb)
    assert arrangement.names == {"mobilenet_v2"}
    assert arrangement.need.total > room_gb * GB


def test_each_sparing_way_takes_no_more_than_the_one_before() -> None:
    for rows in (NAMED, list(BACKBONES.values()), NAMED[:1]):
        for most in (1, 2, 3):
            ways = Keeping(most_backbones=most).sparingly()
            needs = [MANY.need(rows, way).total for way in ways]
            assert needs == sorted(needs, reverse=True)
