"""The race on samples: who leaves, by which judgement, and what published scores say of features."""

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge, RidgeClassifier

from services.trainer.fitting.comparison.racing import (
    chances_to_win,
    foresee,
    leavers,
    not_worth_their_work,
    why_left,
    why_not_worth_it,
)
from services.trainer.fitting.comparison.ridge import read_rightly
from services.trainer.fitting.comparison.transferability import h_score, log_me, p2l, sfda


def features(num_images=60, *, distance=3.0, width=12, seed=0):
    generator = np.random.default_rng(seed)
    labels = np.arange(num_images, dtype=np.int32) % 3
    return distance * np.eye(3, width)[labels] + generator.normal(0, 1, (num_images, width)), labels


def test_an_image_is_judged_by_all_others_without_a_second_fit():
    values, labels = features(distance=1.5)
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    length = np.square(standard).sum() / len(labels)
    by_hand = []
    for strength in 10.0 ** np.arange(-3, 3):
        right = 0
        for image in range(len(labels)):
            others = np.arange(len(labels)) != image
            model = RidgeClassifier(alpha=strength * length).fit(standard[others], labels[others])
            right += int(model.predict(standard[[image]])[0] == labels[image])
        by_hand.append(right)
    assert read_rightly(values, labels, 3).sum() == pytest.approx(max(by_hand), abs=2)


@pytest.mark.parametrize("seed", range(4))
def test_scale_and_mean_of_features_count_for_nothing_and_every_image_is_judged_as_if_it_were_not_there(seed):
    values, labels = features(40, distance=1.2, seed=seed)
    values = values * np.geomspace(0.1, 100, 12) + np.linspace(-500, 500, 12)
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    targets = np.eye(3)[labels]
    by_hand = []
    for strength in 10.0 ** np.arange(-3, 3):
        penalty = strength * np.square(standard).sum() / len(labels)
        said = []
        for image in range(len(labels)):
            others = np.arange(len(labels)) != image
            model = Ridge(alpha=penalty).fit(standard[others], targets[others])
            said.append(int(model.predict(standard[[image]])[0].argmax()))
        by_hand.append(np.array(said) == labels)
    best = max(by_hand, key=np.sum)  # the first of the best
    assert read_rightly(values, labels, 3).tolist() == best.tolist()


def test_features_that_tell_nothing_are_read_as_by_guessing():
    values, labels = features(150, distance=0.0)
    assert read_rightly(values, labels, 3).mean() < 0.55


@pytest.mark.parametrize(("num_images", "value"), [(3, 1.0), (6, 1.0), (6, 0.0), (60, 0.0)])
def test_very_few_images_and_features_that_never_change_are_borne(num_images, value):
    labels = np.arange(num_images, dtype=np.int32) % 3
    constant = np.full((num_images, 8), value)
    assert read_rightly(constant, labels, 3).shape == (num_images,)
    for score in (log_me(constant, labels, 3), h_score(constant, labels), sfda(constant, labels, 3)):
        assert np.isfinite(score)


def test_who_is_far_behind_has_no_chance_and_who_is_level_has_half():
    good = np.arange(200) < 180
    right = {"good": good, "alike": np.roll(good, 100), "bad": np.arange(200) < 120}
    chances = chances_to_win(foresee(right, dict.fromkeys(right, 0.7), seed=0))
    assert sum(chances.values()) == pytest.approx(1.0)
    assert chances["bad"] < 0.01
    assert 0.3 < chances["good"] < 0.7
    assert leavers(chances) == ["bad"]


def test_on_few_images_accuracy_on_imagenet_counts_and_on_many_it_does_not():
    few = {"modest": np.arange(15) < 9, "strong": np.arange(15) < 8}
    many = {"modest": np.arange(3000) < 1800, "strong": np.arange(3000) < 1600}
    imagenet = {"modest": 0.5, "strong": 0.75}
    assert chances_to_win(foresee(few, imagenet, seed=0))["strong"] > 0.7
    assert chances_to_win(foresee(many, imagenet, seed=0))["strong"] < 0.05


@pytest.mark.parametrize(
    ("num_images", "num_right", "stays"), [(15, 14, True), (50, 48, True), (200, 196, True), (50, 27, False)]
)
def test_where_all_is_read_a_light_network_is_not_sent_off_for_what_imagenet_thinks_of_it(num_images, num_right, stays):
    right = dict.fromkeys(("light", "heavy"), np.arange(num_images) < num_right)
    chances = chances_to_win(foresee(right, {"light": 0.498, "heavy": 0.713}, seed=0))
    assert (leavers(chances) == []) is stays


def test_the_evidence_is_that_of_the_closed_formula_at_the_best_alpha_and_beta():
    values, labels = features(40, distance=2.0, width=6)
    found = log_me(values, labels, 3)

    def evidence(alpha, beta, target):
        precision = alpha * np.eye(6) + beta * values.T @ values
        mean = beta * np.linalg.solve(precision, values.T @ target)
        residual = np.square(values @ mean - target).sum()
        return (
            3 * np.log(alpha) + 20 * np.log(beta) - 20 * np.log(2 * np.pi) - beta / 2 * residual
            - alpha / 2 * mean @ mean - np.linalg.slogdet(precision)[1] / 2
        )  # fmt: skip

    grid = 10.0 ** np.linspace(-2, 4, 121)
    best = [max(evidence(a, b, t) for a in grid for b in grid) / 40 for t in np.eye(3)[labels].T]
    assert found == pytest.approx(np.mean(best), abs=2e-3)


def test_the_h_score_of_many_plain_images_is_that_of_the_unshrunk_formula():
    values, labels = features(6000, distance=2.0, width=4)
    centred = values - values.mean(axis=0)
    means = np.stack([centred[labels == label].mean(axis=0) for label in labels])
    expected = np.trace(np.linalg.inv(np.cov(centred.T, bias=True)) @ np.cov(means.T, bias=True))
    assert h_score(values[:600], labels[:600]) == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize(("num_images", "width"), [(60, 5), (30, 80)])
def test_the_h_score_is_that_of_the_covariance_that_ledoit_and_wolf_shrink(num_images, width):
    values, labels = features(num_images, distance=2.0, width=width)
    centred = values - values.mean(axis=0)
    means = np.stack([centred[labels == label].mean(axis=0) for label in labels])
    shrunk, shrinkage = ledoit_wolf(centred, assume_centered=True)
    assert 0.01 < shrinkage < 0.99
    expected = (1 - shrinkage) * np.trace(np.linalg.solve(shrunk, np.cov(means.T, bias=True)))
    assert h_score(values, labels) == pytest.approx(expected, rel=1e-6)


def test_every_score_prefers_features_that_tell_the_classes_apart():
    for score in (lambda v, y: log_me(v, y, 3), h_score, lambda v, y: sfda(v, y, 3)):
        weak, strong = (score(*features(90, distance=distance)) for distance in (0.5, 4.0))
        assert strong > weak


class Shrunk:
    """A covariance, drawn so far towards that of independent features of variance 1."""

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def fit(self, values):
        self.covariance_ = (1 - self.strength) * np.cov(values.T, bias=True) + self.strength * np.eye(values.shape[1])


def discriminant(values, labels):
    """Return what scikit-learn's discriminant says, with the shrinkage of SFDA's equation 5."""
    shares = np.bincount(labels) / len(labels)
    within = sum(share * np.cov(values[labels == label].T, bias=True) for label, share in enumerate(shares))
    shrunk = Shrunk(np.exp(-np.linalg.eigvalsh(within)[-1]))
    return LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=shrunk).fit(values, labels)


@pytest.mark.parametrize("scale", [0.4, 1.0])
def test_sfda_is_a_shrunk_discriminant_asked_twice_the_second_time_without_help_of_the_first(scale):
    values, _ = features(80, distance=1.0, width=5)
    labels = np.minimum(np.arange(80, dtype=np.int32) % 4, 2)  # the last class is half of the images
    values = scale * (values + np.eye(3, 5)[labels] + 7)
    own = np.arange(80), labels
    confident = discriminant(values, labels).predict_proba(values)[own][:, None]
    centres = np.stack([values[labels == label].mean(axis=0) for label in range(3)])[labels]
    harder = confident * values + (1 - confident) * centres
    expected = discriminant(harder, labels).predict_log_proba(harder)[own].mean()
    assert sfda(values, labels, 3) == pytest.approx(expected)


def test_p2l_is_the_divergence_of_mean_features_as_reckoned_by_hand():
    images = np.array([[4.0, 0.0], [2.0, 2.0]])  # means 3 and 1: shares of 3/4 and 1/4
    # 3/4 ln(3/4 : 1/2) + 1/4 ln(1/4 : 1/2) = 0.304099 - 0.173287
    assert p2l(images, np.array([5.0, 5.0])) == pytest.approx(-0.130812, rel=3e-3)
    assert p2l(images, np.array([6.0, 2.0])) == pytest.approx(0.0, abs=1e-6)
    # 3/4 ln(3/4 : 1/4) + 1/4 ln(1/4 : 3/4) = 0.549306
    assert p2l(images, np.array([1.0, 3.0])) == pytest.approx(-0.549306, rel=3e-3)


@pytest.mark.parametrize("means", [[0.0, 0.0], [-0.1, 4.0], [1e-9, 1.0]])
def test_p2l_bears_features_that_one_of_the_two_sets_never_shows(means):
    for images in (np.zeros((3, 2)), np.array([[1.0, 0.0]] * 3)):
        assert np.isfinite(p2l(images, np.array(means)))
        assert p2l(images, np.array(means)) <= 1e-9


@pytest.mark.parametrize(
    ("chances", "expected"),
    [
        ({"a": 0.5, "b": 0.5}, []),
        ({"a": 0.96, "b": 0.04}, ["b"]),
        ({"a": 1.0}, []),
        ({"a": 0.4, "b": 0.35, "c": 0.25}, ["c"]),
        ({"a": 0.3, "b": 0.2, "c": 0.2, "d": 0.16, "e": 0.14}, ["e", "d"]),
        ({"a": 0.94, "b": 0.02, "c": 0.02, "d": 0.02}, ["b", "c", "d"]),
        (dict.fromkeys("abcdefgh", 0.125), list("abcd")),
    ],
)
def test_of_many_the_worse_half_leaves_and_of_two_who_has_hardly_a_chance(chances, expected):
    assert leavers(chances) == expected


def test_of_many_that_are_all_alike_no_more_than_half_leaves():
    alike = {f"racer {number}": np.arange(40) < 20 for number in range(30)}
    left = leavers(chances_to_win(foresee(alike, dict.fromkeys(alike, 0.7), seed=0)))
    assert len(left) == 15


def test_who_leaves_with_a_fair_chance_hears_that_only_half_of_many_goes_on():
    hardly, fairly = (why_left(chance, num_images=50, accuracy=0.7, best=0.8) for chance in (0.01, 0.2))
    assert (
        hardly
        == "its chance to win was 1.0%, by what accuracy on ImageNet lets expect and by 50 images, of which it reads "
        "70% rightly and the best 80%"
    )
    assert fairly.endswith("; of many only the more hopeful half goes on")


def racers(**num_right):
    """Return what the draws foresee of racers of which each reads so many of 200 images, not the same ones."""
    generator = np.random.default_rng(1)
    right = {name: generator.permutation(200) < number for name, number in num_right.items()}
    return foresee(right, dict.fromkeys(right, 0.7), seed=0)


def test_before_the_last_pass_a_far_dearer_one_has_to_be_surely_better():
    level, ahead = racers(cheap=150, dear=154), racers(cheap=130, dear=154)
    assert not_worth_their_work(level, {"cheap": 1.0, "dear": 2.0}) == {"dear": "cheap"}
    assert not_worth_their_work(ahead, {"cheap": 1.0, "dear": 2.0}) == {}
    assert not_worth_their_work(level, {"cheap": 1.0, "dear": 1.9}) == {}, "of like cost: both run to the end"
    assert not_worth_their_work(level, {"cheap": 2.0, "dear": 1.0}) == {"cheap": "dear"}, "behind, and dearer"


def test_who_leaves_itself_sends_nobody_off():
    three = racers(light=150, middle=152, heavy=170)
    work = {"heavy": 9.0, "middle": 3.0, "light": 1.0}
    assert not_worth_their_work(three, work) == {"middle": "light"}
    assert not_worth_their_work(racers(light=150, middle=152, heavy=154), work) == {"middle": "light", "heavy": "light"}
    assert not_worth_their_work(racers(light=150, middle=157, heavy=163), work) == {"middle": "light"}


def test_who_is_not_worth_its_work_hears_against_whom():
    told = why_not_worth_it("mobilenet", num_images=200, times=9.87)
    assert told == "by 200 images it is not surely better than mobilenet, and it takes 9.9 times the work"
