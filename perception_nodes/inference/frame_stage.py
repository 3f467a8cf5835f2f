"""A model as a stage of the frame path: model, settings and rate limit."""

from __future__ import annotations

from typing import Generic, TypeVar

from perception_nodes.inference.frame_config import FrameModelConfig
from perception_nodes.inference.frame_model import FrameModel, PhaseTimes
from perception_nodes.streaming import RateLimit
from perception_nodes.structures import Frame

C = TypeVar('C', bound=FrameModelConfig)
R = TypeVar('R')


class FrameStage(Generic[C, R]):
    """
    A :class:`~perception_nodes.streaming.stage.Stage` from ``Frame`` to a model's result.

    :param model: opened; it is verified by :meth:`warm_up`.
    :param config: settings; replaced as a whole by :meth:`configure`.
    :raises ValueError: when the settings name a class that the model does not have.
    """

    def __init__(self, model: FrameModel[C, R], config: C) -> None:
        self._model = model
        self._config = config
        model.check(config)
        self._rate_limit = RateLimit(config.max_rate_hz)

    @property
    def model(self) -> FrameModel[C, R]:
        """The model at work."""
        return self._model

    @property
    def config(self) -> C:
        """The settings in force for the next frame."""
        return self._config

    @property
    def times(self) -> PhaseTimes:
        """How long the parts of the latest ``process`` took."""
        return self._model.times

    @property
    def dropped(self) -> int:
        """Outputs of the latest ``process`` that were NaN or otherwise impossible."""
        return self._model.dropped

    def configure(self, config: C) -> None:
        """
        Replace all settings at once; safe while another thread is in :meth:`process`.

        :raises ValueError: for a class that the model does not have; nothing changes then.
        """
        self._model.check(config)
        if config.max_rate_hz != self._config.max_rate_hz:
            self._rate_limit = RateLimit(config.max_rate_hz)
        self._config = config

    def admit(self, time_ns: int) -> bool:
        """Say whether the rate limit lets a frame of this time through, and count it if so."""
        return self._rate_limit.admit(time_ns)

    def warm_up(self) -> None:
        """Compare the golden frame, and run until the network is at its normal speed."""
        self._model.verify()
        self._model.warm_up()

    def process(self, item: Frame) -> R:
        """
        Return what the model says about one frame, in source pixels; never None.

        :raises ValueError: when the region of interest lies outside this picture.
        """
        return self._model(item, self._config)

    def close(self) -> None:
        """Free the network; may be called twice."""
        self._model.close()
