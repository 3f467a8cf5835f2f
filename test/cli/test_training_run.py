"""What training commands note of themselves, so that somebody can run them again."""

import hashlib
from pathlib import Path

import pytest

torch = pytest.importorskip('torch')

from perception_nodes.cli.training_run import RunOptions, TrainingRun  # noqa: E402
from perception_nodes.learning.compute import Compute  # noqa: E402

CHOICE = ['--data', 'masks:a b', '--cut', '0.12', '--gap', '2']
ON_GPU = Compute(device=torch.device('cuda', 1), mixed=True)


def run_of(**changes) -> TrainingRun:
    options = {'out': Path('out'), 'threads': 2, **changes.pop('options', {})}
    return TrainingRun(
        command='perception train segmentation',
        recipe=Path('r.yaml'),
        choice=CHOICE,
        data='masks:a b',
        options=RunOptions(**options),
        **changes,
    )


BEFORE = "perception train segmentation --recipe r.yaml --data 'masks:a b' --cut 0.12 --gap 2"
ON_CPU = '--device cpu --precision fp32 --threads 2'


@pytest.mark.parametrize(
    ('changes', 'compute', 'words'),
    [
        ({}, Compute(), ON_CPU),
        ({'options': {'resume': True}}, Compute(), ON_CPU),
        ({'options': {'seed': 0}}, Compute(), f'--seed 0 {ON_CPU}'),
        ({'options': {'time_limit_min': 4.6}}, Compute(), f'{ON_CPU} --time-limit-min 4.6'),
        ({'options': {'licence': 'MIT'}}, Compute(), f'{ON_CPU} --licence MIT'),
        ({'options': {'device': 'auto'}}, ON_GPU, '--device cuda --precision bf16'),
        ({'held_out': 'masks:c'}, Compute(), f'--held-out masks:c {ON_CPU}'),
        (
            {'start': Path('a.onnx'), 'trunk': Path('b.onnx')},
            Compute(),
            f'--start a.onnx --trunk b.onnx {ON_CPU}',
        ),
    ],
)
def test_command_names_every_option_that_changes_what_comes_out(changes, compute, words):
    assert run_of(**changes).source(compute) == f'{BEFORE} {words}'


def test_all_threads_are_noted_as_their_number():
    assert '--threads 0' not in run_of(options={'threads': 0}).source(Compute())


def test_sources_are_the_data_and_what_the_files_hold(tmp_path: Path):
    assert run_of().sources == {'data': "--data 'masks:a b' --cut 0.12 --gap 2"}
    file = tmp_path / 'a.onnx'
    file.write_bytes(b'weights')
    digest = f'sha256 {hashlib.sha256(b"weights").hexdigest()}'
    assert run_of(start=file).sources['start'] == digest
    assert run_of(trunk=file).sources['trunk'] == digest
    assert run_of(held_out='masks:c').sources == run_of().sources, 'it is not learnt from'
