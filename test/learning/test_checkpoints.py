import dataclasses
from pathlib import Path

import pytest
import torch

from perception_nodes.learning.checkpoints import (
    clear,
    identity_of,
    read_checkpoint,
    write_checkpoint,
    write_state,
)

SOURCES = {'data': '--data coco:a --val coco:b'}


def with_schedule(recipe, **changes):
    return dataclasses.replace(recipe, schedule=dataclasses.replace(recipe.schedule, **changes))


def test_folder_without_a_checkpoint_has_nothing_to_resume(small_recipe, tmp_path: Path):
    assert read_checkpoint(tmp_path, identity_of(small_recipe, SOURCES)) is None


def test_checkpoint_of_the_same_recipe_and_data_is_read(small_recipe, tmp_path: Path):
    identity = identity_of(small_recipe, SOURCES)
    write_checkpoint(tmp_path, {'step': 3, 'weight': torch.ones(2)}, identity)
    state = read_checkpoint(tmp_path, identity)
    assert state['step'] == 3
    assert torch.equal(state['weight'], torch.ones(2))


def test_longer_run_is_the_same_run(small_recipe):
    longer = with_schedule(small_recipe, epochs=99, patience=7)
    assert identity_of(longer, SOURCES) == identity_of(small_recipe, SOURCES)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (lambda r: (with_schedule(r, batch=1), SOURCES), 'schedule.batch was 2, is 1. '),
        (lambda r: (dataclasses.replace(r, seed=4), SOURCES), 'seed was 0, is 4. '),
        (
            lambda r: (dataclasses.replace(r, classes=('disc', 'box')), SOURCES),
            "classes was \\('disc', 'square'\\), is \\('disc', 'box'\\). ",
        ),
        (
            lambda r: (r, {'data': '--data coco:c --val coco:b'}),
            'data was --data coco:a --val coco:b, is --data coco:c --val coco:b. ',
        ),
        (lambda r: (r, {**SOURCES, 'start': 'sha256 1'}), 'start was absent, is sha256 1. '),
        (lambda r: (r, {}), 'data was --data coco:a --val coco:b, is absent. '),
        (
            lambda r: (with_schedule(r, batch=1, momentum=0.5), SOURCES),
            'schedule.batch was 2, is 1; schedule.momentum was 0.9, is 0.5. ',
        ),
    ],
)
def test_other_recipe_or_data_is_refused_with_what_differs(
    small_recipe, tmp_path: Path, change, words
):
    write_checkpoint(tmp_path, {}, identity_of(small_recipe, SOURCES))
    with pytest.raises(ValueError, match=rf'last\.pt is of another run: {words}Resume with what'):
        read_checkpoint(tmp_path, identity_of(*change(small_recipe)))


def test_checkpoint_that_does_not_say_whose_it_is_is_refused(small_recipe, tmp_path: Path):
    write_state(tmp_path / 'last.pt', {'step': 3})
    with pytest.raises(ValueError, match=r'does not say of which recipe.* without --resume'):
        read_checkpoint(tmp_path, identity_of(small_recipe, SOURCES))


def test_clearing_leaves_what_is_not_of_a_run(tmp_path: Path):
    for name in ('last.pt', 'best.pt', 'metrics.jsonl', 'recipe.yaml'):
        (tmp_path / name).write_text('x')
    clear(tmp_path)
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ['recipe.yaml']
