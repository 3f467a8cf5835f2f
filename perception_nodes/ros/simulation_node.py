"""The simulator as a node: a robot with a camera on a marked path."""

from __future__ import annotations

import sys
from typing import Any

from geometry_msgs.msg import Twist, TwistStamped
from rclpy.subscription import Subscription
from vision_msgs.msg import Detection2DArray

from perception_nodes.ros.diagnostics import Health, Level
from perception_nodes.ros.image_conversion import stamp_ns_from_msg
from perception_nodes.ros.lifecycle_node import PerceptionNode
from perception_nodes.ros.qos import RESULT_QOS, overridable, own_copy
from perception_nodes.ros.running import run_node
from perception_nodes.ros.simulation_config import Drive, SimulationNodeConfig
from perception_nodes.ros.simulation_outputs import SimulationOutputs
from perception_nodes.ros.simulation_run import SimulationRun

_NS = 1_000_000_000


class SimulationNode(PerceptionNode[SimulationNodeConfig]):
    """
    Drive a robot through a simulated world and publish what its camera sees.

    All stamps are simulated time, which starts at zero and stands still while the node is
    inactive.

    Subscribes:
      - ``cmd_vel`` (geometry_msgs/Twist): speeds of the robot, with ``drive`` cmd_vel;
        geometry_msgs/TwistStamped with ``cmd_vel_stamped``, awaited with ``lock_step_command``
      - ``detections`` (vision_msgs/Detection2DArray): results to wait for, with ``lock_step``

    Publishes:
      - ``camera/image_raw`` (sensor_msgs/Image): rgb8
      - ``camera/camera_info`` (sensor_msgs/CameraInfo): calibration without distortion
      - ``camera/depth/image_raw`` (sensor_msgs/Image): 32FC1, metres, NaN where nothing is
      - ``camera/depth/camera_info`` (sensor_msgs/CameraInfo): the same calibration
      - ``camera/ground_truth/detections`` (vision_msgs/Detection2DArray): exact boxes, score 1
      - ``camera/ground_truth/mask`` (sensor_msgs/Image): mono8 class ids, 255 is unlabelled
      - ``camera/ground_truth/label_info`` (vision_msgs/LabelInfo): names of mask values, latched
      - ``odom`` (nav_msgs/Odometry): noisy wheel odometry
      - ``ground_truth/odom`` (nav_msgs/Odometry): the true place, in the course's coordinates
      - ``/tf`` (tf2_msgs/TFMessage): odom to base_link
      - ``/tf_static`` (tf2_msgs/TFMessage): base_link to camera_link to camera_optical_frame
      - ``/clock`` (rosgraph_msgs/Clock): simulated time

    Services: none.

    Parameters: the fields of :class:`SimulationNodeConfig`.
    """

    configuration_type = SimulationNodeConfig

    def __init__(self, **node_options: Any) -> None:
        super().__init__('simulation_node', **node_options)
        self._outputs: SimulationOutputs | None = None
        self._run: SimulationRun | None = None
        self._ears: list[Subscription] = []

    def load(self) -> None:
        """Build the world in its thread, and offer the topics."""
        self._outputs = SimulationOutputs(self, self.configuration)
        self._run = SimulationRun(self.configuration, self._outputs, self.note_error)
        self._run.loop.open()

    def start(self) -> None:
        """Listen for commands, and let time run."""
        config, run = self.configuration, self._run
        if run is None:
            raise RuntimeError('no world is loaded: configure the node first')
        if config.drive == Drive.CMD_VEL.value:
            kind = TwistStamped if config.cmd_vel_stamped else Twist
            self._listen(kind, 'cmd_vel', self._on_command)
        if config.lock_step:
            self._listen(Detection2DArray, 'detections', self._on_detections)
        run.loop.resume()

    def stop(self) -> None:
        """Hold time, and forget commands."""
        while self._ears:
            self.destroy_subscription(self._ears.pop())
        if self._run is not None:
            self._run.forget_command()
            self._run.loop.pause()

    def free(self) -> None:
        """Close the world and remove the topics."""
        run, self._run = self._run, None
        outputs, self._outputs = self._outputs, None
        if run is not None:
            run.loop.close()
        if outputs is not None:
            outputs.close()

    @property
    def exit_requested(self) -> bool:
        """Whether the run is over and the process is to end with it."""
        finished = self._run is not None and self._run.finished
        return finished and self.configuration.exit_when_finished

    def health(self) -> Health:
        """Return how fast simulated time runs and what rendering costs."""
        run, config = self._run, self.configuration
        if run is None:
            return Health()
        render = run.render_times()
        level, message = Level.OK, f'{render.rate_hz:.1f} pictures a second'
        if self.last_error:
            level, message = Level.ERROR, f'the simulation stopped: {self.last_error}'
        elif run.finished:
            message = f'finished after {config.duration_s} s of simulated time'
        values: dict[str, object] = {
            'simulated_s': run.time_ns / _NS,
            'pictures_hz': render.rate_hz,
            'real_time_factor': render.rate_hz / config.rate_hz,
            'render_p50_ms': render.p50_ms,
            'render_p95_ms': render.p95_ms,
            'late_steps': run.loop.late_steps,
            'unanswered_pictures': run.unanswered,
            'refused_commands': run.refused_commands,
        }
        return Health(level=level, message=message, values=values)

    def _listen(self, kind: type[Any], topic: str, callback: Any) -> None:
        made = self.create_subscription(
            kind, topic, callback, own_copy(RESULT_QOS), qos_overriding_options=overridable()
        )
        self._ears.append(made)

    def _on_command(self, message: Twist | TwistStamped) -> None:
        stamped = isinstance(message, TwistStamped)
        twist = message.twist if stamped else message
        stamp_ns = stamp_ns_from_msg(message.header.stamp) if stamped else None
        if self._run is not None:
            self._run.take_command(twist.linear.x, twist.angular.z, stamp_ns)

    def _on_detections(self, message: Detection2DArray) -> None:
        if self._run is not None:
            self._run.take_answer(stamp_ns_from_msg(message.header.stamp))


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run_node(SimulationNode))


if __name__ == '__main__':
    main()
