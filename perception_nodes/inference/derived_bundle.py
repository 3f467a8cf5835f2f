"""Bundles of networks that were made from the network of another bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from perception_nodes.inference.bundle import ModelBundle, placeholder_weights, write_bundle
from perception_nodes.inference.bundle_sections import Calibration, Provenance
from perception_nodes.inference.bundle_spec import ModelSpec
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.inference.golden import record_golden

Open = Callable[[ModelBundle], FrameModel]


def derived_spec(
    spec: ModelSpec,
    weights_file: str,
    provenance: Provenance,
    *,
    name: str = '',
    calibration: Calibration | None = None,
) -> ModelSpec:
    """
    Return the description of another network with the input, outputs and classes of a first one.

    What was measured on the first is not said of the other: figures, statistics of features and
    the golden result go.

    :param provenance: of the other.
    :param name: of the other; empty keeps the first's.
    :param calibration: of the other; None keeps the first's, which its details then should say.
    """
    return replace(
        spec, name=name or spec.name, weights=placeholder_weights(weights_file), metrics=(),
        features=None, golden=None, provenance=provenance,
        calibration=calibration or spec.calibration,
    )  # fmt: skip


def maker_of(bundle: ModelBundle) -> Mapping[str, Any]:
    """Return the name and the hash that tell which network another was made from."""
    return {'name': bundle.name, 'weights_sha256': bundle.spec.weights.sha256}


def borrowed_calibration(bundle: ModelBundle) -> str:
    """Return the words for a calibration that was fitted to another network."""
    return f'of {bundle.name}, not fitted to this network'


def golden_frame_of(bundle: ModelBundle) -> Path | None:
    """Return the golden frame of a bundle, if it has one."""
    golden = bundle.spec.golden
    return None if golden is None else bundle.file(golden.frame)


def write_derived(
    target: Path, spec: ModelSpec, weights: Path, frame: Path | None, open_model: Open
) -> ModelBundle:
    """
    Write a bundle, in place of an older one, with what its own network says about a frame.

    :param weights: file.
    :param frame: golden frame, or None.
    :param open_model: opens a bundle of the task.
    :raises BundleError: when the network sees nothing in the frame, or the folder holds something
        else than a bundle.
    """
    if frame is None:
        return write_bundle(target, spec, weights, replace_existing=True)
    with tempfile.TemporaryDirectory() as folder:
        opened = open_model(write_bundle(Path(folder) / 'draft', spec, weights))
        expected = record_golden(opened, spec.result_classes, frame, task=spec.task)
        opened.close()
    return write_bundle(target, spec, weights, frame, expected, replace_existing=True)
