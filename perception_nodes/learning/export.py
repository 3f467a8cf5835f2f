"""From a trained network to an ONNX file that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

OPSET = 17  # what ONNX Runtime 1.14 and TensorRT 8.6, the oldest in the field, read
PARITY_TOLERANCE = 1e-3
DETECTOR_OUTPUTS = ('logits', 'ltrb', 'quality')


class ExportError(RuntimeError):
    """The exported file does not say what the network says."""


def export_onnx(
    model: nn.Module, path: Path, *, size_wh: tuple[int, int], output_names: Sequence[str]
) -> Path:
    """
    Write the network with input ``image`` (batch, 3, H, W) float32, any batch size.

    :param model: network whose outputs have the batch as first axis.
    :param path: file to write.
    :param size_wh: width and height of the input in pixels.
    :param output_names: one for each output.
    """
    model = model.eval().to(memory_format=torch.contiguous_format)
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
    return path


@torch.inference_mode()
def check_parity(model: nn.Module, path: Path, batches: Sequence[np.ndarray]) -> dict[str, float]:
    """
    Compare the file with the network on real input.

    :param batches: (B, 3, H, W) float32 each, at least one.
    :returns: largest difference by output; logits in their own unit, others likewise.
    :raises ExportError: naming the output that differs by more than the tolerance, where
        distances in pixels are compared relative to their size.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    names = [item.name for item in session.get_outputs()]
    worst = dict.fromkeys(names, 0.0)
    model.eval()
    for batch in batches:
        expected = model(torch.from_numpy(batch))
        found = session.run(names, {'image': batch})
        for name, tensor, array in zip(names, expected, found, strict=True):
            reference = tensor.numpy()
            size = np.maximum(np.abs(reference), 1.0) if name == 'ltrb' else 1.0
            worst[name] = max(worst[name], float(np.abs((array - reference) / size).max()))
    for name, difference in worst.items():
        if not difference <= PARITY_TOLERANCE:
            raise ExportError(
                f'{path}: {name} differs by {difference:.2g} from the network, allowed is '
                f'{PARITY_TOLERANCE}; export again, or report the layer that differs'
            )
    return worst
