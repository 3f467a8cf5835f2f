"""The simulator as a node: a robot with a camera on a marked path."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from geometry_msgs.msg import Twist, TwistStamped
from rclpy.subscription import Subscription
from vision_msgs.msg import Detection2DArray

from perception_nodes.ros.diagnostics import Health, Level
from perception_nodes.ros.image_conversion import stamp_ns_from_msg
from perception_nodes.ros.lifecycle_node import PerceptionNode
from perception_nodes.ros.qos import RESULT_QOS, overridable
from perception_nodes.ros.running import run_node
from perception_nodes.ros.simulation_config import Drive, SimulationNodeConfig
from perception_nodes.ros.simulation_loop import Pace, SimulationLoop
from perception_nodes.ros.simulation_outputs import SimulationOutputs
from perception_nodes.simulation import PathDriver, SimulatedWorld
from perception_nodes.streaming import AgeStatistics

_SUBSCRIBER_POLL_S = 0.05
_NS = 1_000_000_000


class SimulationNode(PerceptionNode[SimulationNodeConfig]):
    """
    Drive a robot through a simulated world and publish what its camera sees.

    All stamps are simulated time, which starts at zero and stands still while the node is
    inactive.

    Subscribes:
      - ``cmd_vel`` (geometry_msgs/Twist): speeds of the robot, with ``drive`` cmd_vel;
        geometry_msgs/TwistStamped with ``cmd_vel_stamped``
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
        self._loop: SimulationLoop[SimulatedWorld] | None = None
        self._driver: PathDriver | None = None
        self._subscriptions_made: list[Subscription] = []
        self._command: tuple[float, float] | None = None
        self._answered = threading.Event()
        self._awaited_ns = -1
        self._unanswered = 0
        self._refused_commands = 0
        self._finished = False
        self._time_ns = 0
        self._render_times = AgeStatistics()

    def load(self) -> None:
        """Build the world in its thread, and offer the topics."""
        config = self.configuration
        self._finished, self._unanswered = False, 0
        self._outputs = SimulationOutputs(self, config)
        self._loop = SimulationLoop(
            self._make_world,
            Pace(step_s=1 / config.rate_hz, real_time_factor=config.real_time_factor),
            before=self._before_step,
            after=self._after_step,
            on_error=self.note_error,
        )
        self._loop.open()

    def start(self) -> None:
        """Listen for commands, and let time run."""
        config = self.configuration
        if config.drive == Drive.CMD_VEL.value:
            if config.cmd_vel_stamped:
                self._subscribe(TwistStamped, 'cmd_vel', lambda m: self._on_command(m.twist))
            else:
                self._subscribe(Twist, 'cmd_vel', self._on_command)
        if config.lock_step:
            self._subscribe(Detection2DArray, 'detections', self._on_detections)
        if self._loop is not None:
            self._loop.resume()

    def stop(self) -> None:
        """Hold time, and forget commands."""
        while self._subscriptions_made:
            self.destroy_subscription(self._subscriptions_made.pop())
        self._command = None
        if self._loop is not None:
            self._loop.pause()

    def free(self) -> None:
        """Close the world and remove the topics."""
        loop, self._loop = self._loop, None
        outputs, self._outputs = self._outputs, None
        if loop is not None:
            loop.close()
        if outputs is not None:
            outputs.close()

    def health(self) -> Health:
        """Return how fast simulated time runs and what rendering costs."""
        now_ns = time.monotonic_ns()
        render = self._render_times.summary(now_ns)
        config = self.configuration
        level, message = Level.OK, f'{render.rate_hz:.1f} pictures a second'
        if self.last_error:
            level, message = Level.ERROR, f'the simulation stopped: {self.last_error}'
        elif self._finished:
            message = f'finished after {config.duration_s} s of simulated time'
        values: dict[str, object] = {
            'simulated_s': self._time_ns / _NS,
            'pictures_hz': render.rate_hz,
            'real_time_factor': render.rate_hz / config.rate_hz,
            'render_p50_ms': render.p50_ms,
            'render_p95_ms': render.p95_ms,
            'late_steps': self._loop.late_steps if self._loop is not None else 0,
            'unanswered_pictures': self._unanswered,
            'refused_commands': self._refused_commands,
        }
        return Health(level=level, message=message, values=values)

    def _subscribe(self, kind: type[Any], topic: str, callback: Any) -> None:
        made = self.create_subscription(
            kind, topic, callback, RESULT_QOS, qos_overriding_options=overridable()
        )
        self._subscriptions_made.append(made)

    def _make_world(self) -> SimulatedWorld:
        """Run in the simulation's thread, as everything below down to ``_on_command``."""
        config = self.configuration
        world = SimulatedWorld.create(config)
        if config.drive == Drive.PATH.value:
            self._driver = PathDriver(world.path, speed_m_s=config.drive_speed_m_s)
        if self._outputs is not None:
            self._outputs.announce(world.base_from_camera)
        return world

    def _before_step(self, world: SimulatedWorld) -> bool:
        """Give the present command; False when the simulated time is over."""
        config, outputs, loop = self.configuration, self._outputs, self._loop
        if config.duration_s > 0 and world.time_ns >= round(config.duration_s * _NS):
            self._finished = True
            if config.exit_when_finished:
                self.request_exit()
            return False
        if config.wait_for_subscriber and outputs is not None and loop is not None:
            never = threading.Event()
            while not outputs.image_subscribers and loop.is_running:
                loop.wait(never, _SUBSCRIBER_POLL_S)
        if self._driver is not None:
            world.command(*self._driver.command(world.pose), world.time_ns)
        else:
            command, self._command = self._command, None
            if command is not None:
                world.command(*command, world.time_ns)
        return True

    def _after_step(self, world: SimulatedWorld) -> None:
        outputs, loop = self._outputs, self._loop
        if outputs is None or loop is None:
            return
        self._time_ns = world.time_ns
        outputs.publish_clock(world.time_ns)
        outputs.publish_motion(world.odometry)
        started_ns = time.monotonic_ns()
        if not outputs.wants_view:
            outputs.publish_info(world.camera, world.time_ns)
            return
        view = world.render()
        rendered_ns = time.monotonic_ns()
        self._render_times.add(rendered_ns - started_ns, rendered_ns)
        self._answered.clear()
        self._awaited_ns = world.time_ns
        outputs.publish_view(view, world.camera, world.time_ns)
        config = self.configuration
        if config.lock_step and not loop.wait(self._answered, config.lock_step_timeout_s):
            self._unanswered += 1

    def _on_command(self, twist: Twist) -> None:
        linear_m_s, angular_rad_s = twist.linear.x, twist.angular.z
        if not (abs(linear_m_s) < float('inf') and abs(angular_rad_s) < float('inf')):
            self._refused_commands += 1
            return
        self._command = (linear_m_s, angular_rad_s)

    def _on_detections(self, message: Detection2DArray) -> None:
        if stamp_ns_from_msg(message.header.stamp) >= self._awaited_ns:
            self._answered.set()


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run_node(SimulationNode))


if __name__ == '__main__':
    main()
