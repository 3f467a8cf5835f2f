import cv2
import numpy as np
import pytest

from perception_nodes.classification import ClassificationConfig, Classifier
from perception_nodes.cli.opened_model import draw_result, open_model
from perception_nodes.inference.bundle import BundleError, read_bundle
from perception_nodes.inference.bundle_spec import Calibration, InputSpec
from perception_nodes.inference.golden import GoldenMismatch, record_golden
from perception_nodes.structures import Frame


def test_probabilities_are_the_softmax_of_the_divided_logits(write_colour_bundle, paint):
    model = Classifier.load(write_colour_bundle(), device='cpu')
    found = model(paint(51, 204, 0))
    expected = np.exp([1.0, 4.0, 0.0])  # 10 · mean / temperature 2
    expected /= expected.sum()
    assert found.class_ids.tolist() == [1, 0, 2]
    np.testing.assert_allclose(found.probabilities, expected[[1, 0, 2]], atol=1e-5)
    assert found.class_id == 1
    assert model.dropped == 0


def test_no_class_is_named_below_the_confidence(write_colour_bundle, paint):
    model = Classifier.load(write_colour_bundle(), device='cpu')
    grey, config = paint(128, 128, 130), ClassificationConfig(min_confidence=0.5)
    assert model(grey).class_id == 2
    unsure = model(grey, config)
    assert unsure.class_id is None
    assert unsure.confidence == pytest.approx(1 / 3, abs=0.01)
    assert model(paint(0, 0, 255), config).class_id == 2


def test_region_of_interest_is_all_that_is_seen(write_colour_bundle, paint):
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[:, :8, 0] = 255
    pixels[:, 8:, 2] = 255
    model = Classifier.load(write_colour_bundle(), device='cpu')
    assert model(Frame(pixels=pixels)).class_id == 2
    assert model(Frame(pixels=pixels), ClassificationConfig(roi=(0, 0, 8, 16))).class_id == 0


def test_bias_of_boxes_is_refused(write_colour_bundle):
    with pytest.raises(BundleError, match='temperature'):
        Classifier.load(write_colour_bundle(calibration=Calibration(bias=1.0)), device='cpu')


@pytest.fixture
def proved(write_colour_bundle, paint, tmp_path):
    """Return a bundle with a golden frame."""
    cv2.imwrite(str(tmp_path / 'frame.png'), paint(30, 60, 220).pixels[..., ::-1])
    draft = Classifier.load(write_colour_bundle('draft'), device='cpu')
    picture = tmp_path / 'frame.png'
    expected = record_golden(draft, draft.class_names, picture, task='classification')
    return write_colour_bundle('proved', picture, expected)


def test_golden_frame_agrees(proved):
    model = open_model(read_bundle(proved.path), device='cpu')
    assert isinstance(model, Classifier)
    model.verify()


@pytest.mark.parametrize(
    ('old', 'new', 'reason'),
    [
        ('color_order: rgb', 'color_order: bgr', 'red is most probable, expected is blue'),
        ('green, blue]', 'green, violet]', 'violet is most probable, expected is blue'),
        ('temperature: 2.0', 'temperature: 5.0', 'blue: probability is'),
    ],
    ids=['colours', 'class', 'temperature'],
)
def test_golden_frame_catches_what_training_and_robot_disagree_on(proved, old, new, reason):
    path = proved.path / 'model.yaml'
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(GoldenMismatch, match=reason):
        Classifier.load(read_bundle(proved.path), device='cpu').verify()


def test_picture_that_proves_nothing_is_refused(write_colour_bundle, paint, tmp_path):
    cv2.imwrite(str(tmp_path / 'grey.png'), paint(90, 90, 90).pixels)
    model = Classifier.load(write_colour_bundle(), device='cpu')
    with pytest.raises(BundleError, match='sure of no class'):
        record_golden(model, model.class_names, tmp_path / 'grey.png', task='classification')


def test_overlay_names_the_class(write_colour_bundle, paint):
    model, frame = open_model(write_colour_bundle(), device='cpu'), paint(10, 250, 10)
    assert (draw_result(model, frame) != frame.pixels).any()


@pytest.mark.filterwarnings('ignore:overflow')
def test_numbers_that_are_none_name_no_class(write_colour_bundle, paint):
    bundle = write_colour_bundle(
        input=InputSpec(size_wh=(8, 8), resize='stretch', scale=3e38, std=(1e-38,) * 3)
    )
    model = Classifier.load(bundle, device='cpu')
    found = model(paint(10, 20, 30))
    assert len(found) == 0
    assert found.class_id is None
    assert model.dropped == 1
