"""An adapted network as a bundle that says what it was made from."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from safetensors.torch import save_file
from torch import nn

from perception_nodes.inference.bundle import ModelBundle, copy_bundle
from perception_nodes.inference.bundle_spec import ModelSpec
from perception_nodes.inference.derived_bundle import derived_spec, maker_of, write_derived
from perception_nodes.inference.preprocess import Preprocessor
from perception_nodes.learning.adaptation.adapting import Adapted
from perception_nodes.learning.adaptation.pictures import digest_of
from perception_nodes.learning.adaptation.statistics import read_statistics
from perception_nodes.learning.data.splits import spread_over
from perception_nodes.learning.export import Parity, check_parity, export_onnx
from perception_nodes.segmentation import Segmenter
from perception_nodes.structures import ColorOrder, Frame

_ONNX, _TORCH = 'model.onnx', 'model.safetensors'
_PARITY_PICTURES = 4


def adapted_bundle(
    bundle: ModelBundle,
    adapted: Adapted,
    target: Path,
    *,
    frames: Sequence[Frame],
    source: str,
    pictures: str,
) -> ModelBundle:
    """
    Write the bundle of an adapted network, replacing an existing one.

    Figures and feature statistics of the source are left out, since they are of another network;
    the golden result is recorded anew, on the source's golden frame if there is one.

    :param frames: that it was adapted to.
    :param source: the command.
    :param pictures: where they come from, in words.
    :raises ExportError: when the written file does not say what the network says.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        weights, parity = _write_weights(bundle, adapted.network, frames, work)
        details = {
            'made_of': maker_of(bundle), 'adaptation': _details(adapted.record, digest_of(frames)),
            **({'parity': parity.to_dict()} if parity else {}),
        }  # fmt: skip
        spec = _spec(bundle.spec, weights.name, adapted, source, pictures, details)
        frame = _golden_frame(bundle, frames, work)
        return write_derived(target, spec, weights, frame, _opened)


def _opened(bundle: ModelBundle) -> Segmenter:
    return Segmenter.load(bundle, device='cpu')


def keep_statistics(bundle: ModelBundle, statistics: Path) -> ModelBundle:
    """
    Put the statistics of a network's source into its bundle; all else stays.

    :param statistics: what ``write_statistics`` wrote for these weights.
    :raises ValueError: when they are of other weights.
    """
    read_statistics(statistics, bundle.spec.weights.sha256)
    return copy_bundle(bundle, bundle.path, source_statistics=statistics)


def _write_weights(
    bundle: ModelBundle, network: nn.Module, frames: Sequence[Frame], work: Path
) -> tuple[Path, Parity | None]:
    """Write the weights in the kind of file that the bundle had; how like them an ONNX file is."""
    spec = bundle.spec
    if spec.architecture.library != 'onnx':
        state = {name: value.contiguous() for name, value in network.state_dict().items()}
        save_file(state, str(work / _TORCH))
        return work / _TORCH, None
    assert spec.input.size_wh is not None
    path = export_onnx(network, work / _ONNX, size_wh=spec.input.size_wh, output_names=('logits',))
    prepare = Preprocessor.of(spec.input)
    some = [prepare(frame)[0].copy() for frame in spread_over(frames, _PARITY_PICTURES)]
    return path, check_parity(network, path, some, _decided)


def _decided(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the class of every cell."""
    return outputs['logits'].argmax(axis=1)


def _spec(
    spec: ModelSpec,
    file: str,
    adapted: Adapted,
    source: str,
    pictures: str,
    details: Mapping[str, Any],
) -> ModelSpec:
    """Return what the bundle says about itself."""
    count = adapted.record['pictures']
    words = f'{count} pictures without labels, {pictures}'
    provenance = replace(
        spec.provenance,
        source=f'{source}; after: {spec.provenance.source}',
        initialisation=f'adapted from {spec.name}, weights sha256 {spec.weights.sha256}; '
        f'{spec.provenance.initialisation}',
        data=f'{spec.provenance.data}; then adapted to {words}',
        details=details,
    )
    calibration = replace(spec.calibration, temperature=adapted.temperature)
    return derived_spec(
        spec, file, provenance, name=f'{spec.name}_adapted', calibration=calibration
    )


def _details(record: Mapping[str, Any], digest: str) -> dict[str, Any]:
    steps = record.get('steps')
    told = {} if steps is None else {name: steps[name] for name in ('taken', 'stopped_by')}
    return {
        **record['config'], **told, 'pictures': record['pictures'],
        'pixels_sha256': digest, 'confidence': record['confidence']['after'],
    }  # fmt: skip


def _golden_frame(bundle: ModelBundle, frames: Sequence[Frame], work: Path) -> Path:
    """Return the source's golden frame, else a picture that was adapted to."""
    if bundle.spec.golden is not None:
        return bundle.file(bundle.spec.golden.frame)
    path = work / 'frame.png'
    cv2.imwrite(str(path), frames[len(frames) // 2].in_order(ColorOrder.BGR))
    return path
