"""Sites, animals and batches stay on one side of the split, whatever their class."""

from dataclasses import replace

import numpy as np
import pytest

from services.trainer.data.copies.search import Pairs
from services.trainer.data.grouping import given_groups, grouped_remarks, joined
from services.trainer.data.split import CHOSEN, LEARNT, TESTED, Alike, split_as_made, split_by_given_groups
from services.trainer.run.identity import RunKey
from shared.archive.rules import plan_archive
from shared.archive.zip_format.directory import Record
from shared.errors import UserFault
from shared.job.options import JobOptions, parse_options
from shared.json_codec import from_json, to_json

CLASSES = ("cats", "dogs")


def groups_of(rule: str, *paths: str) -> list[set[str]]:
    numbers = given_groups(paths, CLASSES, rule)
    return sorted(
        ({path for path, own in zip(paths, numbers, strict=True) if own == one} for one in set(numbers)), key=min
    )


def test_a_site_is_one_group_whatever_its_class() -> None:
    found = groups_of("folder", "p/cats/site1/1.jpg", "p/dogs/site1/1.jpg", "p/cats/site2/1.jpg", "p/cats/2.jpg")
    assert {"p/cats/site1/1.jpg", "p/dogs/site1/1.jpg"} in found
    assert {"p/cats/2.jpg"} in found


def test_what_names_begin_with_is_a_group() -> None:
    found = groups_of("prefix", "p/cats/tom_1.jpg", "p/cats/tom_2.jpg", "p/cats/felix-1.jpg", "p/cats/plain")
    assert [len(each) for each in found] == [1, 1, 2]


def test_a_pattern_names_groups_by_its_first_group_or_by_all_that_it_finds() -> None:
    paths = ("p/cats/a-day3-1.jpg", "p/cats/b-day3-2.jpg", "p/dogs/c-day4-1.jpg", "p/dogs/none.jpg")
    for rule in (r"regex:day(\d)", r"regex:day\d"):
        assert [len(each) for each in groups_of(rule, *paths)] == [2, 1, 1]


def test_photographs_that_a_rule_says_nothing_of_are_kept_together_with_none() -> None:
    for rule in ("folder", "prefix", r"regex:day\d"):
        assert len(groups_of(rule, "p/cats/1.jpg", "p/cats/2.jpg", "p/dogs/3.jpg")) == 3


def test_what_a_pattern_finds_around_its_first_group_tells_no_groups_apart() -> None:
    [found] = groups_of(r"regex:(tom)_\d", "p/cats/tom_1.jpg", "p/cats/tom_2.jpg")
    assert len(found) == 2


def test_a_site_is_one_where_the_class_is_a_part_of_the_name_of_its_folder() -> None:
    paths = ("train_cats/site1/1.jpg", "test_cats/site1/2.jpg", "test_cats/site2/3.jpg")
    numbers = given_groups(paths, CLASSES, "folder")
    assert numbers[0] == numbers[1] != numbers[2]


def test_a_site_is_one_where_the_zip_is_called_like_a_class() -> None:
    paths = ("cats/cats/site1/1.jpg", "cats/dogs/site1/2.jpg", "cats/cats/site2/3.jpg", "cats/dogs/4.jpg")
    numbers = given_groups(paths, CLASSES, "folder", root="cats")
    assert numbers[0] == numbers[1]
    assert len(set(numbers.tolist())) == 3


def test_a_site_that_is_called_like_a_class_is_one() -> None:
    paths = ("p/cats/dogs/1.jpg", "p/cats/dogs/2.jpg", "p/dogs/cats/3.jpg", "p/cats/cats/4.jpg")
    numbers = given_groups(paths, CLASSES, "folder", root="p")
    assert numbers[0] == numbers[1] != numbers[2]
    assert numbers[2] == numbers[3]


def test_a_site_is_one_on_both_sides_of_a_split_whose_zip_is_called_like_a_class() -> None:
    names = [
        f"cats/{part}/{name}/{site}{number}.jpg"
        for part in ("train", "test")
        for name in CLASSES
        for site in ("a/", "b/", "")
        for number in range(5)
    ]
    plan = plan_archive([Record(name, offset=1000 * at) for at, name in enumerate(names)])
    numbers = given_groups(names, CLASSES, "folder", plan.own)
    for site in ("/a/", "/b/"):
        assert len({number for name, number in zip(names, numbers, strict=True) if site in name}) == 1
    assert len(set(numbers.tolist())) == 2 + 20, "what lies in no site is alone"


def test_copies_and_sites_together_make_one_group() -> None:
    found = joined(np.array([0, 0, 1, 2]), np.array([5, 6, 6, 7]))
    assert found[0] == found[1] == found[2] != found[3]


def test_groups_of_the_smallest_classes_that_are_taken_can_be_split() -> None:
    split = split_by_given_groups(np.repeat([0, 1], 5).astype(np.int32), np.arange(10), seed=0)
    assert all(len(part) for part in (split.train, split.validation, split.test))


@pytest.mark.parametrize("seed", range(12))
def test_no_group_straddles_and_every_class_is_learnt_from(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(12), 10)
    labels = rng.integers(0, 3, 120).astype(np.int32)
    labels[groups == 5] = 3  # a class that is one group
    split = split_by_given_groups(labels, groups, seed)
    parts = [set(groups[part]) for part in (split.train, split.validation, split.test)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    assert set(labels[split.train]) == {0, 1, 2, 3}
    assert 5 < len(split.test) < 40


def test_of_many_small_groups_about_a_seventh_each_is_chosen_with_and_tested_with() -> None:
    split = split_by_given_groups(np.arange(420, dtype=np.int32) % 3, np.repeat(np.arange(140), 3), seed=0)
    assert all(54 <= len(part) <= 66 for part in (split.validation, split.test))


def test_the_same_seed_keeps_the_same_groups_to_judge_with_and_another_seed_others() -> None:
    labels, groups = np.arange(240, dtype=np.int32) % 3, np.repeat(np.arange(40), 6)
    first, again, other = (split_by_given_groups(labels, groups, seed).test.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("seed", range(10))
def test_what_a_persons_split_lacks_is_taken_by_groups_and_copies_stay_with_one_another(seed: int) -> None:
    labels = np.tile([0, 1], 40).astype(np.int32)
    rank = np.where(np.arange(80) < 20, CHOSEN, LEARNT).astype(np.uint8)
    none = Pairs(first=np.empty(0, np.int64), second=np.empty(0, np.int64), difference=np.empty(0, np.float32))
    sites = np.arange(80) // 5
    by_sites, again = (split_as_made(labels, Alike(pairs=none, given=sites), rank, seed, least=2) for _ in range(2))
    assert set(sites[by_sites.test]).isdisjoint(sites[by_sites.train])
    assert by_sites.test.tolist() == again.test.tolist()
    assert by_sites.validation.tolist() == list(range(20))
    chosen_last = rank[::-1].copy()
    pairs = Pairs(first=np.array([0, 4]), second=np.array([2, 0]), difference=np.zeros(2, np.float32))
    copied = split_as_made(labels, Alike(pairs=pairs), chosen_last, seed, least=2)
    assert len({0, 2, 4} & set(copied.test.tolist())) in (0, 3)


def test_what_is_kept_together_and_lies_on_both_sides_of_a_split_that_was_made_is_told_with_the_way_out() -> None:
    none = Pairs(first=np.empty(0, np.int64), second=np.empty(0, np.int64), difference=np.empty(0, np.float32))
    labels, sites = np.repeat([0, 1], 10).astype(np.int32), np.repeat([0, 1], 10)
    rank = np.tile([TESTED, LEARNT], 10).astype(np.uint8)
    with pytest.raises(UserFault) as caught:
        split_as_made(labels, Alike(pairs=none, given=sites), rank, 0, least=2)
    assert caught.value.fault.code == "groups_too_few"
    assert "--split new" in caught.value.fault.fix


@pytest.mark.parametrize("num_groups", [1, 2, 3])
def test_too_few_groups_are_told_with_the_way_out(num_groups: int) -> None:
    groups = np.repeat(np.arange(num_groups), 10)
    with pytest.raises(UserFault) as caught:
        split_by_given_groups(groups.astype(np.int32), groups, 0)
    assert caught.value.fault.code == "groups_too_few"
    assert caught.value.fault.details == {"num_groups": num_groups}
    assert "another rule" in caught.value.fault.fix


@pytest.mark.parametrize(
    "rule",
    [
        "site",
        "regex:",
        "regex:(",
        "regex:(a+)+$",
        r"regex:(a)\1",
        "regex:(?P<one>a)(?P=one)",
        "regex:.*.*.*.*x",
        "regex:(a|a)+b",
        "regex:(?:(a|aa)c?){40}b",
        "regex:(a?){30}b",
        r"regex:((?:a\)|[)]a)x)*b",
        "regex:" + "a?" * 30 + "b",
        "regex:" + "(?:a|a)" * 25 + "b",
        "regex:" + "a{,99}" * 3 + "b",
        "regex:(a{1,9}a)+b",
        "regex:" + "a{0,9}" * 4 + "a?",
        "regex:" + "a" * 201,
    ],
)
def test_a_rule_that_means_nothing_or_may_take_for_ever_is_refused_beforehand(rule: str) -> None:
    options, faults = parse_options({"group_by": rule})
    assert options is None
    assert "group_by" in faults[0].message


@pytest.mark.parametrize(
    "rule",
    [
        "none",
        "folder",
        "prefix",
        r"regex:^(\w+)-",
        r"regex:site\d{1,3}",
        r"regex:(?P<site>[^/()|?]+)_(?:cam|camera)?\d+",
        r"regex:(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)-\d{1,2}-\d{2,4}",
        r"regex:(?:\d\d-)+",
        r"regex:(?:\d{2}-)+",
        r"regex:(?i:tom|felix).+?\(.+\)",
        "regex:.*.*.*x",
        "regex:" + "a{0,9}" * 4,
        "regex:" + "a" * 200,
    ],
)
def test_rules_that_make_sense_are_taken(rule: str) -> None:
    options, _ = parse_options({"group_by": rule})
    assert options is not None
    assert options.group_by == rule


def test_a_job_whose_rule_an_earlier_version_took_is_still_read() -> None:
    kept = to_json(replace(JobOptions(), group_by=r"regex:(\w+-)+"))
    assert from_json(JobOptions, kept).group_by == r"regex:(\w+-)+"
    assert parse_options(kept)[0] is None


def test_what_was_made_without_a_rule_before_there_were_any_still_counts() -> None:
    def key_of(**more: str) -> RunKey:
        return RunKey(archive_sha256="a", data_version="1", min_image_px=1, max_image_px=2, seed=0, **more)

    assert "group_by" not in key_of().facts
    assert key_of().digest != key_of(group_by="folder").digest


def test_folders_that_decide_what_stays_together_are_not_called_passed_over() -> None:
    names = [f"{name}/{site}/{number}.jpg" for name in CLASSES for site in ("a", "b") for number in range(5)]
    remarks = plan_archive([Record(name, offset=1000 * at) for at, name in enumerate(names)]).remarks
    assert "not told apart" in grouped_remarks(remarks, "prefix")[0].message
    [remark] = grouped_remarks(remarks, "folder")
    assert remark.code == "folders_are_groups"
    assert "not told apart" not in remark.message
    assert "what lies in one stays on one side of the split" in remark.message
    other = replace(remark, code="split_mixed", message="Parts were put together.")
    assert grouped_remarks([other], "folder") == (other,)
