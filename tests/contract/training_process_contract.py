"""What a worker relies on in a training process, for the real one and its double."""

from collections.abc import Iterator

import pytest

from services.trainer.protocol import Message, MessageKind, Order, StopReason
from services.trainer.worker.training_process import TrainingProcess
from shared.job.options import JobOptions
from shared.process.line_process import ProcessDied
from tests.scripted_training import ARTEFACTS, SCRIPTS

TICK_S = 0.2
ORDER = Order(
    job_id="job-1",
    fence=3,
    archive_key="uploads/job-1/archive.zip",
    archive_generation="g",
    num_images=9,
    options=JobOptions(epochs=7),
    seconds_left=60.0,
    halvings=2,
)


class TrainingProcessContract:
    """Subclasses start a process that follows a script of :mod:`tests.scripted_training`."""

    def start(self, words: str) -> TrainingProcess:
        raise NotImplementedError

    @pytest.fixture
    def process(self, request: pytest.FixtureRequest) -> Iterator[TrainingProcess]:
        process = self.start(request.param)
        yield process
        process.end()

    def hear(self, process: TrainingProcess) -> Message:
        """Return the next message, however long the process takes to start."""
        for _ in range(round(60 / TICK_S)):
            if (message := process.next_message(TICK_S)) is not None:
                return message
        raise AssertionError("nothing was said for a minute")

    def code_of_death(self, process: TrainingProcess) -> int:
        with pytest.raises(ProcessDied) as died:
            self.hear(process)
        return died.value.return_code

    @pytest.mark.parametrize("process", ["succeed"], indirect=True)
    def test_it_gets_the_order_as_it_was_given_and_says_all_before_it_is_dead(self, process: TrainingProcess) -> None:
        assert process.is_alive
        process.order(ORDER)
        said = [self.hear(process) for _ in range(4)]
        assert [message.kind for message in said] == [
            MessageKind.DEVICE,
            MessageKind.PROGRESS,
            MessageKind.TRIAL,
            MessageKind.FINISHED,
        ]
        assert said[2].trial is not None
        assert (said[2].trial.name, said[3].artefacts) == ("screen/halved_2", ARTEFACTS)
        assert self.code_of_death(process) == 0
        assert not process.is_alive

    @pytest.mark.parametrize(
        ("process", "code"),
        [("crash", 3), ("run_out_of_memory", -9), ("die succeed", 9)],
        indirect=["process"],
    )
    def test_its_death_is_told_with_its_code_and_what_is_sent_to_the_dead_is_no_fault(
        self, process: TrainingProcess, code: int
    ) -> None:
        process.order(ORDER)
        assert self.code_of_death(process) == code
        assert not process.is_alive
        process.order(ORDER)
        process.stop(StopReason.BUDGET)
        assert self.code_of_death(process) == code

    @pytest.mark.parametrize("process", ["finish_when_told"], indirect=True)
    def test_it_waits_until_it_is_told_to_stop_and_why(self, process: TrainingProcess) -> None:
        process.order(ORDER)
        assert process.next_message(TICK_S) is None
        process.stop(StopReason.CANCELLED)
        assert self.hear(process) == Message(kind=MessageKind.FINISHED, artefacts=ARTEFACTS, reason="cancelled")

    @pytest.mark.parametrize("process", ["babble"], indirect=True)
    def test_a_line_that_is_no_message_is_none(self, process: TrainingProcess) -> None:
        process.order(ORDER)
        assert self.hear(process).kind is MessageKind.DEVICE

    @pytest.mark.parametrize("process", ["ready succeed", "unfit succeed"], indirect=True)
    def test_what_it_says_before_its_order_is_heard_before_it(self, process: TrainingProcess) -> None:
        assert self.hear(process).kind in (MessageKind.READY, MessageKind.UNFIT)
        assert process.next_message(TICK_S) is None
        assert process.is_alive

    @pytest.mark.parametrize("process", ["succeed", *(name for name in SCRIPTS if "told" in name)], indirect=True)
    def test_without_its_worker_it_leaves(self, process: TrainingProcess) -> None:
        process.end(patience_s=60)
        assert not process.is_alive
        assert self.code_of_death(process) == 0

    @pytest.mark.parametrize("process", ["be_deaf"], indirect=True)
    def test_one_that_does_not_leave_is_killed(self, process: TrainingProcess) -> None:
        process.order(ORDER)
        process.stop(StopReason.BUDGET)
        assert process.next_message(TICK_S) is None
        process.end()
        assert not process.is_alive
        assert self.code_of_death(process) == -9
