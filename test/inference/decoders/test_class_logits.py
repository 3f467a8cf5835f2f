import numpy as np
import pytest

from perception_nodes.inference.decoders import DecoderError, build_decoder

LOGITS = np.array([[1.0, 3.0, 0.0]], np.float32)


def decoder(**options):
    return build_decoder('class_logits', options, class_count=3, task='classification')


@pytest.mark.parametrize('shape', [(1, 3), (3,), (1, 3, 1, 1)])
def test_shapes_of_one_picture_are_taken(shape):
    found = decoder().decode({'scores': LOGITS.reshape(shape)})
    expected = np.exp(LOGITS[0]) / np.exp(LOGITS[0]).sum()
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_temperature_makes_less_sure():
    sure, unsure = (decoder().decode({'scores': LOGITS}, t) for t in (1.0, 4.0))
    assert unsure.max() < sure.max()
    assert unsure.argmax() == sure.argmax() == 1


def test_probabilities_stay_what_they_are():
    given = np.array([[0.1, 0.9, 0.0]], np.float32)
    np.testing.assert_allclose(
        decoder(activated=True).decode({'scores': given}), given[0], atol=1e-6
    )


def test_certainly_not_is_a_score_and_nan_is_none():
    found = decoder().decode({'scores': np.array([[-np.inf, 2.0, 0.0]], np.float32)})
    assert found[0] == 0
    assert decoder().decode({'scores': np.array([[np.nan, 2.0, 0.0]], np.float32)}) is None


def test_other_shapes_are_refused_with_what_is_expected():
    with pytest.raises(DecoderError, match=r'class_logits: logits \(1, C\)'):
        decoder().decode({'scores': np.zeros((1, 4), np.float32)})
