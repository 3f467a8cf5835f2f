"""What the results of a node rest on, for those who ask."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.publisher import Publisher

from perception_nodes.explanation import ExplanationConfig, explain, questions_about
from perception_nodes.imaging.encodings import ImageView
from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.ros.beside import Beside
from perception_nodes.ros.frame_pipeline import FrameJob
from perception_nodes.ros.image_conversion import image_to_msg
from perception_nodes.structures import Frame
from perception_nodes.visualization import draw_caption
from perception_nodes.visualization.heat_overlay import draw_heat

MOST_DECISIONS = 3
"""Boxes with the highest scores, or largest regions, that one picture explains."""


class FrameExplainer:
    """
    Explains the newest picture again and again while somebody subscribes, or once when asked.

    It has a model of its own, opened at the first question: the frame path never waits for it,
    and pictures that come meanwhile are not explained.

    :param publisher: of the picture under its heat, with the header of the input.
    :param open_model: gives a model for one thread.
    :param masks: returns the number of random veils in force.
    """

    def __init__(
        self,
        publisher: Publisher,
        open_model: Callable[[], FrameModel[Any, Any]],
        masks: Callable[[], int],
    ) -> None:
        self._publisher, self._open_model, self._masks = publisher, open_model, masks
        self._model: FrameModel[Any, Any] | None = None
        self._asked = threading.Event()
        self._beside: Beside[FrameJob] = Beside('explainer', self._explain)

    @property
    def has_model(self) -> bool:
        """Whether anybody has asked yet."""
        return self._model is not None

    def ask(self) -> None:
        """Explain the next picture, whether or not anybody subscribes."""
        self._asked.set()

    def offer(self, job: FrameJob) -> None:
        """Take a picture, if one is wanted and none is being explained."""
        wanted = self._asked.is_set() or self._publisher.get_subscription_count()
        if wanted and self._beside.offer(job):
            self._asked.clear()

    def close(self) -> None:
        """End the thread, in the middle of an explanation if need be, and free the model."""
        self._beside.close()
        model, self._model = self._model, None
        if model is not None:
            model.close()

    def _explain(self, job: FrameJob) -> None:
        if self._model is None:
            self._model = self._open_model()
        drawn = self._explained(self._model, job.frame)
        header = job.arrival.message.header
        self._publisher.publish(image_to_msg(ImageView.from_frame(drawn), header))

    def _explained(self, model: FrameModel[Any, Any], frame: Frame) -> Frame:
        """Return the picture under the heat of its decisions; as it is where there are none."""
        question = questions_about(model, frame, MOST_DECISIONS)
        if question is None:
            words, pixels = 'nothing found', frame.pixels
        else:
            config = ExplanationConfig(masks=self._masks())
            maps = explain(question, frame, config, self._beside.go_on)
            heat = np.max([item / max(float(item.max()), 1e-9) for item in maps], axis=0)
            words = ', '.join(question.names)
            pixels = draw_heat(frame.pixels, heat, color_order=frame.color_order)
        captioned = draw_caption(pixels, words)
        return Frame(pixels=captioned, color_order=frame.color_order)
