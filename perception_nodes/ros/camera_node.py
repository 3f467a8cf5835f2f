"""The camera node: recordings and cameras in, image topics out."""

from __future__ import annotations

import sys
import time
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from std_srvs.srv import SetBool
from vision_msgs.msg import Detection2DArray

from perception_nodes.imaging.sources import FrameSource, Playback, PlaybackEnd
from perception_nodes.ros.camera_config import CameraConfig
from perception_nodes.ros.camera_health import camera_health
from perception_nodes.ros.camera_outputs import CameraOutputs
from perception_nodes.ros.camera_setup import (
    configured_calibration,
    configured_playback,
    configured_source,
)
from perception_nodes.ros.diagnostics import Health
from perception_nodes.ros.image_conversion import stamp_ns_from_msg
from perception_nodes.ros.lifecycle_node import PerceptionNode
from perception_nodes.ros.qos import RESULT_QOS, overridable, own_copy
from perception_nodes.ros.running import run_node
from perception_nodes.streaming import AgeStatistics, PacingMode
from perception_nodes.structures import Frame

_POLL_PERIOD_S = 0.05
_STOP_TIMEOUT_S = 5.0


class CameraNode(PerceptionNode[CameraConfig]):
    """
    Play a video, a folder of pictures, a bag or a camera.

    A picture that cannot be read is skipped, counted and named in the diagnostics.

    Subscribes:
      - ``detections`` (vision_msgs/Detection2DArray): with ``pacing`` on_demand, the result
        whose stamp releases the next frame

    Publishes:
      - ``image_raw`` (sensor_msgs/Image): pictures, while somebody subscribes
      - ``image_raw/compressed`` (sensor_msgs/CompressedImage): the bytes of a compressed bag,
        else JPEG, while somebody subscribes
      - ``camera_info`` (sensor_msgs/CameraInfo): calibration under the picture's header; the
        matrices are zero when there is none
      - ``~/finished`` (std_msgs/Bool): whether the recording has ended, latched

    Services:
      - ``~/play`` (std_srvs/SetBool): false holds the frames back, true goes on

    Parameters: the fields of :class:`CameraConfig`.
    """

    configuration_type = CameraConfig

    def __init__(self, **node_options: Any) -> None:
        super().__init__('camera_node', **node_options)
        self._source: FrameSource | None = None
        self._outputs: CameraOutputs | None = None
        self._playback: Playback | None = None
        self._end: PlaybackEnd | None = None
        self._answers: Subscription | None = None
        self._timer: Timer | None = None
        self._published = AgeStatistics()
        self._play = self.create_service(SetBool, '~/play', self._on_play)

    def load(self) -> None:
        """Open the source, read the calibration, and offer the topics."""
        config = self.configuration
        self._source = configured_source(config)
        calibration = configured_calibration(config, self._source.size_wh)
        self._outputs = CameraOutputs(self, calibration, lambda: self.configuration.jpeg_quality)
        width, height = self._source.size_wh
        self.get_logger().info(
            f'{config.source}: {width}x{height} pixels, {self._source.rate_hz:.2f} Hz, '
            f'{self._source.length or "unknown number of"} frames'
        )

    def start(self) -> None:
        """Start to play, or to wait for whoever must be there first."""
        config = self.configuration
        if self._source is None or self._outputs is None:
            raise RuntimeError('no source is open: configure the node first')
        self._end = None
        self._published = AgeStatistics()
        self._playback = configured_playback(
            config, self._source, now_ns=self._now_ns, on_end=self._ended
        )
        self._outputs.announce_finished(False)
        self._listen_for_answers()
        if config.wait_for_subscribers and not config.start_paused:
            clock = Clock(clock_type=ClockType.STEADY_TIME)
            self._timer = self.create_timer(_POLL_PERIOD_S, self._look_around, clock=clock)
        self._playback.start(self._publish)

    def stop(self) -> None:
        """Stop playing; the next start begins at the first frame."""
        playback, self._playback = self._playback, None
        self._stop_waiting()
        if self._answers is not None:
            self.destroy_subscription(self._answers)
            self._answers = None
        if playback is not None and not playback.stop(_STOP_TIMEOUT_S):
            raise RuntimeError(f'the source did not give way within {_STOP_TIMEOUT_S} s')

    def free(self) -> None:
        """Close the source and the topics."""
        outputs, self._outputs = self._outputs, None
        source, self._source = self._source, None
        if outputs is not None:
            outputs.close()
        if source is not None:
            source.close()

    def health(self) -> Health:
        """Return what is played, how fast, and what could not be read."""
        source, playback, outputs = self._source, self._playback, self._outputs
        if source is None or playback is None or outputs is None:
            return Health()
        return camera_health(
            self.configuration,
            playback,
            self._published.summary(time.monotonic_ns()),
            skipped=dict(source.skipped),
            subscribers=outputs.subscriber_count,
            waiting=self._timer is not None,
            end=self._end,
        )

    def _publish(self, frame: Frame) -> None:
        """Run in the playback's thread."""
        outputs = self._outputs
        if outputs is None:
            return
        start_ns = time.monotonic_ns()
        outputs.publish(frame)
        now_ns = time.monotonic_ns()
        self._published.add(now_ns - start_ns, now_ns)

    def _ended(self, end: PlaybackEnd) -> None:
        """Run in the playback's thread."""
        self._end = end
        if self._outputs is not None:
            self._outputs.announce_finished(True)
        if end.error:
            self.get_logger().error(f'playback ended: {end.error}')
        else:
            self.get_logger().info(f'finished after {end.delivered} frames')

    def _listen_for_answers(self) -> None:
        if self.configuration.pacing == PacingMode.ON_DEMAND.value:
            self._answers = self.create_subscription(
                Detection2DArray,
                'detections',
                self._on_answer,
                own_copy(RESULT_QOS),
                qos_overriding_options=overridable(),
            )

    def _on_answer(self, message: Detection2DArray) -> None:
        if self._playback is not None:
            self._playback.answered(stamp_ns_from_msg(message.header.stamp))

    def _look_around(self) -> None:
        """Begin when the subscribers are there, and on_demand also who answers."""
        playback, outputs = self._playback, self._outputs
        if playback is None or outputs is None:
            return
        answered = self._answers is None or self.count_publishers(self._answers.topic_name) > 0
        enough = outputs.subscriber_count >= self.configuration.wait_for_subscribers
        if enough and answered:
            self._stop_waiting()
            playback.resume()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self.destroy_timer(self._timer)
            self._timer = None

    def _on_play(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if self._playback is None:
            response.message = 'not active: activate the node first'
            return response
        self._stop_waiting()
        (self._playback.resume if request.data else self._playback.pause)()
        response.success = True
        response.message = 'playing' if request.data else 'paused'
        return response

    def _now_ns(self) -> int:
        return self.get_clock().now().nanoseconds


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run_node(CameraNode))


if __name__ == '__main__':
    main()
