"""What boxes rest on, by gradients of their scores."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torchvision.models import get_model
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from perception_nodes.detection import DetectionConfig, Detector
from perception_nodes.explanation import (
    BoxQuestion,
    ExplanationConfig,
    deletion,
    explain,
    points_into,
    questions_about,
    random_map,
)
from perception_nodes.inference.bundle import placeholder_weights, read_bundle, write_bundle
from perception_nodes.inference.bundle_sections import Calibration, DecoderSpec
from perception_nodes.inference.bundle_spec import ModelSpec
from perception_nodes.inference.golden import read_frame
from perception_nodes.inference.registry import resolve_model
from perception_nodes.learning.adversarial.differentiable import NotDifferentiableError
from perception_nodes.learning.adversarial.differentiable_boxes import (
    _OfTorchvision,
    differentiable_detector,
)
from perception_nodes.learning.data.batches import input_of
from perception_nodes.learning.export import DETECTOR_OUTPUTS, export_onnx
from perception_nodes.learning.models.detector import DetectorNet
from perception_nodes.learning.pruning import pruned
from perception_nodes.learning.recipe import recipe_from_dict
from perception_nodes.learning.recipes.detection import DetectionRecipe
from perception_nodes.learning.recipes.pruning import PruningRecipe
from perception_nodes.structures import ColorOrder, Frame

GRAD_CAM = ExplanationConfig(method='grad_cam')


def as_tensor(frame: Frame) -> torch.Tensor:
    rgb = np.ascontiguousarray(frame.in_order(ColorOrder.RGB))
    return torch.from_numpy(rgb).permute(2, 0, 1)[None] / 255


def uncalibrated(bundle):
    spec = dataclasses.replace(bundle.spec, calibration=Calibration())
    return dataclasses.replace(bundle, spec=spec)


@pytest.fixture(scope='module')
def bundle(project_root):
    return read_bundle(project_root / 'resource' / 'models' / 'simulator_detector')


@pytest.fixture(scope='module')
def frame(bundle):
    return read_frame(bundle.file(bundle.spec.golden.frame))


def test_score_of_a_box_is_that_of_the_bundle_with_gradients_to_the_picture(bundle, frame):
    found = Detector.load(uncalibrated(bundle), device='cpu', threads=1)(frame)[:3]
    network, pictures = differentiable_detector(bundle), as_tensor(frame).requires_grad_()
    for xyxy, score, number in found:
        told = network.score_of(pictures, xyxy, int(number))
        assert told.item() == pytest.approx(score, abs=0.02)
        (gradient,) = torch.autograd.grad(told.sum(), pictures)
        assert gradient.abs().max() > 0
    assert not any(weight.requires_grad for weight in network.parameters())


def test_features_that_speak_for_a_box_lie_in_it_and_the_box_goes_with_them(bundle, frame):
    pytest.importorskip('captum', reason="pip install 'perception_suite[explanation]'")
    question = questions_about(Detector.load(bundle, device='cpu', threads=1), frame, 2)
    maps = explain(question, frame, GRAD_CAM)
    assert maps.shape == (2, *frame.pixels.shape[:2])
    assert maps.min() >= 0
    for saliency, xyxy in zip(maps, question.targets.xyxy, strict=True):
        assert points_into(saliency, xyxy)
    nothing = random_map(np.random.default_rng(1), maps[0].shape)
    ours, theirs = (deletion(question, 0, frame, item).area for item in (maps[0], nothing))
    assert ours < 0.5 * theirs


def test_box_that_torch_does_not_find_is_refused(bundle, frame):
    network = differentiable_detector(bundle)
    with pytest.raises(ValueError, match='in torch its network finds nothing'):
        network.score_of(as_tensor(frame), np.array([-90.0, -90, -80, -80]), 0)


@pytest.mark.parametrize('trunk', ['efficientnet_lite0', 'mobilenetv3_small_100'])
def test_pruned_detector_gives_gradients_too(trunk, tmp_path):
    recipe = recipe_from_dict(
        {
            'name': 'small', 'classes': ['disc', 'square'], 'input_wh': [128, 96],
            'model': {
                'trunk': trunk, 'pretrained': False, 'channels': 16, 'head_depth': 2,
                'frozen_stages': 0,
            },
        },
        DetectionRecipe,
    )  # fmt: skip
    torch.manual_seed(2)
    model = pruned(
        DetectorNet(recipe), PruningRecipe(macs=0.7, batches=1, round_to=4),
        [torch.randn(1, 3, 96, 128)],
        lambda net, batch: {'any': sum(item.square().mean() for item in net(batch))},
        example=torch.zeros(1, 3, 96, 128), fixed=('head.classify', 'head.measure'),
    )  # fmt: skip
    file = export_onnx(
        model, tmp_path / 'net.onnx', size_wh=(128, 96), output_names=DETECTOR_OUTPUTS
    )
    spec = ModelSpec(
        name='small', task='detection', weights=placeholder_weights('model.onnx'),
        input=input_of(recipe), decoder=DecoderSpec(name='fcos'), classes=recipe.classes,
    )  # fmt: skip
    network = differentiable_detector(write_bundle(tmp_path / 'bundle', spec, file))
    picture = torch.rand(1, 3, 96, 128)
    with torch.no_grad():
        logits, _, quality = (item[0] for item in model.eval()(network.prepared(picture)))
        _, scores = network.candidates(picture)
    assert torch.allclose(scores, (logits.sigmoid() * quality.sigmoid()).sqrt(), atol=1e-3)


@pytest.fixture(scope='module')
def of_torchvision(tmp_path_factory):
    """Return the bundle of an untrained detector of torchvision."""
    torch.manual_seed(0)
    builder, folder = 'ssdlite320_mobilenet_v3_large', tmp_path_factory.mktemp('ssdlite')
    model = get_model(builder, weights=None, weights_backbone=None, num_classes=3)
    torch.save(model.state_dict(), folder / 'net.pth')
    (folder / 'classes.txt').write_text('__background__\ncat\ndog\n')
    words = f'weights={folder / "net.pth"}&classes={folder / "classes.txt"}'
    return resolve_model(f'torchvision://{builder}?{words}')


def test_detector_of_torchvision_tells_what_its_boxes_rest_on(of_torchvision):
    pytest.importorskip('captum', reason="pip install 'perception_suite[explanation]'")
    pixels = np.random.default_rng(3).integers(0, 255, (120, 160, 3), np.uint8)
    frame = Frame(pixels=pixels)
    detector = Detector.load(of_torchvision, device='cpu', threads=1)
    found = detector(frame, DetectionConfig(score_threshold=1e-6))[:1]
    network = differentiable_detector(of_torchvision)
    told = network.score_of(as_tensor(frame), found.xyxy[0], int(found.class_ids[0]))
    assert told.item() == pytest.approx(float(found.scores[0]), abs=1e-4)
    (saliency,) = explain(BoxQuestion(detector, found), frame, GRAD_CAM)
    assert saliency.shape == (120, 160)
    assert saliency.max() > 0


def test_what_torchvision_pads_is_no_part_of_the_map(of_torchvision):
    resizing = GeneralizedRCNNTransform(min_size=50, max_size=100, image_mean=[0], image_std=[1])
    network = _OfTorchvision(SimpleNamespace(transform=resizing), of_torchvision)
    # 80×40 becomes 100×50, padded to 128×64: cells of 1 px, bright where there is padding.
    plane = np.zeros((64, 128), np.float32)
    plane[50:], plane[:, 100:], plane[:25, :50] = 9.0, 9.0, 1.0
    found = network.in_picture(plane, (80, 40))
    assert found.shape == (40, 80)
    assert found.max() == pytest.approx(1.0)
    np.testing.assert_allclose(found[:19, :39], 1.0, atol=1e-4)
    np.testing.assert_allclose(found[21:, 41:], 0.0, atol=1e-4)


@pytest.mark.parametrize('kind', ['another network', 'quantised'])
def test_file_without_gradients_is_refused_with_the_cure(bundle, tmp_path, kind):
    import onnx

    graph = onnx.load(str(bundle.weights_path))
    spec = bundle.spec
    if kind == 'quantised':
        graph.graph.node.append(onnx.helper.make_node('QuantizeLinear', ['a', 'b', 'c'], ['d']))
    else:
        spec = dataclasses.replace(spec, decoder=DecoderSpec(name='yolox'))
    onnx.save(graph, tmp_path / 'net.onnx')
    spec = dataclasses.replace(spec, golden=None, weights=placeholder_weights('model.onnx'))
    strange = write_bundle(tmp_path / 'strange', spec, tmp_path / 'net.onnx')
    with pytest.raises(NotDifferentiableError, match='perception train detection wrote'):
        differentiable_detector(strange)
