"""Networks of torchvision and segmentation-models-pytorch say the same through a bundle."""

import sys

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from torch.nn import functional  # noqa: E402
from torchvision.models import get_model  # noqa: E402

from perception_nodes.inference.backends.contract import BackendError  # noqa: E402
from perception_nodes.inference.bundle import placeholder_weights, write_bundle  # noqa: E402
from perception_nodes.inference.bundle_sections import (  # noqa: E402
    ArchitectureSpec,
    DecoderSpec,
    InputSpec,
)
from perception_nodes.inference.bundle_spec import ModelSpec  # noqa: E402
from perception_nodes.segmentation import Segmenter  # noqa: E402
from perception_nodes.structures import Frame  # noqa: E402

CLASSES = ('__background__', 'wall', 'person')  # torchvision's first class
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZE_WH = (96, 64)


@pytest.fixture(scope='module')
def pixels():
    return np.random.default_rng(5).integers(0, 255, (64, 96, 3), np.uint8)


def logits_of(model, pixels, batch=1):
    """Return the (1, C, H, W) logits of a plain call."""
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    with torch.no_grad():
        logits = model(((image - mean) / std).expand(batch, -1, -1, -1))
    return logits['out'] if isinstance(logits, dict) else logits


def direct(model, pixels):
    """Return (H, W) classes and probabilities of a plain call."""
    scores = functional.softmax(logits_of(model, pixels), dim=1)[0].numpy()
    return scores.argmax(0), scores.max(0)


@torch.no_grad()
def awake(model, pixels):
    """Give an untrained network norms and biases with which it names several classes."""
    model.train()
    for _ in range(20):
        logits_of(model, pixels, batch=2)
    model.eval()
    *_, last = (
        part
        for part in model.modules()
        if getattr(part, 'out_channels', 0) == 3 and part.bias is not None
    )
    last.bias -= logits_of(model, pixels).mean((0, 2, 3))
    return model


def assert_same(found, expected):
    class_ids, scores = expected
    assert np.array_equal(found.class_ids, class_ids)
    assert len(np.unique(class_ids)) > 1, 'a network that says one class everywhere shows nothing'
    assert np.abs(found.confidence / 255 - scores).max() < 0.01


@pytest.mark.parametrize('builder', ['lraspp_mobilenet_v3_large', 'deeplabv3_mobilenet_v3_large'])
def test_torchvision_masks_equal_those_of_a_direct_call(builder, pixels, tmp_path):
    torch.manual_seed(0)
    model = get_model(builder, weights=None, weights_backbone=None, num_classes=3)
    awake(model, pixels)
    torch.save(model.state_dict(), tmp_path / 'weights.pth')
    (tmp_path / 'classes.txt').write_text('\n'.join(CLASSES) + '\n')
    address = f'weights={tmp_path / "weights.pth"}&classes={tmp_path / "classes.txt"}'
    segmenter = Segmenter.load(f'torchvision://{builder}?{address}&size=96x64', device='cpu')
    assert segmenter.class_names == CLASSES
    assert_same(segmenter(Frame(pixels=pixels)), direct(model, pixels))
    segmenter.close()


def smp_bundle(folder, name, options):
    """Return bundle and network of segmentation-models-pytorch."""
    smp = pytest.importorskip('segmentation_models_pytorch')
    torch.manual_seed(0)
    model = getattr(smp, name)(encoder_weights=None, classes=3, **options).eval()
    folder.mkdir()
    torch.save(model.state_dict(), folder / 'weights.pth')
    return smp_spec(folder, name, options), model


def smp_spec(folder, name, options):
    spec = ModelSpec(
        name='street',
        task='segmentation',
        weights=placeholder_weights('weights.pth'),
        architecture=ArchitectureSpec(name=f'smp:{name}', options=options),
        input=InputSpec(size_wh=SIZE_WH, resize='stretch', scale=1 / 255, mean=MEAN, std=STD),
        decoder=DecoderSpec(name='semantic_logits'),
        classes=CLASSES,
    )
    return write_bundle(folder / 'bundle', spec, folder / 'weights.pth')


@pytest.mark.parametrize('name', ['Linknet', 'FPN'])
def test_smp_masks_equal_those_of_a_direct_call(name, pixels, tmp_path):
    bundle, model = smp_bundle(tmp_path / 'smp', name, {'encoder_name': 'mobilenet_v2'})
    segmenter = Segmenter.load(bundle, device='cpu')
    assert_same(segmenter(Frame(pixels=pixels)), direct(model, pixels))
    segmenter.close()


def test_unknown_network_of_smp_names_the_near_one(tmp_path):
    pytest.importorskip('segmentation_models_pytorch')
    (tmp_path / 'weights.pth').write_bytes(b'')
    torch.save({}, tmp_path / 'weights.pth')
    with pytest.raises(BackendError, match=r"no 'LinkNet'.*Linknet"):
        Segmenter.load(smp_spec(tmp_path, 'LinkNet', {}), device='cpu')


def test_without_smp_the_cure_is_told(tmp_path, monkeypatch):
    torch.save({}, tmp_path / 'weights.pth')
    bundle = smp_spec(tmp_path, 'Linknet', {})
    monkeypatch.setitem(sys.modules, 'segmentation_models_pytorch', None)
    with pytest.raises(BackendError, match=r"pip install 'segmentation-models-pytorch"):
        Segmenter.load(bundle, device='cpu')


def test_weights_are_never_downloaded_by_a_builder(tmp_path):
    pytest.importorskip('segmentation_models_pytorch')
    torch.save({}, tmp_path / 'weights.pth')
    with pytest.raises(BackendError, match='encoder_weights'):
        Segmenter.load(smp_spec(tmp_path, 'FPN', {'encoder_weights': 'imagenet'}), device='cpu')
