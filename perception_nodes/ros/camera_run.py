"""An opened source that plays: pictures out, answers in, and whoever is waited for."""

from __future__ import annotations

import time

from rclpy.clock import Clock, ClockType
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from vision_msgs.msg import Detection2DArray

from perception_nodes.imaging.sources import FrameSource, PlaybackEnd
from perception_nodes.ros.camera_config import CameraConfig
from perception_nodes.ros.camera_health import camera_health
from perception_nodes.ros.camera_outputs import CameraOutputs
from perception_nodes.ros.camera_setup import configured_playback
from perception_nodes.ros.diagnostics import Health
from perception_nodes.ros.image_conversion import stamp_ns_from_msg
from perception_nodes.ros.lifecycle_node import PerceptionNode
from perception_nodes.ros.qos import RESULT_QOS, overridable, own_copy
from perception_nodes.streaming import AgeStatistics, PacingMode
from perception_nodes.structures import Frame

_POLL_PERIOD_S = 0.05
_STOP_TIMEOUT_S = 5.0


class CameraRun:
    """
    Plays from the first frame, from its making until :meth:`stop`.

    :param node: with its parameters; gets a subscription to answers with ``pacing`` on_demand.
    :param source: opened; stays open.
    :param outputs: topics of the pictures.
    """

    def __init__(
        self, node: PerceptionNode[CameraConfig], source: FrameSource, outputs: CameraOutputs
    ) -> None:
        config = node.configuration
        self._node, self._source, self._outputs = node, source, outputs
        self._end: PlaybackEnd | None = None
        self._answers: Subscription | None = None
        self._timer: Timer | None = None
        self._published = AgeStatistics()
        self._is_over = False
        self._playback = configured_playback(
            config, source, now_ns=lambda: node.get_clock().now().nanoseconds, on_end=self._ended
        )
        outputs.announce_finished(False)
        self._listen_for_answers(config)
        if config.wait_for_subscribers and not config.start_paused:
            clock = Clock(clock_type=ClockType.STEADY_TIME)
            self._timer = node.create_timer(_POLL_PERIOD_S, self._look_around, clock=clock)
        self._playback.start(self._publish)

    def stop(self) -> None:
        """
        Stop playing.

        :raises RuntimeError: when the source does not give way.
        """
        self._is_over = True  # a source that does not give way must not meet closed topics
        self._stop_waiting()
        if self._answers is not None:
            self._node.destroy_subscription(self._answers)
            self._answers = None
        if not self._playback.stop(_STOP_TIMEOUT_S):
            raise RuntimeError(f'the source did not give way within {_STOP_TIMEOUT_S} s')

    def play(self, wanted: bool) -> None:
        """Go on, whoever is there, or hold the frames back."""
        self._stop_waiting()
        (self._playback.resume if wanted else self._playback.pause)()

    def health(self) -> Health:
        """Return what is played, how fast, and what could not be read."""
        return camera_health(
            self._node.configuration,
            self._playback,
            self._published.summary(time.monotonic_ns()),
            skipped=dict(self._source.skipped),
            subscribers=self._outputs.subscriber_count,
            waiting=self._timer is not None,
            end=self._end,
        )

    def _publish(self, frame: Frame) -> None:
        """Run in the playback's thread."""
        if self._is_over:
            return
        start_ns = time.monotonic_ns()
        self._outputs.publish(frame)
        now_ns = time.monotonic_ns()
        self._published.add(now_ns - start_ns, now_ns)

    def _ended(self, end: PlaybackEnd) -> None:
        """Run in the playback's thread."""
        self._end = end
        if self._is_over:
            return
        self._outputs.announce_finished(True)
        if end.error:
            self._node.get_logger().error(f'playback ended: {end.error}')
        else:
            self._node.get_logger().info(f'finished after {end.delivered} frames')

    def _listen_for_answers(self, config: CameraConfig) -> None:
        if config.pacing == PacingMode.ON_DEMAND.value:
            self._answers = self._node.create_subscription(
                Detection2DArray,
                'detections',
                self._on_answer,
                own_copy(RESULT_QOS),
                qos_overriding_options=overridable(),
            )

    def _on_answer(self, message: Detection2DArray) -> None:
        self._playback.answered(stamp_ns_from_msg(message.header.stamp))

    def _look_around(self) -> None:
        """Begin when the subscribers are there, and on_demand also who answers."""
        topic = self._answers.topic_name if self._answers is not None else ''
        answered = not topic or self._node.count_publishers(topic) > 0
        wanted = self._node.configuration.wait_for_subscribers
        if self._outputs.subscriber_count >= wanted and answered:
            self.play(True)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
            self._timer = None
