"""Which of several heads is chosen, how sure that is, and what having been the best of several is worth."""

from dataclasses import dataclass

import numpy as np
import pytest

from services.trainer.fitting.comparison.optimism import best_of_several
from services.trainer.fitting.out_of_fold import OutOfFold, Tried, is_better
from services.trainer.screening import recorded
from services.trainer.screening.choice import beside_who_left, judge_choice, recall_choice, record_choice
from services.trainer.zoo.catalogue import BACKBONES, Backbone
from services.trainer.zoo.combination.row import combined_row
from tests.doubles.memory_ledger import MemoryLedger


def answers(right, *, sure=2.0, num_independent=None):
    """Two classes: images are read rightly or wrongly, each by the same margin."""
    right = np.asarray(right, bool)
    margin = np.where(right, sure, -sure)
    return OutOfFold(
        rows=np.arange(len(right)),
        labels=np.zeros(len(right), np.int32),
        logits=np.stack([margin, np.zeros(len(right))], axis=1).astype(np.float32),
        num_independent=float(num_independent or len(right)),
    )


def with_itself_tried(found):
    return OutOfFold(
        rows=found.rows,
        labels=found.labels,
        logits=found.logits,
        num_independent=found.num_independent,
        tried=Tried.of([found]),
    )


def test_a_head_that_is_surer_where_it_is_right_and_no_worse_is_better():
    champion = answers([True] * 80 + [False] * 20, sure=1.0)
    assert is_better(answers([True] * 90 + [False] * 10, sure=1.0), champion)
    a_little = answers([False] * 5 + [True] * 82 + [False] * 13, sure=1.0)
    assert not is_better(a_little, champion)
    assert is_better(a_little, champion, errors=0.0)


def test_a_head_that_reads_the_same_is_better_where_it_is_surer_and_never_where_it_is_the_same():
    champion = answers([True] * 100, sure=1.0)
    assert is_better(answers([True] * 100, sure=2.0), champion)
    for errors in (0.0, 1.0):
        assert not is_better(champion, champion, errors=errors)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A candidate that finished, as far as it is compared."""

    backbone: Backbone
    out_of_fold: OutOfFold
    rank: tuple[float, float] = (0.0, 0.0)


def test_networks_side_by_side_have_to_be_twice_as_clearly_better_as_a_single_one():
    first, second = BACKBONES["mobilenet_0.25"], BACKBONES["mobilenet_v2"]
    champion = Judged(backbone=first, out_of_fold=answers([True] * 86 + [False] * 14, sure=1.0))
    somewhat, clearly = (answers([True] * right + [False] * (100 - right), sure=1.0) for right in (88, 97))
    assert recorded.is_better(Judged(backbone=second, out_of_fold=somewhat), champion)
    both = combined_row([first, second])
    assert not recorded.is_better(Judged(backbone=both, out_of_fold=somewhat), champion)
    assert recorded.is_better(Judged(backbone=both, out_of_fold=clearly), champion)


def test_a_lower_log_loss_does_not_make_up_for_accuracy_that_is_clearly_lower():
    champion = answers([True] * 80 + [False] * 20, sure=4.0)
    timid = answers([True] * 60 + [False] * 40, sure=0.3)
    assert timid.loss.mean() < champion.loss.mean()
    assert not is_better(timid, champion, errors=0.0)


def test_copies_make_no_difference_surer_than_it_is():
    more, fewer = [True] * 94 + [False] * 6, [True] * 90 + [False] * 10
    assert is_better(answers(more), answers(fewer))
    assert not is_better(answers(more), answers(fewer, num_independent=10))


def test_of_one_head_nothing_is_taken_off():
    right = np.arange(200) < 170
    corrected = best_of_several(Tried.of([answers(right)]), np.arange(200), seed=0)
    assert corrected == pytest.approx(0.85, abs=0.01)


def test_the_best_of_many_that_only_guess_is_thought_less_of_than_it_looks():
    guesses = np.random.default_rng(0).random((60, 80)) < 0.5
    tried = Tried.of([answers(row) for row in guesses])
    looks = guesses.mean(axis=1).max()
    assert best_of_several(tried, np.arange(80), seed=0) < looks - 0.04


def test_a_single_group_of_copies_leaves_none_to_judge_and_is_not_divided_by():
    assert best_of_several(Tried.of([answers([True, True, False])]), np.zeros(3, np.int64), seed=0) == pytest.approx(
        2 / 3
    )


def test_the_winner_is_held_against_the_runner_up_photograph_by_photograph():
    winner = with_itself_tried(answers([True] * 60 + [True] * 9 + [False]))
    second = with_itself_tried(answers([True] * 60 + [False] * 9 + [True]))
    third = with_itself_tried(answers([True] * 50 + [False] * 20))
    choice = judge_choice([("a", winner), ("b", second), ("c", third)], np.arange(70), seed=0)
    assert choice.runner_up == "b"
    assert (choice.winner_only, choice.runner_up_only) == (9, 1)
    assert choice.p_value == pytest.approx(2 * 11 / 1024)
    assert choice.num_tried == 3
    assert abs(choice.optimism) < 0.03


def test_copies_speak_with_one_voice_about_the_choice():
    winner = with_itself_tried(answers([True] * 20))
    second = with_itself_tried(answers([True] * 10 + [False] * 10))
    groups = np.concatenate([np.arange(10), np.full(10, 99)])
    choice = judge_choice([("a", winner), ("b", second)], groups, seed=0)
    assert (choice.winner_only, choice.p_value) == (1, 1.0)


def test_an_attempt_that_sees_the_winner_alone_still_says_how_sure_the_choice_was():
    ledger = MemoryLedger()
    choice = judge_choice([("a", with_itself_tried(answers([True] * 8 + [False] * 2)))], np.arange(10), seed=0)
    assert choice.runner_up is None
    record_choice(ledger, choice)
    assert recall_choice(ledger) == choice


def test_where_all_others_left_the_race_the_winner_is_held_against_the_best_of_them_on_the_last_sample_of_both():
    alone = judge_choice([("a", with_itself_tried(answers([True] * 9 + [False])))], np.arange(10), seed=0)
    few, many = np.arange(20) < 18, np.arange(40) < 36
    rounds = {"a": [few, many], "b": [few, np.arange(40) < 26], "c": [np.arange(20) < 4], "never began": []}
    choice = beside_who_left(alone, "a", rounds)
    assert (choice.runner_up, choice.num_sampled) == ("b", 40)
    assert (choice.winner_only, choice.runner_up_only) == (10, 0)
    assert choice.p_value == pytest.approx(2 / 1024)
    assert beside_who_left(alone, "a", {"b": [few]}) == alone, "an attempt that did not see the race"
    assert beside_who_left(alone, "a", {"a": [few]}) == alone, "a race of one"
