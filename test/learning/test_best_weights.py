import math
from pathlib import Path

import pytest
import torch
from torch import nn

from perception_nodes.learning.best_weights import BestWeights


@pytest.fixture
def model() -> nn.Module:
    return nn.Linear(1, 1, bias=False)


def look(best: BestWeights, model: nn.Module, figure: float) -> None:
    with torch.no_grad():
        model.weight.fill_(figure)
    best.look({'mIoU': figure}, model)


def test_better_weights_are_kept_and_worse_are_waited_for(model, tmp_path: Path):
    best = BestWeights(tmp_path / 'best.pt', 'mIoU', patience=2)
    assert not best.has_waited_enough
    waited = []
    for figure in (0.3, 0.2, 0.5, 0.5, 0.4):
        look(best, model, figure)
        waited.append((best.waited, best.has_waited_enough))
    assert waited == [(0, False), (1, False), (0, False), (1, False), (2, True)]
    kept = torch.load(tmp_path / 'best.pt', weights_only=True)
    assert kept['weight'].item() == best.figure == 0.5


def test_without_patience_waiting_has_no_end(model, tmp_path: Path):
    best = BestWeights(tmp_path / 'best.pt', 'mIoU', patience=0)
    for _ in range(50):
        look(best, model, 0.0)
    assert best.waited == 49
    assert not best.has_waited_enough


@pytest.mark.parametrize('figures', [{'mIoU': math.nan}, {'mIoU': math.inf}, {'ECE': 0.1}])
def test_figure_that_decides_nothing_is_refused_with_the_cure(model, figures, tmp_path: Path):
    best = BestWeights(tmp_path / 'best.pt', 'mIoU', patience=0)
    with pytest.raises(ValueError, match=r'mIoU: (nan|inf) .* labels of the classes'):
        best.look(figures, model)
    assert not (tmp_path / 'best.pt').exists()
