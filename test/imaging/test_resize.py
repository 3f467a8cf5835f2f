"""The resize and its inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_nodes.imaging.resize import ImageResize, ResizePolicy, resize_between

sizes = st.tuples(st.integers(1, 4000), st.integers(1, 4000))
resizing = st.sampled_from([p for p in ResizePolicy if p is not ResizePolicy.NONE])
points = st.lists(
    st.tuples(st.floats(-5000, 5000), st.floats(-5000, 5000)), min_size=1, max_size=5
)


@given(sizes, sizes, resizing, points)
def test_points_come_back_where_they_were(source_wh, network_wh, policy, xy):
    resize = ImageResize(source_wh, network_wh, policy)
    there_and_back = resize.points_to_source(resize.points_to_network(np.array(xy)))
    np.testing.assert_allclose(there_and_back, xy, rtol=1e-9, atol=1e-6)


@given(st.tuples(st.integers(16, 4000), st.integers(16, 4000)), resizing, points)
def test_boxes_come_back_where_they_were(source_wh, policy, xy):
    resize = ImageResize(source_wh, (416, 352), policy)
    corners = np.array(xy)
    boxes = np.concatenate([corners, corners + 10], axis=1).astype(np.float32)
    back = resize.to_source(resize.to_network(boxes))
    np.testing.assert_allclose(back, boxes, rtol=1e-4, atol=0.05)


@given(sizes, sizes, resizing)
def test_picture_lies_inside_the_network_input(source_wh, network_wh, policy):
    resize = ImageResize(source_wh, network_wh, policy)
    for offset, size, limit in zip(resize.offset_xy, resize.resized_wh, network_wh, strict=True):
        assert size >= 1
        assert 0 <= offset <= offset + size <= limit


def test_no_boxes_give_no_boxes():
    resize = ImageResize((640, 480), (416, 416))
    assert resize.to_source(np.zeros((0, 4))).shape == (0, 4)
    assert resize.to_network(np.zeros((0, 4))).shape == (0, 4)


@pytest.mark.parametrize(
    ('policy', 'resized_wh', 'offset_xy'),
    [
        ('letterbox', (416, 312), (0, 52)),
        ('letterbox_top_left', (416, 312), (0, 0)),
        ('stretch', (416, 416), (0, 0)),
    ],
)
def test_wide_picture_in_square_input(policy, resized_wh, offset_xy):
    resize = ImageResize((640, 480), (416, 416), policy)
    assert resize.resized_wh == resized_wh
    assert resize.offset_xy == offset_xy
    whole = resize.to_network([[0, 0, 640, 480]])[0]
    np.testing.assert_allclose(whole, [*offset_xy, *np.add(offset_xy, resized_wh)])


@pytest.mark.parametrize('policy', [p for p in ResizePolicy if p is not ResizePolicy.NONE])
def test_bright_rectangle_lands_where_its_box_is_mapped(policy):
    pixels = np.zeros((480, 640, 3), np.uint8)
    pixels[120:240, 160:480] = 255
    resize = ImageResize((640, 480), (416, 320), policy, pad_value=0)
    canvas = resize.apply(pixels)
    rows, columns = np.nonzero(canvas[..., 0] > 127)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(found, resize.to_network([[160, 120, 480, 240]])[0], atol=1)


def test_border_is_filled_with_the_pad_value():
    resize = ImageResize((640, 480), (416, 416), 'letterbox', pad_value=77)
    canvas = resize.apply(np.full((480, 640, 3), 200, np.uint8))
    assert (canvas[:52] == 77).all()
    assert (canvas[364:] == 77).all()
    assert (canvas[52:364] == 200).all()


def test_canvas_used_again_gives_the_same_picture():
    resize = ImageResize((64, 48), (32, 32))
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 255, (2, 48, 64, 3), np.uint8)
    canvas = resize.new_canvas()
    resize.apply(first, canvas)
    np.testing.assert_array_equal(resize.apply(second, canvas), resize.apply(second))


def test_equal_sizes_hand_the_picture_over_without_a_copy():
    pixels = np.zeros((48, 64, 3), np.uint8)
    for policy in ResizePolicy:
        assert ImageResize((64, 48), (64, 48), policy).apply(pixels) is pixels


def test_read_only_picture_is_resized():
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels.flags.writeable = False
    assert ImageResize((64, 48), (32, 32)).apply(pixels).shape == (32, 32, 3)


def test_boxes_are_cut_at_the_source_picture():
    resize = ImageResize((640, 480), (416, 416))
    box = resize.to_source([[-50, -50, 500, 500]], clip=True)[0]
    np.testing.assert_allclose(box, [0, 0, 640, 480])


def test_one_side_of_a_thin_picture_never_vanishes():
    assert ImageResize((4000, 1), (32, 32)).resized_wh == (32, 1)


def test_policy_none_refuses_another_size():
    with pytest.raises(ValueError, match=r'none cannot turn \(640, 480\) into \(416, 416\)'):
        ImageResize((640, 480), (416, 416), ResizePolicy.NONE)


@pytest.mark.parametrize(
    'arguments',
    [((0, 4), (4, 4)), ((4, 4), (4, -1)), ((4, 4), (4, 4), 'letterbox', 256)],
)
def test_impossible_sizes_are_refused(arguments):
    with pytest.raises(ValueError, match=r'must|≥ 1'):
        ImageResize(*arguments)


def test_picture_of_another_size_is_refused():
    with pytest.raises(ValueError, match='picture is 10x10'):
        ImageResize((64, 48), (32, 32)).apply(np.zeros((10, 10, 3), np.uint8))


def test_resize_is_made_once_per_source_size():
    assert resize_between((64, 48), (32, 32)) is resize_between((64, 48), (32, 32))
