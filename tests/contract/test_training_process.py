"""The worker's end of a training process: the real one, and the double that most tests of the worker use."""

from services.trainer.worker.training_process import TrainingProcess
from tests.contract.training_process_contract import TrainingProcessContract
from tests.doubles.scripted_process import ScriptedProcess
from tests.job_fixture import NOW, HandClock
from tests.scripted_training import start_program


class TestTrainingProcess(TrainingProcessContract):
    def start(self, words: str) -> TrainingProcess:
        return start_program(words)


class TestScriptedProcess(TrainingProcessContract):
    def start(self, words: str) -> ScriptedProcess:
        self.clock = HandClock()
        return ScriptedProcess(words, self.clock.advance)

    def test_time_passes_where_it_is_waited_for(self) -> None:
        process = self.start("be_deaf")
        process.next_message(0.5)
        process.next_message(0.25)
        assert (self.clock.now - NOW).total_seconds() == 0.75
