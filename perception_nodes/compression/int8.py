"""
Post-training quantisation to 8 bit, static, by ONNX Runtime.

Weights are int8 with a scale per channel, activations uint8 with ranges measured on real
pictures; the file holds QuantizeLinear and DequantizeLinear nodes (QDQ), which ONNX Runtime,
TensorRT and OpenVINO all read. With signed activations ONNX Runtime leaves half of the
convolutions in float32.

A single convolution whose values span a wide range can cost most of the accuracy:
:meth:`Int8Writer.gains` tells which.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantType
from onnxruntime.quantization.calibrate import create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.registry import QLinearOpsRegistry
from onnxruntime.quantization.shape_inference import quant_pre_process

Track = Callable[[Iterable[Any], str], Iterable[Any]]
_JUDGED_ON = 3
"""Pictures on which single convolutions are judged."""


class Int8Writer:
    """
    Measures the ranges of a network once and writes quantised forms of it.

    :param weights: ONNX file in float32 with one input.
    :param batches: (1, 3, H, W) float32 network input of real pictures; some dozens do.

    ``prepared`` is the float32 file whose nodes are quantised; it goes with the writer.

    :raises ValueError: the file has no convolution, or there is no batch.
    """

    def __init__(self, weights: Path, batches: Sequence[np.ndarray]) -> None:
        if not batches:
            raise ValueError('there is not one picture to measure the ranges of activations on')
        self._folder = tempfile.TemporaryDirectory()
        self.prepared = Path(self._folder.name) / 'prepared.onnx'
        # Symbolic shape inference fails on reshapes with a computed batch, and is not needed.
        quant_pre_process(weights, self.prepared, skip_symbolic_shape=True)
        graph = onnx.load(str(self.prepared)).graph
        self._input = graph.input[0].name
        self.convolutions = tuple(node.name for node in graph.node if node.op_type == 'Conv')
        if not self.convolutions:
            raise ValueError('the network has no convolution; only such networks are quantised')
        self._judged_on = batches[:_JUDGED_ON]
        self._ranges = self._measured(batches)

    def __enter__(self) -> Int8Writer:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove its files."""
        self._folder.cleanup()

    def write(self, target: Path, kept_float: Sequence[str] = ()) -> Path:
        """
        Write the quantised network.

        :param target: file to write.
        :param kept_float: convolutions that stay in float32.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        quantizer = QDQQuantizer(
            onnx.load(str(self.prepared)), per_channel=True, reduce_range=False,
            weight_qType=QuantType.QInt8, activation_qType=QuantType.QUInt8,
            tensors_range=self._ranges, nodes_to_quantize=[], nodes_to_exclude=list(kept_float),
            op_types_to_quantize=list(QLinearOpsRegistry), extra_options={},
        )  # fmt: skip
        quantizer.quantize_model()
        quantizer.model.save_model_to_file(str(target))
        return target

    def gains(self, track: Track) -> dict[str, float]:
        """
        Return how much of the error of the outputs goes when one convolution stays in float32.

        :returns: by convolution, the largest gain first; 1 is all of the error.
        """
        reference = self._outputs(self.prepared)
        trial = self.prepared.with_name('trial.onnx')
        whole = _error(reference, self._outputs(self.write(trial)))
        found = {}
        for name in track(self.convolutions, 'Looking for what quantises badly'):
            error = _error(reference, self._outputs(self.write(trial, [name])))
            found[name] = 1 - error / max(whole, 1e-12)
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def _measured(self, batches: Sequence[np.ndarray]) -> Any:
        """Return the range of every tensor, smoothed over the pictures."""
        augmented = self.prepared.with_name('augmented.onnx')
        calibrator = create_calibrator(
            self.prepared, list(QLinearOpsRegistry), augmented_model_path=str(augmented),
            extra_options={'moving_average': True, 'averaging_constant': 0.01},
        )  # fmt: skip
        calibrator.collect_data(_Batches(self._input, batches))
        return calibrator.compute_data()

    def _outputs(self, path: Path) -> list[np.ndarray]:
        """Return all outputs on the pictures that are judged on."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            str(path), options, providers=['CPUExecutionProvider']
        )
        runs = [session.run(None, {self._input: batch}) for batch in self._judged_on]
        return [np.concatenate(parts) for parts in zip(*runs, strict=True)]


def _error(reference: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> float:
    """Return the mean error of the outputs in their own deviations."""
    parts = [np.abs(a - b).mean() / a.std() for a, b in zip(reference, found, strict=True)]
    return float(np.mean(parts))


class _Batches(CalibrationDataReader):
    """Hands batches to ONNX Runtime one by one."""

    def __init__(self, name: str, batches: Iterable[np.ndarray]) -> None:
        self._name, self._batches = name, iter(batches)

    def get_next(self) -> Mapping[str, np.ndarray] | None:
        """Return the next input, None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}
