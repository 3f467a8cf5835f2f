"""Detection as a stage of the frame path: detector, settings and rate limit."""

from __future__ import annotations

from perception_nodes.detection.config import DetectionConfig
from perception_nodes.detection.detector import Detector, PhaseTimes
from perception_nodes.detection.rate_limit import RateLimit
from perception_nodes.structures import Detections, Frame


class DetectionStage:
    """
    A :class:`~perception_nodes.streaming.stage.Stage` from ``Frame`` to ``Detections``.

    :param detector: an opened model; it is verified by :meth:`warm_up`.
    :param config: settings; replaced as a whole by :meth:`configure`.
    :raises ValueError: when the settings name a class that the model does not have.
    """

    def __init__(self, detector: Detector, config: DetectionConfig | None = None) -> None:
        self._detector = detector
        self._config = DetectionConfig() if config is None else config
        detector.check(self._config)
        self._rate_limit = RateLimit(self._config.max_rate_hz)

    @property
    def detector(self) -> Detector:
        """The model at work."""
        return self._detector

    @property
    def config(self) -> DetectionConfig:
        """The settings in force for the next frame."""
        return self._config

    @property
    def times(self) -> PhaseTimes:
        """How long the parts of the latest ``process`` took."""
        return self._detector.times

    @property
    def dropped(self) -> int:
        """Candidates of the latest ``process`` that were NaN or otherwise impossible."""
        return self._detector.dropped

    def configure(self, config: DetectionConfig) -> None:
        """
        Replace all settings at once; safe while another thread is in :meth:`process`.

        :raises ValueError: for a class that the model does not have; nothing changes then.
        """
        self._detector.check(config)
        if config.max_rate_hz != self._config.max_rate_hz:
            self._rate_limit = RateLimit(config.max_rate_hz)
        self._config = config

    def admit(self, time_ns: int) -> bool:
        """Say whether the rate limit lets a frame of this time through, and count it if so."""
        return self._rate_limit.admit(time_ns)

    def warm_up(self) -> None:
        """Compare the golden frame, and run until the network is at its normal speed."""
        self._detector.verify()
        self._detector.warm_up()

    def process(self, item: Frame) -> Detections:
        """
        Return what is in one frame, in source pixels; empty if nothing is.

        :raises ValueError: when the region of interest lies outside this picture.
        """
        return self._detector(item, self._config)

    def close(self) -> None:
        """Free the network; may be called twice."""
        self._detector.close()
