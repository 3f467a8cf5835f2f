"""Overlays: what must be visible, and what must stay untouched."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_nodes.structures import ColorOrder, Detections
from perception_nodes.visualization.overlay import BoxStyle, draw_caption, draw_detections
from perception_nodes.visualization.palette import class_color

GREY = np.full((480, 640, 3), 90, np.uint8)
NAMES = ('person', 'cone')


def one_box(class_id=0, xyxy=(100, 200, 300, 400)):
    return Detections([xyxy], [0.8], [class_id])


def test_no_detections_leave_the_picture_as_it_is():
    drawn = draw_detections(GREY, Detections.empty(), NAMES)
    assert np.array_equal(drawn, GREY)
    assert drawn is not GREY


def test_box_edge_has_the_color_of_its_class_and_inside_stays():
    drawn = draw_detections(GREY, one_box(1), NAMES)
    assert tuple(drawn[300, 100]) == class_color(1)
    assert tuple(drawn[300, 299]) == class_color(1)
    assert tuple(drawn[300, 200]) == (90, 90, 90)


def test_bgr_pictures_get_the_same_color_in_their_order():
    drawn = draw_detections(GREY, one_box(1), NAMES, color_order=ColorOrder.BGR)
    assert tuple(drawn[300, 100, ::-1]) == class_color(1)


def test_label_plate_lies_above_the_box():
    with_label = draw_detections(GREY, one_box(), NAMES)
    without = draw_detections(GREY, one_box(), NAMES, show_labels=False)
    changed = np.argwhere((with_label != without).any(axis=2))
    assert len(changed) > 100
    assert changed[:, 0].max() <= 202


def test_label_plate_lies_inside_when_the_box_touches_the_top():
    box = one_box(xyxy=(100, 0, 300, 200))
    with_label = draw_detections(GREY, box, NAMES)
    without = draw_detections(GREY, box, NAMES, show_labels=False)
    changed = np.argwhere((with_label != without).any(axis=2))
    assert len(changed) > 100
    assert changed[:, 1].min() >= 100 - 3


def test_surest_box_is_drawn_last():
    same = Detections([(50, 50, 90, 90)] * 2, [0.9, 0.3], [0, 1])
    drawn = draw_detections(GREY, same, NAMES, show_labels=False)
    assert tuple(drawn[70, 50]) == class_color(0)


def test_truth_is_dashed_white_on_black():
    drawn = draw_detections(GREY, one_box(), NAMES, style=BoxStyle.TRUTH)
    edge = drawn[200:400, 100]
    assert (edge == 255).all(axis=1).any()
    assert (edge == 0).all(axis=1).any()


def test_drawing_in_place_changes_the_given_pixels():
    pixels = GREY.copy()
    assert draw_detections(pixels, one_box(), NAMES, copy=False) is pixels
    assert (pixels != GREY).any()


def test_drawing_in_place_into_read_only_pixels_names_the_cure():
    pixels = GREY.copy()
    pixels.flags.writeable = False
    with pytest.raises(ValueError, match='copy=True'):
        draw_detections(pixels, one_box(), NAMES, copy=False)
    assert (draw_detections(pixels, one_box(), NAMES) != pixels).any()


def test_grey_picture_is_refused_with_its_shape():
    with pytest.raises(ValueError, match=r'\(4, 4\)'):
        draw_detections(np.zeros((4, 4), np.uint8), one_box(), NAMES)


def test_reversed_view_is_drawn_as_a_copy():
    drawn = draw_detections(GREY[:, :, ::-1], one_box(), NAMES)
    assert drawn.flags.c_contiguous


def test_caption_darkens_one_strip_only():
    drawn = draw_caption(GREY, 't 1.0 s', bottom=True)
    assert np.array_equal(drawn[:400], GREY[:400])
    assert tuple(drawn[-1, -1]) == (22, 22, 22)
    assert (drawn[-22:] > 200).any()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 120),
    st.lists(
        st.tuples(*[st.floats(-(2.0**127), 2.0**127, width=32)] * 4, st.integers(0, 500)),
        max_size=4,
    ),
)
def test_any_box_on_any_picture_can_be_drawn(height, width, boxes):
    rows = [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d, _ in boxes]
    xyxy = np.array(rows, np.float32).reshape(-1, 4)
    found = Detections(xyxy, np.full(len(rows), 0.5), [row[4] for row in boxes])
    for style in BoxStyle:
        drawn = draw_detections(np.zeros((height, width, 3), np.uint8), found, NAMES, style=style)
        assert drawn.shape == (height, width, 3)
