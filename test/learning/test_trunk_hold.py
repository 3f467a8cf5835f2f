import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from perception_nodes.evaluation.masked_sets import open_masked_set
from perception_nodes.learning.compute import Compute
from perception_nodes.learning.loop import Trainer
from perception_nodes.learning.tasks.segmentation import SegmentationTask
from perception_nodes.learning.trunk_hold import TrunkHold


class Net(nn.Module):
    """A trunk with a batch norm, its first layer never learnt, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1))
        self.trunk[0].requires_grad_(False)
        self.head = nn.Conv2d(4, 2, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head(self.trunk(image))


def test_held_trunk_gets_no_gradient_and_keeps_its_statistics():
    net = Net()
    hold = TrunkHold([net], 1)
    for epoch, learns in ((0, False), (1, True)):
        before = net.trunk[1].running_mean.clone()
        hold.begin(epoch)
        net.train()
        hold.settle()
        net.zero_grad()
        net(torch.randn(2, 3, 4, 4)).sum().backward()
        assert (net.trunk[2].weight.grad is not None) is learns
        assert torch.equal(net.trunk[1].running_mean, before) is not learns
        assert net.trunk[0].weight.grad is None, 'frozen stages stay frozen'
        assert net.head.weight.grad is not None


def test_nothing_is_held_where_that_is_not_asked():
    net = Net()
    hold = TrunkHold([net], 0)
    hold.begin(0)
    hold.settle()
    assert net.trunk.training
    assert net.trunk[2].weight.requires_grad


def test_network_without_a_trunk_is_refused():
    with pytest.raises(ValueError, match=r'frozen_epochs: 2, but this network has no trunk'):
        TrunkHold([nn.Linear(1, 1)], 2)


@pytest.fixture
def held(mask_recipe, masks_folder) -> SegmentationTask:
    """Return a task of two epochs, whose trunk is held in the first; two of its stages always."""
    schedule = dataclasses.replace(mask_recipe.schedule, frozen_epochs=1, epochs=3)
    model = dataclasses.replace(mask_recipe.model, frozen_stages=2)
    recipe = dataclasses.replace(mask_recipe, schedule=schedule, model=model)
    labelled = open_masked_set(f'masks:{masks_folder}')
    return SegmentationTask(recipe, labelled, labelled)


def changed(before: dict[str, torch.Tensor], model: nn.Module) -> set[str]:
    """Return the parts of the trunk, and the other layers, whose weights differ."""
    return {
        '.'.join(name.split('.')[: 3 if name.startswith('trunk') else 1])
        for name, weight in model.named_parameters()
        if not torch.equal(before[name], weight)
    }


@pytest.mark.parametrize(
    'options', [{}, {'threads': 2}, {'compute': Compute(mixed=True)}], ids=['', 'threads', 'bf16']
)
def test_trunk_begins_to_learn_after_the_frozen_epochs(held, tmp_path: Path, options):
    trainer = Trainer(held, tmp_path, **options)
    begun = {name: weight.clone() for name, weight in trainer.model.named_parameters()}
    trainer._run_epoch([])
    assert changed(begun, trainer.model) == {'context', 'refine', 'classify'}
    average = dict(trainer.mean.module.named_parameters())
    for name in begun:
        if name.startswith('trunk.'):
            torch.testing.assert_close(average[name], begun[name])
    trainer.epoch += 1
    trainer._run_epoch([])
    learnt = {f'trunk.parts.{number}' for number in range(3, 8)}
    assert changed(begun, trainer.model) == {'context', 'refine', 'classify', *learnt}


@pytest.mark.parametrize('done', [1, 2], ids=['while the trunk is held', 'when it learns'])
def test_resumed_run_takes_the_same_steps_in_both_phases(held, tmp_path: Path, done):
    steps: dict[str, list] = {'whole': [], 'broken': []}

    def noting(name: str):
        return lambda now: steps[name].append((now.step, now.losses))

    held.schedule = dataclasses.replace(held.schedule, frozen_epochs=2)
    Trainer(held, tmp_path / 'whole').run([noting('whole')])
    first = Trainer(held, tmp_path / 'broken')
    for _ in range(done):
        first._run_epoch([])
        first.epoch += 1
    first._save({}, {})
    Trainer(held, tmp_path / 'broken', resume=True).run([noting('broken')])
    assert len(steps['broken']) == (3 - done) * 3, 'two steps and the mean of each epoch'
    assert steps['broken'] == steps['whole'][-len(steps['broken']) :]
