"""
The mean of a network and what further training made of it.

Training on with other pictures makes a network better there and worse elsewhere; the mean of the
weights keeps most of both (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from perception_nodes.inference.bundle import ModelBundle, write_bundle
from perception_nodes.inference.bundle_folder import check_target
from perception_nodes.inference.bundle_sections import Provenance
from perception_nodes.inference.bundle_spec import ModelSpec
from perception_nodes.inference.derived_bundle import (
    Open,
    borrowed_calibration,
    derived_spec,
    golden_frame_of,
    maker_of,
    write_derived,
)
from perception_nodes.learning.recalibration import Track, recalibrated

WEIGHTS = 'model.onnx'


def blended_bundle(
    first: ModelBundle,
    second: ModelBundle,
    out: Path,
    *,
    part: float,
    open_model: Open,
    labelled: str = '',
    track: Track = lambda items, _words: items,
) -> ModelBundle:
    """
    Write the bundle of the mean; classes and golden frame are the first's.

    :param second: went on from the first.
    :param out: folder, of neither.
    :param part: of the second, 0..1.
    :param open_model: opens a bundle of the task.
    :param labelled: address of a set that the mean is calibrated on; without one it keeps the
        calibration of the first, and the bundle says so.
    :raises ValueError: the networks or their classes differ.
    """
    if not 0.0 <= part <= 1.0:
        raise ValueError(f'part: {part} must lie in 0..1')
    if first.classes != second.classes or first.spec.input != second.spec.input:
        raise ValueError(
            f'{first.path} and {second.path} have other classes or another input; blend a bundle '
            'with one that was trained on from it'
        )
    check_target(out, [first.path, second.path])
    spec = derived_spec(first.spec, WEIGHTS, _provenance(first, second, part))
    files = [one.file(one.spec.weights.file) for one in (first, second)]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        weights = write_blend(files[0], files[1], work / WEIGHTS, part)
        if labelled:
            spec = _calibrated(write_bundle(work / 'raw', spec, weights), labelled, track)
        return write_derived(out, spec, weights, golden_frame_of(first), open_model)


def _provenance(first: ModelBundle, second: ModelBundle, part: float) -> Provenance:
    """Return what the mean is made of; what was measured on its parts is not said of it."""
    one, other = first.spec.provenance, second.spec.provenance
    origin = (
        f'{1 - part:g} of a network (ONNX, sha256 {first.spec.weights.sha256}) and {part:g} of '
        f'what further training made of it (sha256 {second.spec.weights.sha256})'
    )
    details = {
        'made_of': [
            {**maker_of(first), 'part': round(1 - part, 6)}, {**maker_of(second), 'part': part},
        ],
        'calibration': borrowed_calibration(first),
    }  # fmt: skip
    return replace(
        one, source=f'perception blend, after: {other.source}', details=details,
        initialisation=f'{origin}; {one.initialisation}', data=f'{one.data}; then {other.data}',
    )  # fmt: skip


def _calibrated(raw: ModelBundle, labelled: str, track: Track) -> ModelSpec:
    """Return the description of the mean with a calibration of its own."""
    found = recalibrated(raw, labelled, track)
    before, after = found.error
    words = (
        f'fitted to this network on {found.pictures} pictures of {labelled}, expected calibration '
        f'error {before:.4f} before, {after:.4f} after'
    )
    origin = raw.spec.provenance
    provenance = replace(origin, details={**origin.details, 'calibration': words})
    return replace(raw.spec, calibration=found.calibration, provenance=provenance)


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
