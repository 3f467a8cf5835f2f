"""From a bundle to its quantised forms, as bundles."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from perception_nodes.compression.int8 import Int8Writer, Track
from perception_nodes.evaluation.ground_truth import read_picture
from perception_nodes.inference.bundle import ModelBundle, placeholder_weights, write_bundle
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.inference.golden import record_golden
from perception_nodes.inference.preprocess import Preprocessor

Open = Callable[[ModelBundle], FrameModel]
WEIGHTS = 'model.onnx'
KEPT_FLOAT = (0, 1, 2, 4)
"""How many convolutions stay in float32, those that quantise worst."""


def int8_forms(
    bundle: ModelBundle, pictures: Sequence[Path], folder: Path, open_model: Open, track: Track
) -> dict[str, ModelBundle]:
    """
    Write quantised forms of a bundle, by name; golden results are recorded anew.

    :param bundle: with an ONNX file.
    :param pictures: real ones, to measure the ranges of activations on.
    :param folder: of the new bundles, which replace existing ones.
    :param open_model: opens a bundle of the task.
    :param track: wraps an iterable to show progress.
    :raises ValueError: when the bundle holds another kind of network.
    """
    spec = bundle.spec
    if spec.architecture.name != 'onnx':
        raise ValueError(
            f'{bundle.path}: is a network of the kind {spec.architecture.name}; export it to ONNX '
            'first, with the training that made it'
        )
    prepare = Preprocessor.of(spec.input)
    shown = track(pictures, 'Reading pictures')
    batches = [prepare(read_picture(path))[0].copy() for path in shown]
    forms = {}
    with Int8Writer(bundle.file(spec.weights.file), batches) as writer:
        worst = list(writer.gains(track))
        for count in dict.fromkeys(min(kept, len(worst) - 1) for kept in KEPT_FLOAT):
            name = f'int8, {count} layers float' if count else 'int8'
            with tempfile.TemporaryDirectory() as work:
                weights = writer.write(Path(work) / WEIGHTS, worst[:count])
                target = folder / f'int8_{count}'
                forms[name] = _as_bundle(bundle, weights, target, worst[:count], open_model)
    return forms


def _as_bundle(
    bundle: ModelBundle, weights: Path, target: Path, kept: Sequence[str], open_model: Open
) -> ModelBundle:
    """Write the bundle of quantised weights, with a golden result of its own."""
    spec = bundle.spec
    details = {**spec.provenance.details, 'quantised': 'int8, static', 'kept_float': list(kept)}
    origin = f'quantised from {spec.name}, weights sha256 {spec.weights.sha256}'
    provenance = replace(
        spec.provenance, details=details,
        initialisation=f'{origin}; {spec.provenance.initialisation}',
    )  # fmt: skip
    changed = replace(
        spec, name=f'{spec.name}_int8', weights=placeholder_weights(WEIGHTS), golden=None,
        metrics=(), provenance=provenance,
    )  # fmt: skip
    written = write_bundle(target, changed, weights, replace_existing=True)
    if spec.golden is None:
        return written
    opened = open_model(written)
    frame = bundle.file(spec.golden.frame)
    expected = record_golden(opened, changed.result_classes, frame, task=spec.task)
    opened.close()
    return write_bundle(target, changed, weights, frame, expected, replace_existing=True)
