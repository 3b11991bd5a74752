import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from services.trainer.data.assignment import Fewer, record_fewer
from services.trainer.data.dataset import Dataset
from services.trainer.run.context import Stopped
from services.trainer.run.deadline import Countdown, Deadline
from services.trainer.scratch.disk import is_disk_full
from services.trainer.scratch.need import Keeping
from services.trainer.screening.candidate import features_directory, open_store
from services.trainer.screening.features import FeatureStore, learning_rows
from services.trainer.screening.fit import HeadPlan
from services.trainer.screening.forward import compile_forward
from services.trainer.screening.race import is_worth_it, samples
from services.trainer.zoo.combination.limits import Limits
from services.trainer.zoo.network import Network, build
from services.trainer.zoo.sources.weights import Source, WeightsFile
from shared.errors import UserFault
from shared.job.findings.training import CandidateResult
from shared.job.job import TrialState
from shared.job.options import LevelChoice
from tests.doubles.memory_ledger import MemoryLedger
from tests.shared_networks import hold_race, screen
from tests.small_disk import small_disk
from tests.training_fixture import null_ledger
from tests.zoo_fixture import PX, by_epochs, coloured_dataset, make_run, small_backbone, write_weights


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return coloured_dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def network(weights):
    return build(small_backbone("probe"), weights)


def damaged(folder: Path) -> WeightsFile:
    path = folder / "damaged.h5"
    path.write_bytes(b"no HDF5 at all")
    return WeightsFile.read(path, Source.MIRROR)


def untimed(result: CandidateResult) -> CandidateResult:
    return replace(result, seconds=0.0)


def store_of(network, dataset, folder, **options) -> FeatureStore:
    return FeatureStore(network, dataset.images(PX), folder, **{"max_activation_bytes": 1e9, **options})


def test_features_are_those_of_the_bare_network_whatever_the_batch(dataset, network, tmp_path):
    pixels = np.asarray(dataset.images(PX))
    activations = network.trunk(tf.cast(pixels, tf.float32), training=False)
    expected = np.asarray(network.tail(activations, training=False))
    for halvings in (0, 4):
        store = store_of(network, dataset, tmp_path / str(halvings), halvings=halvings)
        assert store.compute(np.arange(dataset.num_images))
        np.testing.assert_allclose(store.features, expected, atol=2e-4)
        np.testing.assert_allclose(store.activations, activations, atol=1e-2)


def test_out_of_memory_the_batch_is_halved_and_the_pass_goes_on(dataset, network, tmp_path):
    sizes = []

    def compile_short_of_memory(network):
        forward = compile_forward(network)

        def limited(images):
            sizes.append(len(images))
            if len(images) > 8:
                raise tf.errors.ResourceExhaustedError(None, None, "no more")
            return forward(images)

        return limited

    store = store_of(network, dataset, tmp_path / "short", compile_pass=compile_short_of_memory)
    rows = np.arange(dataset.num_images)
    plenty = store_of(network, dataset, tmp_path / "plenty")

    assert store.compute(rows)
    assert plenty.compute(rows)
    assert max(sizes[3:]) == 8
    np.testing.assert_allclose(store.features, plenty.features, atol=2e-4)


def test_no_image_goes_through_the_network_twice(dataset, network, tmp_path):
    store = store_of(network, dataset, tmp_path)
    counted = []

    def on_batch(num_images: int) -> bool:
        counted.append(num_images)
        return True

    store.compute(dataset.split.train, on_batch=on_batch)
    store.compute(np.arange(dataset.num_images), on_batch=on_batch)

    assert sum(counted) == dataset.num_images
    assert store.is_done(np.arange(dataset.num_images))


def test_activations_that_do_not_fit_the_disk_are_computed_when_asked_for(dataset, network, tmp_path):
    kept, computed = (
        store_of(network, dataset, tmp_path / name, max_activation_bytes=room)
        for name, room in (("kept", 1e9), ("computed", 1e3))
    )
    rows = dataset.split.validation
    for store in (kept, computed):
        store.compute(rows)

    assert computed.activations is None
    np.testing.assert_allclose(computed.activations_of(rows), kept.activations_of(rows), atol=1e-2)


def test_the_highest_validation_accuracy_wins_and_of_equals_the_cheaper(weights, tmp_path):
    cheap, dear = small_backbone("cheap", gflops=1), small_backbone("dear", gflops=2)
    run = make_run(tmp_path)
    easy = coloured_dataset(tmp_path / "easy", noise=5.0)

    found = screen(easy, [(dear, weights), (cheap, weights)], run, by_epochs(10))

    assert [each.name for each in found.candidates] == ["dear", "cheap"]
    assert {each.val_accuracy for each in found.candidates} == {1.0}
    assert found.winner == cheap
    assert found.store is not None
    assert [path.name for path in (tmp_path / "features").iterdir()] == ["cheap"]


def test_history_and_parameters_are_told_of_every_candidate(dataset, weights, tmp_path):
    found = screen(dataset, [(small_backbone("one"), weights)], make_run(tmp_path), by_epochs(7))

    (result,) = found.candidates
    assert result.state is TrialState.DONE
    assert len(result.history.val_accuracy) == len(result.history.loss) == 7
    assert result.val_accuracy == max(result.history.val_accuracy) > 0.5
    assert result.train_accuracy == result.history.accuracy[result.best_epoch - 1]
    assert result.parameters == 218_544 + 256 * 3 + 3


def test_a_candidate_that_fails_says_why_and_costs_the_others_nothing(dataset, weights, tmp_path):
    ledger = MemoryLedger()
    usable = [(small_backbone("broken", gflops=0.5), damaged(tmp_path)), (small_backbone("whole"), weights)]

    found = screen(dataset, usable, make_run(tmp_path, ledger=ledger), by_epochs(2))

    assert found.winner.name == "whole"
    assert found.candidates[0].state is TrialState.FAILED
    assert "OSError" in found.candidates[0].skipped_because
    assert ledger.entries["screen/broken"].trial.reason == found.candidates[0].skipped_because


def test_where_all_fail_the_fault_lists_them(dataset, tmp_path):
    with pytest.raises(UserFault) as raised:
        screen(dataset, [(small_backbone("broken"), damaged(tmp_path))], make_run(tmp_path), by_epochs(2))
    assert raised.value.fault.code == "no_candidate_worked"
    assert raised.value.fault.details["candidates"][0]["name"] == "broken"


def test_a_successor_repeats_nothing_that_was_finished(dataset, weights, tmp_path):
    ledger = MemoryLedger()
    usable = [(small_backbone("first"), weights), (small_backbone("second", gflops=2), weights)]
    before = screen(dataset, usable[:1], make_run(tmp_path / "a", ledger=ledger), by_epochs(4))

    after = screen(dataset, usable, make_run(tmp_path / "b", ledger=ledger), by_epochs(4))

    assert after.candidates[0] == before.candidates[0]
    assert not (tmp_path / "b" / "features" / "first").exists()
    assert after.winner.name == "first"
    np.testing.assert_array_equal(after.head.kernel, before.head.kernel)


@pytest.mark.parametrize(
    "plan", [by_epochs(4), HeadPlan(levels=LevelChoice.AUTO, epochs=4)], ids=["by epochs", "to its end"]
)
def test_where_a_photograph_can_no_longer_be_read_and_time_is_up_what_was_finished_is_delivered(
    dataset, weights, tmp_path, plan
):
    first = null_ledger()
    second, third = replace(first, fence=2), replace(first, fence=3)
    usable = [(small_backbone("first"), weights)]
    before = screen(dataset.learning, usable, make_run(tmp_path / "a", ledger=first), plan)
    fewer = replace(dataset, split=replace(dataset.split, train=dataset.split.train[:-1]), missing="one")

    late = make_run(tmp_path / "b", ledger=second, stop_reason=lambda: "budget")
    after = screen(fewer.learning, usable, late, plan)
    np.testing.assert_array_equal(after.head.kernel, before.head.kernel)
    assert after.choice == before.choice, "how sure it was is of the attempt that chose"

    in_time = screen(fewer.learning, usable, make_run(tmp_path / "c", ledger=third), plan)
    assert untimed(in_time.result) != untimed(before.result), "answers to other photographs were taken over"


def test_where_time_is_up_what_was_finished_without_a_photograph_that_is_there_again_is_delivered(
    dataset, weights, tmp_path
):
    first = null_ledger()
    second = replace(first, fence=2)
    usable = [(small_backbone("first"), weights)]
    fewer = replace(dataset, split=replace(dataset.split, train=dataset.split.train[:-1]), missing="one")
    before = screen(fewer, usable, make_run(tmp_path / "a", ledger=first), by_epochs(4))
    record_fewer(first.of(dataset.facts), Fewer(missing="one"))

    late = make_run(tmp_path / "b", ledger=second, stop_reason=lambda: "budget")
    after = screen(dataset, usable, late, by_epochs(4))
    np.testing.assert_array_equal(after.head.kernel, before.head.kernel)


def test_what_was_learnt_on_other_weights_of_the_same_name_is_learnt_again(dataset, weights, tmp_path):
    ledger, backbone = MemoryLedger(), small_backbone("one")
    screen(dataset, [(backbone, weights)], make_run(tmp_path / "a", ledger=ledger), by_epochs(4))
    others = write_weights(tmp_path / "others", seed=1)

    resumed = screen(dataset, [(backbone, others)], make_run(tmp_path / "b", ledger=ledger), by_epochs(4))

    afresh = screen(dataset, [(backbone, others)], make_run(tmp_path / "c"), by_epochs(4))
    np.testing.assert_array_equal(resumed.head.kernel, afresh.head.kernel)
    assert untimed(resumed.result) == untimed(afresh.result)


def test_a_failure_is_forgotten_once_there_are_other_weights(dataset, weights, tmp_path):
    ledger, usable = MemoryLedger(), [(small_backbone("spare", gflops=2), weights)]
    broken = (small_backbone("first"), damaged(tmp_path))
    screen(dataset, [broken, *usable], make_run(tmp_path / "a", ledger=ledger), by_epochs(2))

    mended = screen(
        dataset, [(small_backbone("first"), weights), *usable], make_run(tmp_path / "b", ledger=ledger), by_epochs(2)
    )

    assert mended.candidates[0].state is TrialState.DONE


def test_what_was_learnt_on_another_split_is_learnt_again(dataset, weights, tmp_path):
    ledger, usable = MemoryLedger(), [(small_backbone("one"), weights)]
    part = dataset.split
    other = replace(dataset, split=replace(part, train=part.test, test=part.train), split_sha256="other")
    screen(other, usable, make_run(tmp_path / "a", ledger=ledger), by_epochs(4))

    resumed = screen(dataset, usable, make_run(tmp_path / "b", ledger=ledger), by_epochs(4))

    afresh = screen(dataset, usable, make_run(tmp_path / "c"), by_epochs(4))
    np.testing.assert_array_equal(resumed.head.kernel, afresh.head.kernel)


def test_a_candidate_whose_weights_are_gone_leaves_the_comparison_to_the_others(dataset, weights, tmp_path):
    ledger = MemoryLedger()
    usable = [(small_backbone("gone"), weights), (small_backbone("left", gflops=2), weights)]
    before = screen(dataset, usable, make_run(tmp_path / "a", ledger=ledger), by_epochs(4))

    after = screen(dataset, usable[1:], make_run(tmp_path / "b", ledger=ledger), by_epochs(4))

    assert after.winner.name == "left"
    assert after.candidates == before.candidates[1:]


def test_told_to_stop_the_best_so_far_wins_and_the_rest_are_skipped(dataset, weights, tmp_path):
    ledger = MemoryLedger()
    usable = [(small_backbone("first"), weights), (small_backbone("second", gflops=2), weights)]
    run = make_run(tmp_path, ledger=ledger, stop_reason=lambda: "budget" if "screen/first" in ledger.entries else None)

    found = screen(dataset, usable, run, by_epochs(2))

    assert found.winner.name == "first"
    assert found.candidates[1].state is TrialState.SKIPPED
    assert "budget" in found.candidates[1].skipped_because


def test_a_head_that_was_cut_short_is_delivered_in_a_hurry_and_fitted_anew_where_there_is_time(
    dataset, weights, tmp_path
):
    ledger, told, usable = MemoryLedger(), [], [(small_backbone("one"), weights)]
    is_fitting = lambda: "budget" if any("head" in each.detail for each in told) else None  # noqa: E731
    cut = screen(
        dataset, usable, make_run(tmp_path / "a", ledger=ledger, reported=told, stop_reason=is_fitting), by_epochs(4)
    )
    assert len(cut.result.history.val_loss) == 1

    hurried = make_run(tmp_path / "b", ledger=ledger, stop_reason=lambda: "lost")
    np.testing.assert_array_equal(screen(dataset, usable, hurried, by_epochs(4)).head.kernel, cut.head.kernel)
    for folder in ("c", "d"):  # the second finds what the first one fitted
        anew = screen(dataset, usable, make_run(tmp_path / folder, ledger=ledger), by_epochs(4))
        assert len(anew.result.history.val_loss) == 4
    assert anew.store is None


def test_told_to_stop_before_anything_is_done_there_is_nothing_to_keep(dataset, weights, tmp_path):
    run = make_run(tmp_path, stop_reason=lambda: "cancelled")
    with pytest.raises(Stopped) as raised:
        screen(dataset, [(small_backbone("first"), weights)], run, by_epochs(2))
    assert raised.value.reason == "cancelled"


def test_a_candidate_too_dear_for_what_is_left_of_the_budget_is_skipped(dataset, weights, tmp_path):
    usable = [(small_backbone("cheap"), weights), (small_backbone("dear", gflops=1e6), weights)]

    found = screen(dataset, usable, make_run(tmp_path, seconds_left=60.0), by_epochs(2))

    assert found.winner.name == "cheap"
    assert "budget" in found.candidates[1].skipped_because


def test_a_candidate_that_could_not_be_evaluated_in_time_leaves_the_rest_of_the_time_to_the_leader(
    dataset, weights, tmp_path
):
    """Its pass fits the budget as foreseen; measured it is slower, and its test split would take too long."""
    now = [0.0]
    run = make_run(tmp_path)
    told = []
    countdown = Countdown(deadline=Deadline(started=0.0, seconds_left=40.0), monotonic=lambda: now[0], tell=told.append)

    def tick(progress):
        if progress.detail == "slow: features":
            now[0] = 39.0

    run = replace(run, countdown=countdown, report=tick)
    usable = [(small_backbone("quick"), weights), (small_backbone("slow"), weights)]
    found = screen(dataset, usable, run, by_epochs(2))
    assert found.winner.name == "quick"
    assert found.candidates[1].state is TrialState.SKIPPED
    assert "evaluate and export" in found.candidates[1].skipped_because
    assert told


def test_what_was_measured_of_a_candidate_is_known_to_a_successor(dataset, weights, tmp_path):
    ledger = MemoryLedger()
    usable = [(small_backbone("first"), weights)]
    first, second = (make_run(tmp_path / name, ledger=ledger) for name in ("first", "second"))
    measured = screen(dataset, usable, first, by_epochs(2))
    found = screen(dataset, usable, second, by_epochs(2))
    assert found.store is None
    assert found.pace == measured.pace, "by which it is known whether mirror images would be too slow for the person"
    assert found.pace is not None
    built, unbuilt = first.countdown.deadline.delivery_s, second.countdown.deadline.delivery_s
    assert 0 < built < unbuilt  # the successor has yet to build the network, and nothing of its pass is kept


def blind(row, weights_folder):
    """A backbone that sees nothing: its weights are all zeros."""
    network = build(row, None)
    network.model.set_weights([np.zeros_like(values) for values in network.model.get_weights()])
    path = weights_folder / f"{row.name}.weights.h5"
    weights_folder.mkdir(parents=True, exist_ok=True)
    network.model.save_weights(path)
    return row, WeightsFile.read(path, Source.MIRROR)


def test_who_has_hardly_a_chance_leaves_the_race_and_a_successor_finds_it_so(weights, tmp_path):
    dataset = coloured_dataset(tmp_path / "dataset", per_class=140)
    usable = [
        (small_backbone("good", gflops=2), weights),
        (small_backbone("alike", gflops=3), weights),
        blind(small_backbone("blind"), tmp_path / "blind"),
    ]
    ledger = MemoryLedger()
    found = screen(dataset, usable, make_run(tmp_path / "a", ledger=ledger), by_epochs(3), racing=True)
    states = {each.name: each.state for each in found.candidates}
    assert states == {"good": TrialState.DONE, "alike": TrialState.DONE, "blind": TrialState.SKIPPED}
    left = found.candidates[-1]
    assert "its chance to win was 0.0%" in left.skipped_because
    assert "exhaustive" in left.skipped_because
    assert found.result.foretold.accuracy > left.foretold.accuracy + 0.4
    assert found.result.foretold.log_me > left.foretold.log_me
    again = screen(dataset, usable, make_run(tmp_path / "b", ledger=ledger), by_epochs(3), racing=True)
    assert [replace(each, seconds=0) for each in again.candidates] == [
        replace(each, seconds=0) for each in found.candidates
    ]
    every = screen(dataset, usable, make_run(tmp_path / "c"), by_epochs(1), racing=False)
    assert [each.state for each in every.candidates] == [TrialState.DONE] * 3
    assert all(each.foretold.p2l <= 0 for each in every.candidates), "foretold without a race, too"


def test_who_takes_twice_the_work_and_is_no_better_does_not_run_to_the_end(weights, tmp_path):
    dataset = coloured_dataset(tmp_path / "dataset", per_class=140)
    usable = [(small_backbone("cheap", gflops=2), weights), (small_backbone("dear", gflops=4), weights)]
    found = screen(dataset, usable, make_run(tmp_path / "a"), by_epochs(1), racing=True)
    assert found.winner.name == "cheap"
    (left,) = [each for each in found.candidates if each.name == "dear"]
    assert left.state is TrialState.SKIPPED
    assert "not surely better than cheap, and it takes 2.0 times the work" in left.skipped_because


def test_a_racer_with_other_weights_runs_again_and_the_others_do_not(weights, tmp_path):
    dataset = coloured_dataset(tmp_path / "dataset", per_class=140)
    runners = [small_backbone(f"runner{number}", gflops=number) for number in range(1, 3)]  # two are never halved
    ledger, asked = MemoryLedger(), []
    every = [(runner, weights) for runner in runners]
    hold_race(every, dataset, make_run(tmp_path / "a", ledger=ledger), on_batch=lambda *_: True)
    changed = [*every[:-1], (runners[-1], write_weights(tmp_path / "others", seed=1))]

    def on_batch(name: str, _num_done: int) -> bool:
        asked.append(name)
        return True

    sparing = replace(make_run(tmp_path / "b", ledger=ledger), keeping=Keeping(num_finalists=0))
    race = hold_race(changed, dataset, sparing, on_batch=on_batch)

    assert set(asked) == {"runner2"}
    assert set(race.ranking) == {runner.name for runner in runners}
    assert race.stores == {}, "where the disk is short, nothing waits on it for its turn"
    assert not any(file.is_file() for file in (tmp_path / "b").rglob("*"))


def test_samples_grow_hold_no_copies_and_are_not_drawn_of_few_photographs(tmp_path):
    dataset = coloured_dataset(tmp_path / "dataset", per_class=140).learning
    dataset = replace(dataset, groups=np.arange(len(dataset.labels)) // 2)
    drawn = samples(dataset, seed=0)
    assert [len(each) for each in drawn] == [15, 30, 60, 120]
    assert 2 * len(drawn[-1]) <= len(learning_rows(dataset)), "a larger one would spare little"
    for smaller, larger in itertools.pairwise(drawn):
        assert set(smaller) < set(larger)
    assert all(len(np.unique(dataset.groups[each])) == len(each) for each in drawn)
    assert not is_worth_it(coloured_dataset(tmp_path / "few", per_class=20).learning, 5)


def test_progress_goes_up_to_all_images_and_names_the_best(dataset, weights, tmp_path):
    reported = []
    found = screen(dataset, [(small_backbone("one"), weights)], make_run(tmp_path, reported=reported), by_epochs(2))

    done = [each.done for each in reported]
    num_images = len(dataset.split.train) + len(dataset.split.validation)
    assert done == sorted(done)
    assert (done[-1], reported[-1].total, reported[-1].unit) == (num_images, num_images, "images")
    assert reported[-1].best.val_accuracy == found.result.val_accuracy


def test_activations_that_find_no_room_are_computed_anew_and_features_that_find_none_stop(
    dataset: Dataset, network: Network, tmp_path: Path
) -> None:
    features_bytes = dataset.num_images * network.backbone.pooled_width * 4
    activations_bytes = dataset.num_images * int(np.prod(network.cut_shape)) * 2  # of what is free, a share is used
    with small_disk(tmp_path / "disk", features_bytes + activations_bytes) as disk:
        store = store_of(network, dataset, disk / "store")
        assert store.activations is None
        rows = np.arange(dataset.num_images)
        assert store.compute(rows)
        assert np.isfinite(store.features).all()
        assert store.activations_of(rows).shape == (dataset.num_images, *network.cut_shape)
        with pytest.raises(OSError, match="space") as full:
            store_of(network, dataset, disk / "another")
        assert is_disk_full(full.value)


def test_a_full_disk_is_not_held_against_a_candidate(dataset: Dataset, weights: WeightsFile, tmp_path: Path) -> None:
    """It would be skipped for good, in this attempt and in those to come."""
    ledger = MemoryLedger()
    with small_disk(tmp_path / "disk", 4096) as disk:
        run = make_run(disk, ledger=ledger)
        with pytest.raises(OSError, match="space"):
            screen(dataset, [(small_backbone("only"), weights)], run, by_epochs(1), racing=False)
    assert ledger.entries == {}


def paced(image_s: float, *, first_s: float = 0.0):
    """Return what builds networks through which an image takes so long, by a clock of their own, and the first more."""

    def opening(dataset, run, backbone, weights):
        if backbone.parts:
            return open_store(dataset, run, backbone, weights)
        now = [0.0]

        def compile_pass(network):
            forward, left_s = compile_forward(network), [first_s]

            def slow(images):
                now[0] += image_s * len(images) + left_s.pop() if left_s else image_s * len(images)
                return forward(images)

            return slow

        folder = features_directory(run, backbone)
        return store_of(build(backbone, weights), dataset, folder, compile_pass=compile_pass, monotonic=lambda: now[0])

    return opening


@pytest.mark.parametrize("most_ms", [3.0, 6.0])
def test_what_is_too_slow_for_the_person_is_left_out_alone_as_side_by_side(dataset, weights, tmp_path, most_ms):
    usable = [(small_backbone("one"), weights), (small_backbone("two", gflops=2), weights)]
    limits = Limits(most_backbones=2, max_ms_per_image=most_ms)
    plan = HeadPlan(levels=LevelChoice.AUTO, epochs=1, limits=limits)
    run, opening = make_run(tmp_path), paced(0.004)
    if most_ms < 4.0:
        with pytest.raises(UserFault) as raised:
            screen(dataset.learning, usable, run, plan, open_store=opening)
        reasons = {each["reason"] for each in raised.value.fault.details["candidates"]}
        assert reasons == {"it takes 4.0 ms for an image, and max_ms_per_image is 3"}
        return
    found = screen(dataset.learning, usable, run, plan, open_store=opening)
    assert [each.state for each in found.candidates] == [TrialState.DONE] * 2 + [TrialState.SKIPPED]
    assert found.candidates[-1].skipped_because == "it takes 8.0 ms for an image, and max_ms_per_image is 6"


def test_what_is_too_large_for_the_person_is_left_out_alone_as_side_by_side(dataset, weights, tmp_path):
    larger = replace(small_backbone("larger"), parameters=300_000)
    usable = [(row, weights) for row in (small_backbone("one"), small_backbone("two", gflops=2), larger)]
    limits = Limits(most_backbones=2, max_parameters=299_999)
    found = screen(
        dataset.learning, usable, make_run(tmp_path), HeadPlan(levels=LevelChoice.AUTO, epochs=1, limits=limits)
    )
    reasons = {each.name: each.skipped_because for each in found.candidates}
    assert reasons == {
        "one": None,
        "two": None,
        "larger": "it has 300,000 parameters, and max_parameters is 299,999",
        "one+two": "it has 437,088 parameters, and max_parameters is 299,999",
    }


def test_of_few_photographs_no_network_is_called_slow_for_its_slow_first_batch(dataset, weights, tmp_path):
    split = replace(dataset.split, train=dataset.split.train[::2])
    few = replace(dataset, split=split).learning
    assert len(learning_rows(few)) <= 32, "one batch"
    plan = HeadPlan(levels=LevelChoice.AUTO, epochs=1, limits=Limits(max_ms_per_image=10))
    found = screen(
        few, [(small_backbone("one"), weights)], make_run(tmp_path), plan, open_store=paced(0.004, first_s=1)
    )
    assert found.result.state is TrialState.DONE
    assert found.pace.image_s == pytest.approx(0.004), "by which mirror images may be too slow, too"
