"""The golden result of a detector: a JSON list of boxes, scores and class names."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perception_nodes.inference import bundle_checks as check
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.bundle_checks import BundleError
from perception_nodes.inference.bundle_sections import GoldenSpec
from perception_nodes.inference.golden_comparison import (
    Difference,
    DifferenceKind,
    ExpectedBox,
    find_differences,
)
from perception_nodes.structures import Detections

_MAXIMUM_BYTES = 1 << 20
_MAXIMUM_BOXES = 10_000
_SHOWN_DIFFERENCES = 8
_XYXY_DECIMALS, _SCORE_DECIMALS = 2, 4

_CAUSES = {
    DifferenceKind.MISSING: 'input.color_order, input.scale, input.mean or input.std',
    DifferenceKind.EXTRA: 'input.color_order, input.mean, input.std or the decoder options',
    DifferenceKind.SHIFTED: 'input.size_wh, input.resize or the decoder options',
    DifferenceKind.SCORE: 'input.color_order, input.mean, input.std or input.pad_value',
    DifferenceKind.CLASS: 'the order of classes, or decoder.options.label_offset',
}


def read_expected(path: Path) -> list[ExpectedBox]:
    """
    Return the boxes of an ``expected.json``.

    :raises BundleError: for anything but a list of ``{xyxy, score, class}``.
    """
    try:
        with path.open('rb') as stream:
            content = stream.read(_MAXIMUM_BYTES + 1)
        if len(content) > _MAXIMUM_BYTES:
            raise BundleError(f'{path}: is larger than {_MAXIMUM_BYTES} bytes')
        data = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f'{path}: cannot be read as JSON: {error}') from error
    return parse_expected(data, str(path))


def parse_expected(data: Any, where: str = 'expected') -> list[ExpectedBox]:
    """Return the boxes of a list of ``{xyxy, score, class}``; see :func:`read_expected`."""
    entries = check.items(where, data)
    if len(entries) > _MAXIMUM_BOXES:
        raise BundleError(f'{where}: {len(entries)} boxes are more than {_MAXIMUM_BOXES}')
    return [_expected_box(f'{where}[{i}]', entry) for i, entry in enumerate(entries)]


def expected_from(detections: Detections, classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return what ``expected.json`` holds for these detections, highest score first."""
    return [
        ExpectedBox(
            xyxy=tuple(round(float(side), _XYXY_DECIMALS) for side in xyxy),
            score=round(score, _SCORE_DECIMALS),
            label=classes[class_id],
        ).to_dict()
        for xyxy, score, class_id in detections.sorted_by_score()
    ]


def compare_detections(
    expected: Sequence[ExpectedBox | Mapping[str, Any]],
    actual: Detections,
    classes: Sequence[str],
    min_iou: float,
    max_score_difference: float,
    *,
    score_threshold: float = 0.0,
) -> list[str]:
    """
    Return the differences in words; none means that they agree.

    :param expected: boxes as :func:`read_expected` returns them, or their dictionaries.
    :param actual: what the model says now.
    :param classes: class names, indexed by ``actual.class_ids``.
    :param min_iou: overlap that a matching box must reach.
    :param max_score_difference: allowed distance of scores.
    :param score_threshold: boxes with scores within ``max_score_difference`` above it may come
        and go.
    """
    boxes = [
        item if isinstance(item, ExpectedBox) else _expected_box('', item) for item in expected
    ]
    limits = (min_iou, max_score_difference, score_threshold + max_score_difference)
    return [item.text for item in find_differences(boxes, actual, classes, limits)]


def explain_boxes(bundle: ModelBundle, golden: GoldenSpec, actual: Detections) -> str:
    """
    Return how the boxes differ from the expected ones and why, empty when they agree.

    :raises BundleError: when the expected result cannot be read or expects nothing.
    """
    expected = read_expected(bundle.file(golden.expected))
    if not expected:
        raise BundleError(
            f'{bundle.path / golden.expected}: expects nothing, so that it proves nothing; '
            'record it with a picture in which the model sees something'
        )
    threshold = bundle.spec.calibration.score_threshold + golden.max_score_difference
    limits = (golden.min_iou, golden.max_score_difference, threshold)
    found = find_differences(expected, actual, bundle.classes, limits)
    return _explained(found, len(expected)) if found else ''


def record_boxes(found: Detections, classes: Sequence[str], picture: Path) -> list[dict[str, Any]]:
    """
    Return the expected result of a picture.

    :raises BundleError: when the model finds nothing in it: such a picture proves nothing.
    """
    if not len(found):
        raise BundleError(
            f'{picture}: the model finds nothing in it. Choose a picture with objects it knows; '
            'if there are some, the colour order, scale, mean, std, input size or decoder is wrong'
        )
    return expected_from(found, classes)


def _expected_box(where: str, entry: Any) -> ExpectedBox:
    keys = ('xyxy', 'score', 'class')
    data = check.keys(where, entry, keys, keys)
    left, top, right, bottom = (
        check.number(f'{where}.xyxy', side)
        for side in check.items(f'{where}.xyxy', data['xyxy'], 4)
    )
    if left > right or top > bottom:
        raise BundleError(f'{where}.xyxy: {data["xyxy"]} needs left ≤ right and top ≤ bottom')
    return ExpectedBox(
        xyxy=(left, top, right, bottom),
        score=check.number(f'{where}.score', data['score'], minimum=0, maximum=1),
        label=check.text(f'{where}.class', data['class']),
    )


def _explained(found: Sequence[Difference], count: int) -> str:
    kinds = Counter(item.kind for item in found)
    lines = [f'  {item.text}' for item in found[:_SHOWN_DIFFERENCES]]
    if len(found) > len(lines):
        lines.append(f'  … and {len(found) - len(lines)} more')
    causes = [
        f'  {kind.value} ({number}×): {_CAUSES[kind]}' for kind, number in kinds.most_common()
    ]
    listed, suspected = '\n'.join(lines), '\n'.join(causes)
    return (
        f'{len(found)} differences, {count} boxes expected:\n{listed}\n'
        f'Likely wrong in model.yaml:\n{suspected}'
    )
