import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from perception_nodes.inference.decoders import DecoderError, build_decoder

STATIONS = [0.5, 1.0, 2.0]


def decoder(stations=STATIONS):
    return build_decoder('path_points', {'stations_m': stations}, class_count=1, task='path')


def test_points_deviations_and_visibility_are_read():
    values = np.array([[[0.5, 0.1, 0.0, 0.0], [1, 0.2, np.log(0.2), 9], [2, 0, -1, -9]]])
    found = decoder().decode({'path': values.astype(np.float32)}, 2.0)
    assert found.points_xy == pytest.approx(values[0, :, :2])
    assert found.sigma_m == pytest.approx([2.0, 0.4, 2 * np.exp(-1)])
    assert found.visible[0] == 0.5
    assert found.visible[1] > 0.99
    assert found.visible[2] < 0.01


def test_numbers_that_are_none_make_a_point_invisible():
    values = np.ones((1, 3, 4), np.float32)
    values[0, 1, 0] = np.nan
    values[0, 2, 3] = np.inf
    assert (decoder().decode({'path': values}, 1.0).visible > 0.5).tolist() == [True, False, False]


@pytest.mark.parametrize('shape', [(1, 4, 4), (1, 3, 3), (3,), (1, 12)])
def test_other_shape_names_what_came_and_what_is_wanted(shape):
    with pytest.raises(DecoderError, match=r'(?s)out \(.*path \(1, K, 4\)'):
        decoder().decode({'out': np.zeros(shape, np.float32)}, 1.0)


@pytest.mark.parametrize('stations', [[], [1.0], [1.0, 1.0], [2.0, 1.0], [0.5, float('nan')]])
def test_stations_must_ascend(stations):
    with pytest.raises(DecoderError, match='ascending'):
        decoder(stations)


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.float32, (1, 3, 4), elements=st.floats(width=32)))
def test_whatever_a_network_says_is_a_value_or_an_error_of_the_decoder(values):
    found = decoder().decode({'path': values}, 1.0)
    assert (found.sigma_m > 0).all()
    assert np.isfinite(found.points_xy).all()
