import subprocess
import sys

from services.trainer.zoo.catalogue import BACKBONES
from shared.job.candidates import CANDIDATE_PARAMETERS


def test_rows_are_the_candidates_that_a_job_may_name_in_their_order():
    assert {name: row.parameters for name, row in BACKBONES.items()} == CANDIDATE_PARAMETERS
    assert list(BACKBONES) == list(CANDIDATE_PARAMETERS)
    assert all(name == row.name for name, row in BACKBONES.items())


def test_every_weights_file_is_named_once_and_only_the_bundled_one_comes_from_nowhere():
    assert len({row.weights_file for row in BACKBONES.values()}) == len(BACKBONES)
    assert [row.name for row in BACKBONES.values() if row.weights_url is None and row.package is None] == ["tiny"]


def test_catalogue_and_weights_are_read_without_tensorflow():
    program = (
        "import sys, services.trainer.zoo.sources.weights;"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
