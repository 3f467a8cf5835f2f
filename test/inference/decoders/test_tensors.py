"""Finding the wanted tensors among those delivered."""

import numpy as np
import pytest

from perception_nodes.inference.decoders.contract import DecoderError
from perception_nodes.inference.decoders.tensors import Wanted, select

BOXES, SCORES = Wanted('boxes', ('N', 4)), Wanted('scores', ('N', 3))
QUALITY = Wanted('quality', ('N', 1), optional=True)


def zeros(**shapes):
    return {name: np.full(shape, i) for i, (name, shape) in enumerate(shapes.items())}


def test_names_decide_where_shapes_are_equal():
    wanted = [Wanted('first', ('N', 4)), Wanted('second', ('N', 4))]
    found = select(zeros(second=(1, 5, 4), first=(1, 5, 4)), wanted)
    assert found['first'].max() == 1
    assert found['second'].max() == 0


def test_shapes_decide_where_names_are_unknown():
    found = select(zeros(a=(1, 5, 3), b=(1, 5, 4)), [BOXES, SCORES])
    assert found['boxes'].shape == (5, 4)
    assert found['scores'].shape == (5, 3)


def test_order_decides_where_names_and_shapes_do_not():
    wanted = [Wanted('first', ('N', 4)), Wanted('second', ('N', 4))]
    found = select(zeros(a=(1, 5, 4), b=(1, 5, 4)), wanted)
    assert found['first'].max() == 0
    assert found['second'].max() == 1


def test_extra_outputs_are_left_alone():
    found = select(zeros(mask=(1, 5, 9, 9), a=(1, 5, 3), b=(1, 5, 4)), [BOXES, SCORES])
    assert set(found) == {'boxes', 'scores'}


def test_batch_axis_may_be_missing():
    assert select(zeros(a=(5, 3), b=(5, 4)), [BOXES, SCORES])['boxes'].shape == (5, 4)


def test_optional_tensor_is_found_or_left_out():
    assert 'quality' not in select(zeros(a=(1, 5, 3), b=(1, 5, 4)), [BOXES, SCORES, QUALITY])
    outputs = zeros(a=(1, 5, 3), b=(1, 5, 4), c=(1, 5, 1))
    assert select(outputs, [BOXES, SCORES, QUALITY])['quality'].shape == (5, 1)


@pytest.mark.parametrize(
    'outputs',
    [
        {},
        zeros(a=(1, 5, 3)),
        zeros(a=(1, 5, 3), b=(1, 6, 4)),
        zeros(a=(2, 5, 3), b=(2, 5, 4)),
        zeros(boxes=(1, 5, 3), scores=(1, 5, 4)),
    ],
    ids=['nothing', 'one missing', 'different counts', 'two pictures', 'wrong under its name'],
)
def test_what_does_not_fit_is_refused(outputs):
    with pytest.raises(DecoderError, match=r'expected boxes \(N, 4\); scores \(N, 3\)'):
        select(outputs, [BOXES, SCORES])
