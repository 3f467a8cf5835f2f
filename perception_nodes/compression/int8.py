"""
Post-training quantisation to 8 bit, static, by ONNX Runtime.

Weights are int8 with a scale per channel, activations uint8 with ranges measured on real
pictures; the file holds QuantizeLinear and DequantizeLinear nodes (QDQ), which ONNX Runtime,
TensorRT and OpenVINO all read. With signed activations ONNX Runtime leaves half of the
convolutions in float32.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process


@dataclass(frozen=True, kw_only=True)
class Int8Plan:
    """
    What is quantised.

    :param name: for people.
    :param float_first: convolutions at the input that stay in float32.
    :param float_last: convolutions at the output that stay in float32.
    """

    name: str
    float_first: int = 0
    float_last: int = 0


PLANS = (
    Int8Plan(name='int8'),
    Int8Plan(name='int8, last layer float', float_last=1),
    Int8Plan(name='int8, ends float', float_first=1, float_last=3),
)
"""From the fastest to the most careful."""


def write_int8(weights: Path, batches: Iterable[np.ndarray], target: Path, plan: Int8Plan) -> Path:
    """
    Write the quantised network.

    :param weights: ONNX file in float32 with one input.
    :param batches: (1, 3, H, W) float32 network input of real pictures; some dozens do.
    :param target: file to write.
    :raises ValueError: the file has no convolution, or there is no batch.
    """
    known = iter(batches)
    first = next(known, None)
    if first is None:
        raise ValueError('there is not one picture to measure the ranges of activations on')
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / 'prepared.onnx'
        # Symbolic shape inference fails on reshapes with a computed batch, and is not needed.
        quant_pre_process(weights, prepared, skip_symbolic_shape=True)
        graph = onnx.load(str(prepared)).graph
        reader = _Batches(graph.input[0].name, chain([first], known))
        with _quiet():
            quantize_static(
                prepared, target, reader,
                quant_format=QuantFormat.QDQ, per_channel=True,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                nodes_to_exclude=_kept_in_float(graph, plan),
                extra_options={'CalibMovingAverage': True},
            )  # fmt: skip
    return target


def _kept_in_float(graph: Any, plan: Int8Plan) -> list[str]:
    """Return the names of the convolutions that are not quantised."""
    names = [node.name for node in graph.node if node.op_type == 'Conv']
    if not names:
        raise ValueError('the network has no convolution; only such networks are quantised')
    return [*names[: plan.float_first], *names[len(names) - plan.float_last :]]


class _Batches(CalibrationDataReader):
    """Hands batches to ONNX Runtime one by one."""

    def __init__(self, name: str, batches: Iterable[np.ndarray]) -> None:
        self._name = name
        self._batches: Iterator[np.ndarray] = iter(batches)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next input, None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep ONNX Runtime from advising what was done already."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(level)
