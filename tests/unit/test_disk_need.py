"""What a job is said to need of the disk is what its training writes at once, of its largest candidates."""

import pytest

from services.trainer.scratch.need import DESCRIPTION_BYTES, Keeping, Size, disk_need

ROWS = (
    Size(input_px=224, pooled_width=1_000, parameters=3_000_000),
    Size(input_px=128, pooled_width=100, parameters=1_000_000),
    Size(input_px=299, pooled_width=500, parameters=20_000_000),
    Size(input_px=224, pooled_width=2_000, parameters=5_000_000),
)
NUM_IMAGES = 600
FLOAT_BYTES = 4
EXPORT_BYTES = 16 * 2**20


def need(rows=ROWS, **keeping):
    return disk_need(num_images=NUM_IMAGES, archive_bytes=77, candidates=rows, keeping=Keeping(**keeping))


def test_every_photograph_lies_there_once_at_each_size_with_its_description():
    squares = 3 * (224**2 + 128**2 + 299**2)
    assert need().images == NUM_IMAGES * (squares + DESCRIPTION_BYTES)
    assert need(ROWS[:1]).images == NUM_IMAGES * (3 * 224**2 + DESCRIPTION_BYTES)


@pytest.mark.parametrize(("most", "parameters"), [(1, 20_000_000), (2, 25_000_000), (3, 28_000_000)])
def test_room_is_left_for_the_largest_networks_in_two_formats_here_and_in_the_store(most, parameters):
    assert need(most_backbones=most).delivery == int(4 * 1.1 * FLOAT_BYTES * parameters) + EXPORT_BYTES


@pytest.mark.parametrize(
    ("keeping", "numbers"),
    [
        # Waiting in the race and one at work, the widest; then two views of what is delivered, the widest again.
        ({"num_finalists": 4, "most_backbones": 3}, 3_600 + 2 * 3_500),
        ({"num_finalists": 0, "most_backbones": 3}, 3_600 + 2 * 3_500),
        ({"num_finalists": 0, "most_backbones": 2}, 3_500 + 2 * 3_000),
        # One alone: the leader, those that wait and one at work, or in the end every view of the leader.
        ({"num_finalists": 2, "most_backbones": 1, "views": 1}, 3_600),
        ({"num_finalists": 0, "most_backbones": 1, "views": 2}, 4_000),
        ({"num_finalists": 0, "most_backbones": 1, "views": 1}, 3_000),
    ],
)
def test_features_are_kept_of_the_widest_networks_that_stand_there_at_once(keeping, numbers):
    assert need(**keeping).features == NUM_IMAGES * FLOAT_BYTES * numbers


def test_a_single_candidate_needs_no_room_for_others_beside_it():
    assert need(ROWS[:1]).features == NUM_IMAGES * FLOAT_BYTES * 2 * 1_000
    assert need(ROWS[:1], views=1).features == NUM_IMAGES * FLOAT_BYTES * 1_000


def test_all_of_it_is_counted_and_what_is_written_later_is_features_and_the_delivery():
    whole = need()
    assert whole.archive == 77
    assert whole.later == whole.features + whole.delivery
    assert whole.total == 77 + whole.images + whole.later


def test_the_sparing_ways_leave_out_one_network_after_the_other_and_the_second_view_last():
    ways = Keeping(num_finalists=4, most_backbones=3, views=2).sparingly()
    assert [(way.num_finalists, way.most_backbones, way.views) for way in ways] == [
        (4, 3, 2),
        (0, 3, 2),
        (0, 2, 2),
        (0, 1, 2),
        (0, 1, 1),
    ]
    assert [way.views for way in Keeping(most_backbones=1).sparingly()] == [2, 2, 1]
