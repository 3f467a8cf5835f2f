"""A path bundle that is ready to look at frames."""

from __future__ import annotations

import functools
from collections.abc import Callable

from perception_nodes.imaging.resize import ImageResize
from perception_nodes.inference.backends import Backend
from perception_nodes.inference.bundle import ModelBundle
from perception_nodes.inference.decoders.contract import Outputs
from perception_nodes.inference.decoders.path_points import PathPointsDecoder
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.path.estimate import PathEstimate
from perception_nodes.path.points import PathPointsConfig, path_of_points
from perception_nodes.structures import PathPoints

_DEFAULTS = PathPointsConfig()


class PathRegressor(FrameModel[PathPointsConfig, PathEstimate]):
    """
    Bundle, back end and decoder behind one call: frame in, path in base_link out.

    The network knows the camera that it was trained with, and no other: another height, pitch or
    lens needs another bundle, or the mask estimator, which is told the camera.

    :param bundle: a bundle with the task ``path``.
    :param backend: its opened network.
    :ivar points: what the network said about the latest frame.
    """

    task = 'path'
    _decoder: PathPointsDecoder

    def __init__(self, bundle: ModelBundle, backend: Backend) -> None:
        self.points: PathPoints | None = None
        super().__init__(bundle, backend, _DEFAULTS)

    def _bind(self, config: PathPointsConfig) -> Callable[[Outputs, ImageResize], PathEstimate]:
        if config.roi:
            raise ValueError(
                f'roi: {list(config.roi)} would move the camera of a path network; leave it empty'
            )
        return functools.partial(self._estimate, config)

    def _estimate(
        self, config: PathPointsConfig, outputs: Outputs, _resize: ImageResize
    ) -> PathEstimate:
        self.points = self._decoder.decode(outputs, self.bundle.spec.calibration.temperature)
        return path_of_points(self.points, config)

    def _placed(
        self, result: PathEstimate, offset_xy: tuple[int, int], size_wh: tuple[int, int]
    ) -> PathEstimate:
        return result
