"""A detection bundle that is ready to look at frames."""

from __future__ import annotations

import functools
from collections.abc import Callable

from perception_nodes.detection.config import DetectionConfig
from perception_nodes.detection.thresholds import ScoreFilter
from perception_nodes.imaging.resize import ImageResize
from perception_nodes.inference.backends import Backend
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.decoders import BoxDecoder
from perception_nodes.inference.decoders.contract import Outputs
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.inference.nms import suppress
from perception_nodes.structures import Detections

_DEFAULTS = DetectionConfig()


class Detector(FrameModel[DetectionConfig, Detections]):
    """
    Bundle, back end and decoder behind one call: frame in, boxes in source pixels out.

    Boxes are clipped to the picture, highest score first.

    :param bundle: a bundle with the task ``detection``.
    :param backend: its opened network.
    """

    task = 'detection'
    _decoder: BoxDecoder

    def __init__(self, bundle: ModelBundle, backend: Backend) -> None:
        super().__init__(bundle, backend, _DEFAULTS)

    def _bind(self, config: DetectionConfig) -> Callable[[Outputs, ImageResize], Detections]:
        score_filter = ScoreFilter(config, self.class_names, self.bundle.spec.calibration)
        return functools.partial(self._boxes, config, score_filter)

    def _boxes(
        self,
        config: DetectionConfig,
        score_filter: ScoreFilter,
        outputs: Outputs,
        resize: ImageResize,
    ) -> Detections:
        decoded = self._decoder.decode(outputs, resize.network_wh, score_filter.lowest_raw)
        self.dropped = decoded.dropped
        found = score_filter(decoded.detections)
        iou_threshold = config.nms_iou_threshold
        if not (self._decoder.needs_suppression or config.nms_class_agnostic):
            iou_threshold = 1.0
        found = suppress(
            found,
            iou_threshold,
            class_agnostic=config.nms_class_agnostic,
            max_detections=config.max_detections,
        )
        xyxy = resize.to_source(found.xyxy, clip=True)
        inside = (xyxy[:, :2] < xyxy[:, 2:]).all(axis=1)  # not wholly in the letterbox border
        return Detections(xyxy[inside], found.scores[inside], found.class_ids[inside])

    def _placed(
        self, result: Detections, offset_xy: tuple[int, int], size_wh: tuple[int, int]
    ) -> Detections:
        return result.shifted(offset_xy)
