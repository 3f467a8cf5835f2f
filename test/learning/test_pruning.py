"""Networks that do without some of their channels or weights."""

import copy

import pytest
import torch
from torch import nn

from perception_nodes.learning.export import export_onnx
from perception_nodes.learning.models.widths import shapes_of, sized_like
from perception_nodes.learning.pruning import count_macs, pruned, settled
from perception_nodes.learning.recipes.pruning import PruningRecipe
from perception_nodes.learning.warm_start import load_exported

EXAMPLE = torch.zeros(1, 3, 32, 32)


class Net(nn.Module):
    """A residual block with a depthwise convolution, as trunks have them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16))
        self.wide = nn.Conv2d(16, 48, 1)
        self.alone = nn.Conv2d(48, 48, 3, padding=1, groups=48)
        self.thin = nn.Conv2d(48, 16, 1)
        self.last = nn.Conv2d(16, 3, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = self.stem(image).relu()
        return self.last(features + self.thin(self.alone(self.wide(features).relu()).relu()))


def loss(model: nn.Module, batch: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return a loss to which the second half of the widened channels adds nothing."""
    return {'error': (model(batch) - batch[..., ::2, ::2]).square().mean()}


@pytest.fixture
def model() -> Net:
    torch.manual_seed(3)
    net = Net().eval()
    with torch.no_grad():
        net.thin.weight[:, 24:] = 0.0
    return net


@pytest.fixture
def batches() -> list[torch.Tensor]:
    torch.manual_seed(4)
    return [torch.randn(2, 3, 32, 32) for _ in range(3)]


def narrow(model: nn.Module, batches, **settings) -> nn.Module:
    recipe = PruningRecipe(**{'batches': 3, 'round_to': 4, **settings})
    return pruned(model, recipe, iter(batches), loss, example=EXAMPLE, fixed=['last'])


def test_multiplications_are_those_of_the_convolutions(model):
    places = 16 * 16
    assert count_macs(model, EXAMPLE) == places * (27 * 16 + 16 * 48 + 9 * 48 + 48 * 16 + 16 * 3)


def test_channels_without_a_say_go_first(model, batches):
    whole, before = count_macs(model, EXAMPLE), model(batches[0])
    narrow(model, batches, macs=0.75)
    assert count_macs(model, EXAMPLE) <= 0.75 * whole
    assert model.wide.out_channels < 48
    assert model.alone.groups == model.wide.out_channels
    assert model.last.out_channels == 3
    assert torch.allclose(model(batches[0]), before, atol=1e-4)


def test_frozen_layers_stay_frozen(model, batches):
    model.wide.requires_grad_(False)
    narrow(model, batches, macs=0.7)
    frozen = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    assert frozen == {'wide.weight', 'wide.bias'}


def test_too_little_is_refused_with_what_can_be_reached(model, batches):
    with pytest.raises(ValueError, match=r'macs: 0.05 leaves too little .* is the least'):
        narrow(model, batches, macs=0.05)


def test_smallest_weights_stay_zero_in_training(model, batches):
    narrow(model, batches, weights=0.3)
    twin = copy.deepcopy(model)  # as averaged weights and threads have one
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01)
    before = model.wide.weight.detach().clone()
    for batch in batches:
        optimiser.zero_grad()
        loss(model, batch)['error'].backward()
        optimiser.step()
    assert not torch.equal(model.wide.weight, before)
    assert torch.equal(twin.wide.weight, before)
    assert set(dict(settled(model).named_parameters())) == set(dict(Net().named_parameters()))
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    weights = torch.cat([layer.weight.flatten() for layer in layers])
    assert 0.29 < float((weights != 0).float().mean()) < 0.31


def test_an_exported_pruned_network_is_loaded_where_that_is_said(model, batches, tmp_path):
    narrow(model, batches, macs=0.6)
    file = export_onnx(model, tmp_path / 'small.onnx', size_wh=(32, 32), output_names=('out',))
    loaded = load_exported(Net(), file, batches, narrower=True).eval()
    assert torch.allclose(loaded(batches[0]), model(batches[0]), atol=1e-4)
    with pytest.raises(ValueError, match=r'pruned, set pruning\.of_start'):
        load_exported(Net(), file, batches)


def test_pruned_network_of_fewer_classes_is_not_taken_for_one_of_more(batches, tmp_path):
    torch.manual_seed(3)
    file = export_onnx(
        narrow(Net().eval(), batches, macs=0.6), tmp_path / 'small.onnx', size_wh=(32, 32),
        output_names=('out',),
    )  # fmt: skip
    wider = Net()
    wider.last = nn.Conv2d(16, 5, 1)
    with pytest.raises(ValueError, match='other outputs than the model'):
        load_exported(wider, file, batches, narrower=True)


def test_a_state_of_a_pruned_network_gives_the_widths(model, batches):
    narrow(model, batches, macs=0.6)
    other = sized_like(Net(), shapes_of(model.state_dict())).eval()
    other.load_state_dict(model.state_dict())
    assert torch.allclose(other(batches[0]), model(batches[0]))
