"""The path following node: masks in, commands or paths for Nav2 out."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import Any

from rclpy.clock import Clock, ClockType
from std_srvs.srv import SetBool

from perception_nodes.driving import DriveState, Fault, ObstacleSource, Pilot, StopReason
from perception_nodes.driving.shared_pilot import SharedPilot
from perception_nodes.path import PathEstimate
from perception_nodes.ros.diagnostics import Health, Level
from perception_nodes.ros.follow_path_client import FollowPathClient
from perception_nodes.ros.frame_pipeline import FrameJob, FramePipeline
from perception_nodes.ros.frame_subscription import Arrival
from perception_nodes.ros.helm import Helm
from perception_nodes.ros.image_conversion import stamp_ns_from_msg
from perception_nodes.ros.lifecycle_node import PerceptionNode
from perception_nodes.ros.mask_faults import fault_of_loss
from perception_nodes.ros.mask_source import MaskSource, PlacedMask
from perception_nodes.ros.path_following_config import Drive, PathFollowingNodeConfig
from perception_nodes.ros.path_following_inputs import PathFollowingInputs
from perception_nodes.ros.path_following_outputs import PathFollowingOutputs
from perception_nodes.ros.path_frame import PathFrame, path_frame_from
from perception_nodes.ros.running import run_node
from perception_nodes.streaming import NotYetError


class PathFollowingNode(PerceptionNode[PathFollowingNodeConfig]):
    """
    Follow the path that masks show, and stop for everything that makes that unsafe.

    Every decision has a reason in ``~/status`` and in the diagnostics. Decisions are made for
    each mask, and ``control_rate_hz`` times a second of steady time, so that silence stops the
    robot as well. Not enabled, the node commands nothing.

    Subscribes:
      - ``mask`` (sensor_msgs/Image): mono8 class ids, 255 is unknown
      - ``confidence`` (sensor_msgs/Image): mono8, 255 is certain, with ``use_confidence``
      - ``label_info`` (vision_msgs/LabelInfo): names of the class ids, latched
      - ``camera_info`` (sensor_msgs/CameraInfo): calibration of the camera of the mask
      - ``odometry`` (nav_msgs/Odometry): pose and speed of ``base_frame``
      - ``dead_man`` (std_msgs/Bool): true, again and again, with ``require_dead_man``
      - ``speed_limit`` (nav2_msgs/SpeedLimit): holds until the next; 0 is no limit
      - ``detections`` (vision_msgs/Detection2DArray): obstacles, of the camera of the mask
      - ``occupancy`` (nav_msgs/OccupancyGrid): obstacles, in the frame of odometry
      - ``depth`` (sensor_msgs/Image): obstacles, with ``depth_source`` depth
      - ``points_in`` (sensor_msgs/PointCloud2): obstacles, with ``depth_source`` points
      - ``imu`` (sensor_msgs/Imu): orientation, with ``attitude_source`` imu
      - ``/tf`` (tf2_msgs/TFMessage): base frame to camera
      - ``/tf_static`` (tf2_msgs/TFMessage): the same

    Publishes:
      - ``~/path`` (nav_msgs/Path): in the base frame at the time of the picture
      - ``~/estimate`` (perception_suite/PathEstimate): errors and their deviations, likewise
      - ``~/status`` (perception_suite/PathFollowingStatus): what was decided, and why
      - ``cmd_vel`` (geometry_msgs/Twist): with ``drive`` cmd_vel; geometry_msgs/TwistStamped
        with ``cmd_vel_stamped``

    Services:
      - ``~/enable`` (std_srvs/SetBool): whether to drive; off after each start

    Actions: client of ``follow_path`` (nav2_msgs/FollowPath), with ``drive`` follow_path.

    Parameters: the fields of :class:`PathFollowingNodeConfig`.
    """

    configuration_type = PathFollowingNodeConfig

    def __init__(self, **node_options: Any) -> None:
        super().__init__('path_following_node', **node_options)
        self._shared: SharedPilot | None = None
        self._outputs: PathFollowingOutputs | None = None
        self._pipeline: FramePipeline | None = None
        self._source: MaskSource | None = None
        self._inputs: PathFollowingInputs | None = None
        self._nav2: FollowPathClient | None = None
        self._helm: Helm | None = None
        self._enabling: Any = None
        self._timer: Any = None

    def load(self) -> None:
        """Offer the topics."""
        self._outputs = PathFollowingOutputs(self, self.configuration)

    def start(self) -> None:
        """Subscribe, and decide from now on; driving has to be enabled."""
        config, outputs = self.configuration, self._outputs
        if outputs is None:
            raise RuntimeError('start needs what load offers')
        moves_robot = config.drive == Drive.CMD_VEL.value
        pilot = Pilot(None, config, config, config.classes, moves_robot=moves_robot)
        self._shared = SharedPilot(pilot)
        self._inputs = PathFollowingInputs(self, config, self._shared)
        self._source = MaskSource(self, config, on_loss=self._on_loss)
        if config.drive == Drive.FOLLOW_PATH.value:
            self._nav2 = FollowPathClient(self, config)
        self._helm = Helm(self.get_clock(), self._shared, self._inputs, outputs, self._nav2)
        self._pipeline = FramePipeline(
            self, self._source, convert=self._convert, work=self._work, on_error=self.note_error
        )
        self._pipeline.start()
        self._enabling = self.create_service(SetBool, '~/enable', self._on_enable)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(1 / config.control_rate_hz, self._helm.tick, clock=steady)

    def stop(self) -> None:
        """Let the robot stand, whoever moves it, and unsubscribe."""
        if self._shared is not None:
            self._shared.enable(False)
        if self._outputs is not None:
            self._outputs.stand()
        nav2, self._nav2 = self._nav2, None
        if nav2 is not None:
            nav2.close()
        timer, self._timer = self._timer, None
        if timer is not None:
            self.destroy_timer(timer)
        enabling, self._enabling = self._enabling, None
        if enabling is not None:
            self.destroy_service(enabling)
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.stop()
        inputs, self._inputs = self._inputs, None
        if inputs is not None:
            inputs.close()
        if self._outputs is not None:  # a mask that was in work may have commanded since
            self._outputs.stand()
        self._shared = self._helm = None

    def free(self) -> None:
        """Give the topics back."""
        outputs, self._outputs = self._outputs, None
        if outputs is not None:
            outputs.close()

    def changed(self, configuration: PathFollowingNodeConfig) -> None:
        """Take over mode, preference and speed."""
        if self._shared is not None:
            self._shared.configure(configuration, configuration)

    def health(self) -> Health:
        """Return figures of the frame path, and why the robot does not drive."""
        pipeline, source, inputs, helm = self._pipeline, self._source, self._inputs, self._helm
        if pipeline is None or source is None or inputs is None or helm is None:
            return Health()
        health = pipeline.health(
            stale_after_s=self.configuration.stale_after_s, last_error=self.last_error
        ).with_values(
            **source.values,
            **{f'refused ({topic})': count for topic, count in sorted(inputs.refused.items())},
        )
        nav2_problem = self._nav2.problem if self._nav2 is not None else ''
        status = helm.status
        if status is not None:
            words = f'{status.fault.reason.name.lower()}: {status.fault.text}'
            health = health.with_values(driving=status.state.name.lower(), why=words)
            wants = status.state not in (DriveState.DISABLED, DriveState.DRIVING)
            if health.level is Level.OK and wants:
                health = replace(health, level=Level.WARN, message=f'stands: {words}')
        if nav2_problem and health.level is Level.OK:
            health = replace(health, level=Level.WARN, message=nav2_problem)
        if inputs.last_refusal:
            health = health.with_values(last_refusal=inputs.last_refusal)
        return health

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        shared, helm = self._shared, self._helm
        if shared is None or helm is None:
            response.message = 'the node is not active'
            return response
        shared.enable(request.data)
        decided, status = helm.tick(), helm.status
        response.success = True
        response.message = 'noted, counts from the next decision on: a mask is in work'
        if decided and status is not None:
            response.message = f'{status.state.name.lower()}: {status.fault.text}'
        return response

    def _on_loss(self, arrival: Arrival, error: NotYetError) -> None:
        """Note a mask that cannot be placed, and what it lacks."""
        self._miss(fault_of_loss(error), arrival.stamp_ns)

    def _miss(self, fault: Fault, stamp_ns: int) -> None:
        """Note a mask that nobody can look at."""
        now_ns = time.monotonic_ns()
        if self._shared is not None:
            self._shared.hear(lambda pilot: pilot.miss_mask(fault, stamp_ns, now_ns))

    def _convert(self, placed: PlacedMask) -> PathFrame:
        try:
            return path_frame_from(placed, self.configuration)
        except ValueError as error:
            stamp_ns = stamp_ns_from_msg(placed.mask.header.stamp)
            self._miss(Fault(StopReason.PATH_LOST, f'mask refused: {error}'), stamp_ns)
            raise

    def _work(self, job: FrameJob) -> None:
        """Look for the path in a mask, decide, and publish, in the worker's thread."""
        outputs, pipeline, inputs = self._outputs, self._pipeline, self._inputs
        shared, helm = self._shared, self._helm
        if outputs is None or pipeline is None or inputs is None or shared is None or helm is None:
            return
        seen, stamp_ns = job.frame, job.arrival.stamp_ns
        inputs.note_ground(job.arrival.message.mask.header.frame_id, stamp_ns, seen.ground)
        with shared.held(time.monotonic_ns()) as pilot:
            estimate = self._look(pilot, seen, stamp_ns)
            helm.note_mask(estimate, stamp_ns)
            helm.decide(pilot)
        if estimate is not None:
            outputs.publish_estimate(estimate, stamp_ns)
        pipeline.note_published(job)

    def _look(self, pilot: Pilot, seen: PathFrame, stamp_ns: int) -> PathEstimate | None:
        now_ns = time.monotonic_ns()
        if seen.standing_xy is not None:
            source = ObstacleSource.DEPTH.value
            pilot.follower.take_obstacles(source, seen.standing_xy, stamp_ns, now_ns)
        try:
            pilot.name_classes(seen.labels)
            return pilot.take_mask(seen.mask, seen.confidence, seen.ground, stamp_ns, now_ns)
        except Exception as error:
            words = f'mask given up: {type(error).__name__}: {error}'
            self._miss(Fault(StopReason.PATH_LOST, words), stamp_ns)
            raise


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run_node(PathFollowingNode))


if __name__ == '__main__':
    main()
