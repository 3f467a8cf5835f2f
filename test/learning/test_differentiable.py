"""Bundles that are opened for gradients say what the bundles say."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import get_model

from perception_nodes.inference.bundle import placeholder_weights, read_bundle, write_bundle
from perception_nodes.inference.bundle_sections import (
    ArchitectureSpec,
    DecoderSpec,
    InputSpec,
)
from perception_nodes.inference.bundle_spec import ModelSpec
from perception_nodes.inference.class_map import ClassMap
from perception_nodes.learning.adversarial.differentiable import (
    NotDifferentiableError,
    PictureNetwork,
    differentiable,
)
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import Frame


def smooth_picture(height: int, width: int) -> np.ndarray:
    """Return an (H, W, 3) uint8 picture that resizing hardly changes."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / width * 9 + k) * np.cos(y / height * (7 - k)) for k in range(3)]
    return (127 + 120 * np.stack(waves, -1)).astype(np.uint8)


@pytest.mark.parametrize('size_wh', [(640, 480), (400, 250)])
def test_the_bundled_segmenter_has_gradients_of_its_own_decisions(project_root, size_wh):
    bundle = read_bundle(project_root / 'resource' / 'models' / 'simulator_segmenter')
    rgb = smooth_picture(size_wh[1], size_wh[0])
    segmenter = Segmenter.load(bundle, device='cpu', threads=1)
    expected = segmenter(Frame(pixels=rgb)).class_ids
    segmenter.close()
    network = differentiable(bundle)
    pictures = torch.from_numpy(rgb).permute(2, 0, 1)[None] / 255
    pictures.requires_grad_(True)
    logits = network(pictures)
    found = logits.argmax(1)[0].numpy()
    assert len(np.unique(expected)) > 2
    assert (found == expected).mean() > 0.99
    (gradient,) = torch.autograd.grad(logits.max(1).values.mean(), pictures)
    assert (gradient != 0).float().mean() > 0.99
    assert not any(weight.requires_grad for weight in network.parameters())


@pytest.mark.parametrize(
    ('name', 'reason'), [('simulator_segmenter_int8', 'int8'), ('simulator_detector', 'detection')]
)
def test_what_has_no_gradients_is_refused_with_a_cure(project_root, name, reason):
    with pytest.raises(NotDifferentiableError, match=reason):
        differentiable(read_bundle(project_root / 'resource' / 'models' / name))


def test_a_strange_onnx_network_is_refused_with_a_cure(write_mask_bundle, tmp_path):
    with pytest.raises(NotDifferentiableError, match=r'another network.*perception train'):
        differentiable(write_mask_bundle(tmp_path))


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('torchvision:lraspp_mobilenet_v3_large', {}),
        ('smp:Linknet', {'encoder_name': 'mobilenet_v2'}),
    ],
)
def test_networks_of_libraries_have_gradients_of_what_their_bundles_say(name, options, tmp_path):
    library, _, builder = name.partition(':')
    torch.manual_seed(0)
    if library == 'smp':
        smp = pytest.importorskip('segmentation_models_pytorch')
        model = getattr(smp, builder)(encoder_weights=None, classes=3, **options)
    else:
        model = get_model(builder, weights=None, weights_backbone=None, num_classes=3)
    torch.save(model.state_dict(), tmp_path / 'weights.pth')
    spec = ModelSpec(
        name='street', task='segmentation', weights=placeholder_weights('weights.pth'),
        architecture=ArchitectureSpec(name=name, options=options),
        input=InputSpec(size_wh=(96, 64), resize='letterbox', scale=1 / 255),
        decoder=DecoderSpec(name='semantic_logits'), classes=('wall', 'road', 'person'),
    )  # fmt: skip
    bundle = write_bundle(tmp_path / 'bundle', spec, tmp_path / 'weights.pth')
    rgb = smooth_picture(64, 80)
    segmenter = Segmenter.load(bundle, device='cpu', threads=1)
    expected = segmenter(Frame(pixels=rgb))
    segmenter.close()
    pictures = (torch.from_numpy(rgb).permute(2, 0, 1)[None] / 255).requires_grad_(True)
    logits = differentiable(bundle)(pictures)
    scores, found = logits.detach().softmax(1).max(1)
    assert (found[0].numpy() == expected.class_ids).mean() > 0.99
    assert np.abs(scores[0].numpy() - expected.confidence / 255).max() < 0.01
    (gradient,) = torch.autograd.grad(logits.square().sum(), pictures)
    assert gradient.abs().max() > 0


class Pooled(nn.Module):
    """Logits in cells of 4 pixels: the normalised channels themselves."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return nn.functional.avg_pool2d(batch, 4)


def test_order_normalisation_border_and_size_are_those_of_the_input():
    wanted = InputSpec(
        size_wh=(64, 64), color_order='bgr', resize='letterbox', pad_value=0, scale=1 / 255,
        mean=(0.5, 0.25, 0.0), std=(0.5, 0.5, 2.0),
    )  # fmt: skip
    picture = torch.tensor([1.0, 0.5, 0.25]).view(1, 3, 1, 1).expand(1, 3, 16, 32)
    logits = PictureNetwork(Pooled(), wanted)(picture)
    assert logits.shape == (1, 3, 16, 32)
    middle = logits[0, :, 8, 16]
    assert torch.allclose(middle, torch.tensor([-0.5, 0.5, 0.5]), atol=1e-5)


def test_merged_classes_are_one_of_their_members():
    wanted = InputSpec(size_wh=(32, 32), color_order='rgb', resize='none', scale=1 / 255)
    merged = ClassMap(names=('a', 'b'), groups=((0, 2), (1,)))
    picture = torch.rand(1, 3, 32, 32)
    whole, parts = (PictureNetwork(Pooled(), wanted, item) for item in (merged, None))
    found, single = whole(picture).softmax(1), parts(picture).softmax(1)
    assert torch.allclose(found[:, 0], single[:, 0] + single[:, 2], atol=1e-6)
