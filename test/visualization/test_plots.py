"""Plots: inline SVG without fixed inks, reproducible, for empty data too."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from perception_nodes.visualization.plots import (
    PrecisionRecallCurve,
    bars_svg,
    confidence_svg,
    latency_svg,
    lines_svg,
    precision_recall_svg,
)

CURVE = PrecisionRecallCurve(
    name='person & <dog>',
    recall=np.array([0.0, 0.5, 1.0]),
    precision=np.array([1.0, 0.9, 0.4]),
    operating_point=(0.5, 0.9),
)
AGES_MS = np.linspace(10, 110, 101)
PLOTS = {
    'confidence': lambda: confidence_svg(np.arange(256), np.ones(256), unit='boxes'),
    'confidence of nothing': lambda: confidence_svg(np.zeros(256), np.zeros(256), unit='pixels'),
    'precision_recall': lambda: precision_recall_svg([CURVE]),
    'precision_recall of nothing': lambda: precision_recall_svg([]),
    'latency': lambda: latency_svg(np.arange(101.0), AGES_MS),
    'latency of nothing': lambda: latency_svg(np.zeros(0), np.zeros(0)),
    'latency of one frame': lambda: latency_svg(np.zeros(1), np.ones(1)),
    'bars': lambda: bars_svg({'a': 0.25, 'b': float('nan')}, x_label='AP'),
    'bars of nothing': lambda: bars_svg({}, x_label='AP'),
    'lines': lambda: lines_svg(
        {'a': (np.arange(3), np.arange(3)), 'b': (np.arange(3), np.ones(3))},
        x_label='epoch',
        y_label='loss',
    ),
}


@pytest.mark.parametrize('name', PLOTS)
def test_plot_is_one_svg_element_in_the_colors_of_the_page(name):
    svg = PLOTS[name]()
    assert ElementTree.fromstring(svg).tag.endswith('svg')
    assert 'currentColor' in svg
    assert '#010203' not in svg
    assert '#040506' not in svg


def test_same_data_give_the_same_text():
    assert PLOTS['latency']() == PLOTS['latency']()


def test_latency_plot_names_the_percentiles():
    svg = PLOTS['latency']()
    assert 'p50 60' in svg
    assert 'p95 105' in svg
    assert 'p99 109' in svg


def test_bar_without_a_value_says_so():
    assert 'not measured' in PLOTS['bars']()


def test_clip_paths_of_two_plots_in_one_page_differ():
    def ids(svg):
        return {e.get('id') for e in ElementTree.fromstring(svg).iter() if 'clip' in e.tag}

    assert ids(PLOTS['latency']()).isdisjoint(ids(PLOTS['lines']()))


def test_confidences_are_counted_once_and_stacked():
    kept, uncertain = np.zeros(256, int), np.zeros(256, int)
    kept[255], uncertain[[0, 255]] = 3, 1
    svg = confidence_svg(kept, uncertain, unit='boxes')
    assert 'kept' in svg
    assert 'uncertain' in svg
    assert 'boxes' in svg
    # The axis ends a little above the highest stack: 3 kept and 1 uncertain.
    assert '>4.0<' in svg
    assert '>4.5<' not in svg
