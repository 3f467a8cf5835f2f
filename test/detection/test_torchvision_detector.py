"""A torchvision network says the same through a bundle as when it is called directly."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from torchvision.models import get_model  # noqa: E402

from perception_nodes.detection import DetectionConfig, Detector  # noqa: E402
from perception_nodes.structures import ColorOrder, Frame  # noqa: E402

BUILDER = 'ssdlite320_mobilenet_v3_large'
CLASSES = ('__background__', 'cat', 'dog')


def address(weights: Path, classes: Path) -> str:
    return f'torchvision://{BUILDER}?weights={weights}&classes={classes}'


@pytest.fixture(scope='module')
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[torch.nn.Module, Path]:
    torch.manual_seed(0)
    model = get_model(BUILDER, weights=None, weights_backbone=None, num_classes=3).eval()
    path = tmp_path_factory.mktemp('weights') / 'ssdlite.pth'
    torch.save(model.state_dict(), path)
    path.with_name('classes.txt').write_text('\n'.join(CLASSES) + '\n')
    return model, path


@pytest.mark.parametrize('color_order', list(ColorOrder))
def test_boxes_equal_those_of_a_direct_call(network, color_order: ColorOrder) -> None:
    model, path = network
    pixels = np.random.default_rng(3).integers(0, 255, (120, 160, 3), np.uint8)
    with torch.inference_mode():
        direct = model([torch.from_numpy(pixels).permute(2, 0, 1).float() / 255])[0]
    detector = Detector.load(address(path, path.with_name('classes.txt')))
    ours = pixels if color_order is ColorOrder.RGB else np.ascontiguousarray(pixels[..., ::-1])
    found = detector(
        Frame(pixels=ours, color_order=color_order),
        DetectionConfig(score_threshold=1e-6, max_detections=len(direct['boxes'])),
    )
    assert len(found) == len(direct['boxes']) > 0
    order = np.argsort(-direct['scores'].numpy(), kind='stable')
    np.testing.assert_allclose(found.scores, direct['scores'].numpy()[order], atol=1e-5)
    np.testing.assert_allclose(found.xyxy, direct['boxes'].numpy()[order].clip(0), atol=1e-2)
    np.testing.assert_array_equal(found.class_ids, direct['labels'].numpy()[order])
    assert detector.class_names == CLASSES


def test_a_state_dict_of_another_network_is_refused(network, tmp_path: Path) -> None:
    path = tmp_path / 'other.pth'
    torch.save({'conv.weight': torch.zeros(1)}, path)
    with pytest.raises(ValueError, match=r'conv\.weight'):
        Detector.load(address(path, network[1].with_name('classes.txt')))
