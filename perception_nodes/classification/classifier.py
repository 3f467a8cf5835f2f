"""A classification bundle that is ready to look at frames."""

from __future__ import annotations

import functools
from collections.abc import Callable

from perception_nodes.classification.config import ClassificationConfig
from perception_nodes.imaging.resize import ImageResize
from perception_nodes.inference.backends import Backend
from perception_nodes.inference.bundle import BundleError, ModelBundle
from perception_nodes.inference.decoders.class_logits import ClassLogitsDecoder
from perception_nodes.inference.decoders.contract import Outputs
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.structures import Classification

_DEFAULTS = ClassificationConfig()


class Classifier(FrameModel[ClassificationConfig, Classification]):
    """
    Bundle, back end and decoder behind one call: frame in, classes by probability out.

    :param bundle: a bundle with the task ``classification``.
    :param backend: its opened network.
    """

    task = 'classification'
    _decoder: ClassLogitsDecoder

    def __init__(self, bundle: ModelBundle, backend: Backend) -> None:
        if bundle.spec.calibration.bias:
            raise BundleError(
                f'{bundle.path}: calibration.bias is for scores of boxes; classes have a '
                'temperature'
            )
        super().__init__(bundle, backend, _DEFAULTS)

    def _bind(
        self, config: ClassificationConfig
    ) -> Callable[[Outputs, ImageResize], Classification]:
        return functools.partial(self._named, config.min_confidence)

    def _named(
        self, min_confidence: float, outputs: Outputs, _resize: ImageResize
    ) -> Classification:
        found = self._decoder.decode(outputs, self.bundle.spec.calibration.temperature)
        self.dropped = int(found is None)
        if found is None:
            return Classification.unknown(min_confidence)
        return Classification.of(found, min_confidence)

    def _placed(
        self, result: Classification, offset_xy: tuple[int, int], size_wh: tuple[int, int]
    ) -> Classification:
        return result
