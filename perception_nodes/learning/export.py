"""From a trained network to an ONNX file that says the same."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from perception_nodes.learning.models.trunk import Trunk
from perception_nodes.learning.quantised.network import QuantisedNetwork
from perception_nodes.learning.trunks import EFFICIENTNET_LITE

_LOG = logging.getLogger(__name__)
OPSET = 17  # what ONNX Runtime 1.14 and TensorRT 8.6, the oldest in the field, read
PARITY_TOLERANCE = 1e-3
LEAST_AGREEMENT = 0.999
LEAST_INT8_AGREEMENT = 0.98
"""Enlarging by two puts one value in a hundred exactly between two levels, where the last bit of
a float decides; what comes after differs by whole levels."""
DETECTOR_OUTPUTS = ('logits', 'ltrb', 'quality')
SEGMENTER_OUTPUTS = ('logits',)
_TRUNK_KEY = 'trunk'


class ExportError(RuntimeError):
    """The exported file does not say what the network says."""


def export_onnx(
    model: nn.Module, path: Path, *, size_wh: tuple[int, int], output_names: Sequence[str]
) -> Path:
    """
    Write the network with input ``image`` (batch, 3, H, W) float32, any batch size.

    A network that has learnt in int8 writes the int8 file that it has learnt for. The file tells
    its trunk (:func:`trunk_in`), whose batch norms are merged so that tensors keep their names.

    :param model: network whose outputs have the batch as first axis.
    :param path: file to write.
    :param size_wh: width and height of the input in pixels.
    :param output_names: one for each output.
    """
    model = model.eval().to(memory_format=torch.contiguous_format)
    if isinstance(model, QuantisedNetwork):
        return model.write(path)
    trunk = getattr(model, 'trunk', None)
    if isinstance(trunk, Trunk):
        model = copy.deepcopy(model)
        model.trunk = trunk.merged()
    width, height = size_wh
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ['image', *output_names]
    torch.onnx.export(
        model,
        (torch.zeros(1, 3, height, width),),
        str(path),
        input_names=['image'],
        output_names=list(output_names),
        dynamic_axes={name: {0: 'batch'} for name in names},
        opset_version=OPSET,
        do_constant_folding=True,
        dynamo=False,  # the other exporter needs onnxscript, and gains nothing here
    )
    if isinstance(trunk, Trunk):
        written = onnx.load(str(path))
        written.metadata_props.add(key=_TRUNK_KEY, value=trunk.name)
        onnx.save(written, str(path))
    return path


def trunk_in(written: onnx.ModelProto) -> str:
    """Return the trunk of an exported network; files without a note are of EfficientNet-Lite0."""
    noted = {item.key: item.value for item in written.metadata_props}
    return noted.get(_TRUNK_KEY, EFFICIENTNET_LITE[0])


@dataclass(frozen=True, kw_only=True)
class Parity:
    """
    How far the exported file is from the network, on real pictures.

    :param differences: largest difference by output; logits in their own unit, others likewise.
    :param agreement: part of the decisions that are identical, 0..1; None where none was made,
        so that it is not known.
    :param decisions: how many were compared.
    :param pictures: on which.
    """

    differences: dict[str, float]
    agreement: float | None
    decisions: int
    pictures: int

    @property
    def words(self) -> str:
        """What was compared, in a line."""
        worst = max(self.differences.values())
        agree = 'nothing was decided on them, so decisions were not compared'
        if self.agreement is not None:
            agree = f'{self.agreement:.3%} of {self.decisions} decisions are identical'
        return f'differs from torch by at most {worst:.1e} on {self.pictures} pictures; {agree}'

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            'largest_difference': {
                name: float(f'{v:.2g}') for name, v in self.differences.items()
            },
            'agreement': None if self.agreement is None else round(self.agreement, 6),
            'decisions': self.decisions,
            'pictures': self.pictures,
        }


@torch.inference_mode()
def check_parity(
    model: nn.Module,
    path: Path,
    batches: Sequence[np.ndarray],
    decide: Callable[[Mapping[str, np.ndarray]], np.ndarray] | None,
    scales: Mapping[str, float] | None = None,
) -> Parity:
    """
    Compare the file with the network on real input; warn where that input decides nothing.

    :param batches: (B, 3, H, W) float32 each, at least one.
    :param decide: from outputs by name to what is decided in each place, whole numbers; where
        both say -1, nothing is decided. None: the network decides nothing ever.
    :param scales: by output, what counts as 1 there; None: 1 everywhere.
    :raises ExportError: naming the output that differs by more than the tolerance, where
        distances in pixels are compared relative to their size; or decisions that differ. In
        int8 decisions alone count, and few may differ.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    names = [item.name for item in session.get_outputs()]
    worst = dict.fromkeys(names, 0.0)
    same = decided = 0
    model.eval()
    for batch in batches:
        tensors = model(torch.from_numpy(batch))
        tensors = (tensors,) if isinstance(tensors, torch.Tensor) else tensors
        expected = {name: tensor.numpy() for name, tensor in zip(names, tensors, strict=True)}
        found = dict(zip(names, session.run(names, {'image': batch}), strict=True))
        for name, reference in expected.items():
            size = np.maximum(np.abs(reference), 1.0) if name == 'ltrb' else 1.0
            size = size * (scales or {}).get(name, 1.0)
            difference = np.abs((found[name] - reference) / size).max()
            worst[name] = max(worst[name], float(difference))
        if decide is not None:
            first, second = decide(expected), decide(found)
            counts = (first >= 0) | (second >= 0)
            same += int((first == second)[counts].sum())
            decided += int(counts.sum())
    parity = Parity(
        differences=worst, agreement=same / decided if decided else None, decisions=decided,
        pictures=sum(map(len, batches)),
    )  # fmt: skip
    if decide is not None and not decided:
        _LOG.warning(
            '%s: the network decides nothing on any of %d pictures, so that what the file decides '
            'could not be compared; train longer, or validate on pictures that show something',
            path.name, parity.pictures,
        )  # fmt: skip
    _refuse_differences(path, parity, in_int8=isinstance(model, QuantisedNetwork))
    return parity


def _refuse_differences(path: Path, parity: Parity, *, in_int8: bool) -> None:
    agreement = 1.0 if parity.agreement is None else parity.agreement
    if in_int8:
        if agreement < LEAST_INT8_AGREEMENT:
            raise ExportError(
                f'{path}: only {agreement:.2%} of the decisions are those that were learnt '
                f'in int8, needed are {LEAST_INT8_AGREEMENT:.0%}; write it on a processor with '
                'instructions for 8-bit products (VNNI, Arm dot product), others overflow'
            )
        return
    for name, difference in parity.differences.items():
        if not difference <= PARITY_TOLERANCE:
            raise ExportError(
                f'{path}: {name} differs by {difference:.2g} from the network, allowed is '
                f'{PARITY_TOLERANCE}; export again, or report the layer that differs'
            )
    if agreement < LEAST_AGREEMENT:
        raise ExportError(
            f'{path}: only {agreement:.2%} of the decisions are those of the network, '
            f'needed are {LEAST_AGREEMENT:.1%}; export again, or report the layer that differs'
        )
