"""
The mean of a network and what further training made of it.

Training on with other pictures makes a network better there and worse elsewhere; the mean of the
weights keeps most of both (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from perception_nodes.inference.bundle import ModelBundle, placeholder_weights, write_bundle
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.inference.golden import record_golden

WEIGHTS = 'model.onnx'


def blended_bundle(
    first: ModelBundle,
    second: ModelBundle,
    out: Path,
    *,
    part: float,
    open_model: Callable[[ModelBundle], FrameModel],
) -> ModelBundle:
    """
    Write the bundle of the mean; calibration, classes and golden frame are the first's.

    :param second: went on from the first.
    :param part: of the second, 0..1.
    :param open_model: opens a bundle of the task.
    :raises ValueError: the networks or their classes differ.
    """
    if not 0.0 <= part <= 1.0:
        raise ValueError(f'part: {part} must lie in 0..1')
    if first.classes != second.classes or first.spec.input != second.spec.input:
        raise ValueError(
            f'{first.path} and {second.path} have other classes or another input; blend a bundle '
            'with one that was trained on from it'
        )
    spec = first.spec
    origin = (
        f'{1 - part:g} of a network (ONNX, sha256 {spec.weights.sha256}) and {part:g} of what '
        f'further training made of it (sha256 {second.spec.weights.sha256})'
    )
    provenance = replace(
        spec.provenance, source=f'perception blend, after: {second.spec.provenance.source}',
        initialisation=f'{origin}; {spec.provenance.initialisation}',
        data=f'{spec.provenance.data}; then {second.spec.provenance.data}',
    )  # fmt: skip
    changed = replace(
        spec, weights=placeholder_weights(WEIGHTS), golden=None, metrics=(), provenance=provenance
    )
    files = [one.file(one.spec.weights.file) for one in (first, second)]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        weights = write_blend(files[0], files[1], work / WEIGHTS, part)
        if spec.golden is None:
            return write_bundle(out, changed, weights, replace_existing=True)
        opened = open_model(write_bundle(work / 'draft', changed, weights))
        frame = first.file(spec.golden.frame)
        expected = record_golden(opened, changed.result_classes, frame, task=spec.task)
        opened.close()
        return write_bundle(out, changed, weights, frame, expected, replace_existing=True)


def write_blend(first: Path, second: Path, target: Path, part: float) -> Path:
    """
    Write the network whose weights are the mean of two ONNX files of one architecture.

    :param part: of the second, 0..1.
    :raises ValueError: a tensor of the first is missing in the second, or has another shape.
    """
    model = onnx.load(str(first))
    others = {item.name: item for item in onnx.load(str(second)).graph.initializer}
    for item in model.graph.initializer:
        other = others.get(item.name)
        if other is None or tuple(other.dims) != tuple(item.dims):
            raise ValueError(f'{second}: has no tensor {item.name} of the shape in {first}')
        if item.data_type == onnx.TensorProto.FLOAT:
            mean = (1 - part) * numpy_helper.to_array(item) + part * numpy_helper.to_array(other)
            item.CopyFrom(numpy_helper.from_array(mean.astype(np.float32), item.name))
    onnx.save(model, str(target))
    return target
