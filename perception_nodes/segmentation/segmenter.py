"""A segmentation bundle that is ready to look at frames."""

from __future__ import annotations

import functools
from collections.abc import Callable

from perception_nodes.imaging.resize import ImageResize
from perception_nodes.inference.backends import Backend
from perception_nodes.inference.bundle import BundleError, ModelBundle
from perception_nodes.inference.class_map import ClassMap, map_classes
from perception_nodes.inference.decoders import MaskDecoder
from perception_nodes.inference.decoders.contract import Outputs
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.segmentation.config import SegmentationConfig
from perception_nodes.segmentation.labelling import PixelLabeller
from perception_nodes.structures import SegmentationMask

_DEFAULTS = SegmentationConfig()


class Segmenter(FrameModel[SegmentationConfig, SegmentationMask]):
    """
    Bundle, back end and decoder behind one call: frame in, class of every source pixel out.

    255 stands where nothing is known: outside the region of interest, below ``min_confidence``,
    for classes renamed to ``unlabelled``, and where the network gave no number.

    :param bundle: a bundle with the task ``segmentation``.
    :param backend: its opened network.
    """

    task = 'segmentation'
    _decoder: MaskDecoder

    def __init__(self, bundle: ModelBundle, backend: Backend) -> None:
        if bundle.spec.calibration.bias:
            raise BundleError(
                f'{bundle.path}: calibration.bias is for scores of boxes; masks have a temperature'
            )
        super().__init__(bundle, backend, _DEFAULTS)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of their numbers, renamed by the bundle's remap."""
        return self.bundle.spec.result_classes

    def classes_under(self, config: SegmentationConfig) -> tuple[str, ...]:
        """Return the names of the classes in masks that are made with these settings."""
        return self._class_map(config).names

    def _class_map(self, config: SegmentationConfig) -> ClassMap:
        spec = self.bundle.spec
        own = map_classes(spec.result_classes, config.renamed_classes(), 'class_map')
        return spec.result_map.then(own)

    def _bind(
        self, config: SegmentationConfig
    ) -> Callable[[Outputs, ImageResize], SegmentationMask]:
        labeller = PixelLabeller(self._class_map(config), config.min_confidence)
        return functools.partial(self._mask, labeller)

    def _mask(
        self, labeller: PixelLabeller, outputs: Outputs, resize: ImageResize
    ) -> SegmentationMask:
        decoded = self._decoder.decode(outputs, self.bundle.spec.calibration.temperature)
        self.dropped = decoded.dropped
        return labeller(decoded, resize)

    def _placed(
        self, result: SegmentationMask, offset_xy: tuple[int, int], size_wh: tuple[int, int]
    ) -> SegmentationMask:
        return result.placed(offset_xy, size_wh)
