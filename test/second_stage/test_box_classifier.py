import cv2
import numpy as np
import pytest

from perception_nodes.fewshot.bank_file import save_bank
from perception_nodes.fewshot.embedding import GradientColorEmbedder
from perception_nodes.fewshot.prototypes import BankError, empty_bank
from perception_nodes.fewshot.views import VIEWS, embed_views
from perception_nodes.second_stage import BoxClassifier, BoxClassifierConfig
from perception_nodes.second_stage.namers import BankNamer
from perception_nodes.structures import ColorOrder, Detections, Frame

CLASSES = ('sign', 'person')


def sign(kind, side=48, seed=0):
    """Return a crop of a sign: a red ring or a blue square with a white bar, in other light."""
    rng = np.random.default_rng(seed)
    pixels = np.full((side, side, 3), 110, np.uint8)
    middle = side // 2
    if kind == 'ring':
        cv2.circle(pixels, (middle, middle), round(side * 0.4), (200, 30, 30), -1)
        cv2.circle(pixels, (middle, middle), round(side * 0.25), (240, 240, 240), -1)
    else:
        cv2.rectangle(pixels, (6, 6), (side - 7, side - 7), (30, 60, 200), -1)
        cv2.rectangle(pixels, (6, middle - 4), (side - 7, middle + 4), (240, 240, 240), -1)
    light, noise = rng.integers(-40, 41), rng.integers(-12, 13, pixels.shape)
    return np.clip(pixels + light + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope='module')
def bank():
    embedder = GradientColorEmbedder()
    length = len(embedder(np.zeros((8, 8, 3), np.uint8)))
    known = empty_bank(embedder.name, embedder.settings, (VIEWS, length))
    for kind in ('ring', 'square'):
        crops = [sign(kind, seed=seed) for seed in range(10)]
        known = known.enrolled(kind, embed_views(embedder, crops))
    return known


@pytest.fixture
def frame():
    pixels = np.full((120, 200, 3), 90, np.uint8)
    pixels[10:58, 10:58] = sign('ring', seed=11)
    pixels[10:58, 100:148] = sign('square', seed=12)
    return Frame(pixels=np.ascontiguousarray(pixels[:, :, ::-1]), color_order=ColorOrder.BGR)


BOXES = Detections(
    [(100, 10, 148, 58), (10, 10, 58, 58), (5, 70, 12, 110)], [0.5, 0.9, 0.7], [0, 0, 1]
)


def config(**settings):
    return BoxClassifierConfig(classifier_bank='signs.npz', **settings)


@pytest.mark.parametrize(
    ('settings', 'names'),
    [
        ({}, ('ring', 'square')),
        ({'classifier_max_boxes': 1}, ('ring',)),
        ({'classified_classes': ('person',)}, ()),
        ({'classifier_min_side_px': 60}, ()),
    ],
    ids=['all that are large enough', 'the surest', 'other classes', 'none is large enough'],
)
def test_boxes_get_the_names_of_what_they_show(bank, frame, settings, names):
    bank = bank.with_rejected_share(0.0)  # few and equal pictures reject too much
    named = BoxClassifier(BankNamer(bank), CLASSES, config(**settings))(frame, BOXES)
    assert named.names == names
    assert len(named.boxes) == len(named.scores) == len(names)
    assert ((named.scores > 0) & (named.scores <= 1)).all()


def test_no_boxes_have_no_names(bank, frame):
    named = BoxClassifier(BankNamer(bank), CLASSES, config())(frame, Detections.empty())
    assert named.names == ()
    assert len(named.boxes) == 0


def test_usual_pictures_are_more_typical_than_strange_ones(bank):
    usual, strange = bank.typicality(np.array([bank.threshold + 0.5, bank.threshold - 0.5]))
    assert usual > bank.rejected_share > strange
    assert bank.typicality(np.array([-3.0, 3.0])).tolist() == [pytest.approx(1 / 21), 1.0]


def test_bank_is_opened_by_the_settings(bank, tmp_path):
    assert BoxClassifier.open(BoxClassifierConfig(), CLASSES) is None
    path = save_bank(tmp_path / 'signs.npz', bank)
    for place in (str(path), f'file://{path}'):
        opened = BoxClassifier.open(BoxClassifierConfig(classifier_bank=place), CLASSES)
        assert opened.class_names == ('ring', 'square')


def test_bad_settings_are_refused_with_the_cure(bank, tmp_path):
    gone = BoxClassifierConfig(classifier_bank=str(tmp_path / 'gone.npz'))
    with pytest.raises(BankError, match='perception enroll'):
        BoxClassifier.open(gone, CLASSES)
    with pytest.raises(ValueError, match='has no dog; its classes: sign, person'):
        BoxClassifier(BankNamer(bank), CLASSES, config(classified_classes=('dog',)))
    empty = save_bank(tmp_path / 'empty.npz', bank.without('ring').without('square'))
    with pytest.raises(ValueError, match='knows no class'):
        BoxClassifier.open(BoxClassifierConfig(classifier_bank=str(empty)), CLASSES)
    with pytest.raises(ValueError, match='both name boxes; leave one empty'):
        config(classifier_model='signs')
    with pytest.raises(ValueError, match='classifier_max_boxes'):
        config(classifier_max_boxes=0)
