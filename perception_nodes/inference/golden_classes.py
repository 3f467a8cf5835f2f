"""The golden result of a classifier: a JSON list of its most probable classes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perception_nodes.inference import bundle_checks as check
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.bundle_checks import BundleError
from perception_nodes.inference.bundle_sections import GoldenSpec
from perception_nodes.structures import Classification

_MAXIMUM_BYTES = 1 << 16
_DECIMALS = 4
_RECORDED = 5
_LEAST_LEAD = 0.02  # of the best class: part of the way from chance to certainty
_CAUSES = (
    'input.color_order, input.scale, input.mean or input.std; input.size_wh or input.resize; '
    'the order of classes when another class has the same probability'
)


def explain_classes(bundle: ModelBundle, golden: GoldenSpec, actual: Classification) -> str:
    """
    Return how the classes differ from the expected ones and why, empty when they agree.

    :raises BundleError: when the expected classes cannot be read.
    """
    expected = read_classes(bundle.file(golden.expected))
    names = bundle.classes
    best = names[actual.class_ids[0]] if len(actual) else 'nothing'
    found = [f'{best} is most probable, expected is {expected[0][0]}'] * (best != expected[0][0])
    for name, probability in expected:
        now = actual.probability_of(names.index(name)) if name in names else 0.0
        if abs(now - probability) > golden.max_score_difference:
            found.append(f'{name}: probability is {now:.2f}, expected is {probability:.2f}')
    if not found:
        return ''
    listed = '\n'.join(f'  {line}' for line in found)
    return f'{len(found)} differences:\n{listed}\nLikely wrong in model.yaml:\n  {_CAUSES}'


def record_classes(
    found: Classification, classes: Sequence[str], picture: Path
) -> list[dict[str, Any]]:
    """
    Return the expected result of a picture.

    :raises BundleError: when all classes are about as probable: that proves nothing.
    """
    chance = 1 / len(classes)
    if found.confidence < chance + _LEAST_LEAD * (1 - chance):
        raise BundleError(
            f'{picture}: the model is sure of no class (at most {found.confidence:.2f}) and '
            'proves little by that. Choose a picture of a class it knows; if this is one, the '
            'colour order, scale, mean, std or input size is wrong'
        )
    pairs = zip(found.class_ids.tolist(), found.probabilities.tolist(), strict=True)
    return [
        {'class': classes[number], 'probability': round(probability, _DECIMALS)}
        for number, probability in list(pairs)[:_RECORDED]
    ]


def read_classes(path: Path) -> list[tuple[str, float]]:
    """
    Return the classes of an ``expected.json``, at least one.

    :raises BundleError: for anything but a list of ``{class, probability}``.
    """
    try:
        with path.open('rb') as stream:
            content = stream.read(_MAXIMUM_BYTES + 1)
        if len(content) > _MAXIMUM_BYTES:
            raise BundleError(f'{path}: is larger than {_MAXIMUM_BYTES} bytes')
        data = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f'{path}: cannot be read as JSON: {error}') from error
    entries = check.items(str(path), data)
    if not entries:
        raise BundleError(f'{path}: expects nothing, so that it proves nothing; record it again')
    return [_class(f'{path}[{i}]', item) for i, item in enumerate(entries)]


def _class(where: str, entry: Any) -> tuple[str, float]:
    keys = ('class', 'probability')
    data = check.keys(where, entry, keys, keys)
    probability = check.number(f'{where}.probability', data['probability'], minimum=0, maximum=1)
    return check.text(f'{where}.class', data['class']), probability
