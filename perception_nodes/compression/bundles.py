"""From a bundle to its quantised form, as a bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from perception_nodes.compression.int8 import Int8Plan, write_int8
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.inference.bundle import ModelBundle, placeholder_weights, write_bundle
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.inference.golden import record_golden
from perception_nodes.inference.preprocess import Preprocessor

Open = Callable[[ModelBundle], FrameModel]
WEIGHTS = 'model.onnx'


def int8_bundle(
    bundle: ModelBundle, pictures: Sequence[Path], out: Path, plan: Int8Plan, open_model: Open
) -> ModelBundle:
    """
    Write the quantised form of a bundle; its golden result is recorded anew.

    :param bundle: with an ONNX file.
    :param pictures: real ones, to measure the ranges of activations on.
    :param out: folder of the new bundle, replaced if it exists.
    :param open_model: opens a bundle of the task.
    :raises ValueError: when the bundle holds another kind of network.
    """
    spec = bundle.spec
    if spec.architecture.name != 'onnx':
        raise ValueError(
            f'{bundle.path}: is a network of the kind {spec.architecture.name}; export it to ONNX '
            'first, with the training that made it'
        )
    details = {**spec.provenance.details, 'quantised': plan.name, 'ranges_from': len(pictures)}
    origin = f'{spec.name}, weights sha256 {spec.weights.sha256}'
    provenance = replace(
        spec.provenance, details=details,
        initialisation=f'quantised from {origin}; {spec.provenance.initialisation}',
    )  # fmt: skip
    changed = replace(
        spec, name=f'{spec.name}_int8', weights=placeholder_weights(WEIGHTS), golden=None,
        metrics=(), provenance=provenance,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        source = bundle.file(spec.weights.file)
        weights = write_int8(source, _batches(bundle, pictures), work / WEIGHTS, plan)
        if spec.golden is None:
            return write_bundle(out, changed, weights, replace_existing=True)
        opened = open_model(write_bundle(work / 'draft', changed, weights))
        frame = bundle.file(spec.golden.frame)
        expected = record_golden(opened, changed.result_classes, frame, task=spec.task)
        opened.close()
        return write_bundle(out, changed, weights, frame, expected, replace_existing=True)


def _batches(bundle: ModelBundle, pictures: Sequence[Path]) -> Iterator[np.ndarray]:
    """Yield the network's input of each picture, as the bundle prescribes it."""
    prepare = Preprocessor.of(bundle.spec.input)
    for path in pictures:
        yield prepare(read_picture(path))[0].copy()
