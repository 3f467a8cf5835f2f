"""Networks that go on from their exported form."""

import pytest
import torch
from torch import nn

from perception_nodes.learning.export import export_onnx
from perception_nodes.learning.models.detector import DetectorNet
from perception_nodes.learning.warm_start import started_from, trunk_from

SIZE_WH = (64, 64)


class Net(nn.Module):
    """A convolution with a norm, one that is called twice, and one without a norm."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, width, 3, bias=False), nn.BatchNorm2d(width))
        self.shared = nn.Conv2d(width, width, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(2))
        self.last = nn.Conv2d(width, 2, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = self.first(image).relu()
        for norm in self.norms:
            features = norm(self.shared(features)).relu()
        return self.last(features)


def trained(model: nn.Module) -> nn.Module:
    """Return the model with norms that do something."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2.0)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    return model.eval()


@pytest.fixture
def pictures():
    torch.manual_seed(0)
    return [torch.randn(2, 3, 64, 64) for _ in range(3)]


def test_no_start_changes_nothing(pictures):
    model = Net()
    weights = model.last.weight.clone()
    assert started_from(model, None, pictures) is model
    assert torch.equal(model.last.weight, weights)


def test_begins_with_the_exported_function_and_measured_norms(tmp_path, pictures):
    torch.manual_seed(1)
    old = trained(Net())
    file = export_onnx(old, tmp_path / 'old.onnx', size_wh=SIZE_WH, output_names=('out',))
    new = started_from(Net(), file, pictures).eval()
    assert torch.allclose(new(pictures[0]), old(pictures[0]), atol=1e-4)
    # In training the norms use the batch: only measured statistics keep the function about.
    inputs = torch.cat([old.first[0](picture) for picture in pictures])
    assert torch.allclose(
        new.first[1].running_mean * (old.first[0].weight / new.first[0].weight).flatten(1).mean(1),
        inputs.mean((0, 2, 3)),
        atol=0.02,
    )


def test_a_detector_begins_with_a_silent_new_branch(tmp_path, pictures, small_recipe):
    torch.manual_seed(2)
    old = trained(DetectorNet(small_recipe))
    file = export_onnx(
        old, tmp_path / 'old.onnx', size_wh=SIZE_WH, output_names=('class', 'box', 'quality')
    )
    new = started_from(DetectorNet(small_recipe), file, pictures).eval()
    for mine, theirs in zip(new(pictures[0]), old(pictures[0]), strict=True):
        assert torch.allclose(mine, theirs, atol=2e-3, rtol=1e-3)


def test_a_file_of_another_architecture_is_refused(tmp_path, pictures):
    file = export_onnx(
        Net(6).eval(), tmp_path / 'other.onnx', size_wh=SIZE_WH, output_names=('out',)
    )
    with pytest.raises(ValueError, match='do not fit'):
        started_from(Net(4), file, pictures)


def test_takes_the_trunk_of_another_task(tmp_path, pictures, small_recipe):
    torch.manual_seed(3)
    detector = DetectorNet(small_recipe).eval()
    file = export_onnx(
        detector, tmp_path / 'old.onnx', size_wh=SIZE_WH, output_names=('class', 'box', 'quality')
    )
    other = DetectorNet(small_recipe).eval()
    with torch.no_grad():
        for weight in other.parameters():
            weight.mul_(0.5)
    before = {name: weight.clone() for name, weight in other.named_parameters()}
    assert trunk_from(other, file) is other
    theirs = dict(detector.named_parameters())
    for name, weight in other.named_parameters():
        wanted = theirs if name.startswith('trunk.') else before
        assert torch.equal(weight, wanted[name]), name


def test_a_file_without_a_trunk_is_refused(tmp_path):
    file = export_onnx(Net(), tmp_path / 'net.onnx', size_wh=SIZE_WH, output_names=('out',))
    with pytest.raises(ValueError, match='holds no trunk'):
        trunk_from(Net(), file)
