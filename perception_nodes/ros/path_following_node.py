"""The path following node: masks in, commands or paths for Nav2 out."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rclpy.clock import Clock, ClockType
from std_srvs.srv import SetBool

from perception_nodes.driving import (
    DriveState,
    Fault,
    FollowerStatus,
    ObstacleSource,
    Pilot,
    StopReason,
)
from perception_nodes.driving.prediction import PoseUnknownError
from perception_nodes.geometry import PlanarPose
from perception_nodes.path import PathEstimate
from perception_nodes.ros.diagnostics import Health, Level
from perception_nodes.ros.follow_path_client import FollowPathClient
from perception_nodes.ros.frame_pipeline import FrameJob, FramePipeline
from perception_nodes.ros.frame_subscription import Arrival
from perception_nodes.ros.lifecycle_node import PerceptionNode
from perception_nodes.ros.mask_source import MaskSource, PlacedMask
from perception_nodes.ros.path_following_config import Drive, PathFollowingNodeConfig
from perception_nodes.ros.path_following_inputs import PathFollowingInputs
from perception_nodes.ros.path_following_outputs import PathFollowingOutputs
from perception_nodes.ros.path_frame import PathFrame, path_frame_from
from perception_nodes.ros.running import run_node
from perception_nodes.streaming import NotYetError

_log = logging.getLogger(__name__)

_PATIENCE_WITH_PILOT_S = 0.1
"""A decision waits so long for a mask in work; then the robot is told to stand."""
_CALIBRATION_REASONS = ('no_camera_info', 'uncalibrated', 'bad_camera_info')


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
        self._lock = threading.Lock()
        self._pilot: Pilot | None = None
        self._outputs: PathFollowingOutputs | None = None
        self._pipeline: FramePipeline | None = None
        self._source: MaskSource | None = None
        self._inputs: PathFollowingInputs | None = None
        self._nav2: FollowPathClient | None = None
        self._enabling: Any = None
        self._timer: Any = None
        self._status: FollowerStatus | None = None
        self._newest: tuple[PathEstimate, int] | None = None
        self._picture_ns: int | None = None

    def load(self) -> None:
        """Offer the topics."""
        self._outputs = PathFollowingOutputs(self, self.configuration)

    def start(self) -> None:
        """Subscribe, and decide from now on; driving has to be enabled."""
        config = self.configuration
        self._pilot = Pilot(None, config, config, config.classes)
        self._inputs = PathFollowingInputs(self, config, self._with_pilot)
        self._source = MaskSource(self, config, on_loss=self._on_loss)
        if config.drive == Drive.FOLLOW_PATH.value:
            self._nav2 = FollowPathClient(self, config)
        self._pipeline = FramePipeline(
            self, self._source, convert=self._convert, work=self._work, on_error=self.note_error
        )
        self._pipeline.start()
        self._enabling = self.create_service(SetBool, '~/enable', self._on_enable)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(1 / config.control_rate_hz, self._on_timer, clock=steady)

    def stop(self) -> None:
        """Let the robot stand, whoever moves it, and unsubscribe."""
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
        self._pilot = self._status = self._newest = self._picture_ns = None

    def free(self) -> None:
        """Give the topics back."""
        outputs, self._outputs = self._outputs, None
        if outputs is not None:
            outputs.close()

    def changed(self, configuration: PathFollowingNodeConfig) -> None:
        """Take over mode, preference and speed."""
        if self._pilot is not None:
            self._with_pilot(lambda pilot: pilot.configure(configuration, configuration))

    def health(self) -> Health:
        """Return figures of the frame path, and why the robot does not drive."""
        pipeline, source, inputs, status = (
            self._pipeline, self._source, self._inputs, self._status
        )  # fmt: skip
        if pipeline is None or source is None or inputs is None:
            return Health()
        health = pipeline.health(
            stale_after_s=self.configuration.stale_after_s, last_error=self.last_error
        ).with_values(
            **source.values,
            **{f'refused ({topic})': count for topic, count in sorted(inputs.refused.items())},
        )
        nav2_problem = self._nav2.problem if self._nav2 is not None else ''
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

    def _with_pilot(self, action: Callable[[Pilot], object]) -> bool:
        """Run something on the pilot; return False where a mask keeps it busy for too long."""
        # Never without end: a mask that hangs must not silence the watchdog on this thread.
        if not self._lock.acquire(timeout=_PATIENCE_WITH_PILOT_S):
            return False
        try:
            if self._pilot is not None:
                action(self._pilot)
        finally:
            self._lock.release()
        return True

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._with_pilot(lambda pilot: pilot.enable(request.data))
        self._on_timer()
        status = self._status
        response.success = True
        response.message = f'{status.state.name.lower()}: {status.fault.text}' if status else ''
        return response

    def _on_loss(self, arrival: Arrival, error: NotYetError) -> None:
        """Note a mask that cannot be placed, and what it lacks."""
        reason = StopReason.TF_MISSING
        if error.reason in _CALIBRATION_REASONS:
            reason = StopReason.NO_CAMERA_INFO
        elif error.reason == 'no_labels':
            reason = StopReason.PATH_LOST
        fault = Fault(reason, str(error))
        stamp_ns, now_ns = arrival.stamp_ns, time.monotonic_ns()
        self._with_pilot(lambda pilot: pilot.miss_mask(fault, stamp_ns, now_ns))

    def _convert(self, placed: PlacedMask) -> PathFrame:
        return path_frame_from(placed, self.configuration)

    def _work(self, job: FrameJob) -> None:
        """Look for the path in a mask, decide, and publish, in the worker's thread."""
        outputs, pipeline, inputs = self._outputs, self._pipeline, self._inputs
        if outputs is None or pipeline is None or inputs is None:
            return
        seen, stamp_ns = job.frame, job.arrival.stamp_ns
        inputs.note_ground(job.arrival.message.mask.header.frame_id, stamp_ns, seen.ground)
        with self._lock:
            if self._pilot is None:
                return
            estimate = self._look(self._pilot, seen, stamp_ns)
            self._picture_ns = stamp_ns
            self._decide(self._pilot)
        if estimate is not None:
            self._newest = (estimate, stamp_ns)
            outputs.publish_estimate(estimate, stamp_ns)
        pipeline.note_published(job)

    def _look(self, pilot: Pilot, seen: PathFrame, stamp_ns: int) -> PathEstimate | None:
        now_ns = time.monotonic_ns()
        if seen.standing_xy is not None:
            source = ObstacleSource.DEPTH.value
            pilot.follower.take_obstacles(source, seen.standing_xy, stamp_ns, now_ns)
        try:
            pilot.name_classes(seen.labels)
        except ValueError as error:
            pilot.miss_mask(Fault(StopReason.PATH_LOST, str(error)), stamp_ns, now_ns)
            return None
        return pilot.take_mask(seen.mask, seen.confidence, seen.ground, stamp_ns, now_ns)

    def _on_timer(self) -> None:
        """Decide without a mask: silence has to stop the robot, too."""
        if self._with_pilot(self._decide):
            self._lead_nav2()
            return
        if self._outputs is not None:
            self._outputs.stand()
        if self._nav2 is not None:
            self._nav2.cancel()

    def _decide(self, pilot: Pilot) -> None:
        """Decide and publish; the lock is held, so that commands leave in their order."""
        now_ns = self.get_clock().now().nanoseconds
        status = pilot.step(now_ns, time.monotonic_ns())
        if self._outputs is not None:
            self._outputs.publish_status(status, self._picture_ns)
        before, self._status = self._status, status
        if before is None or before.state is not status.state:
            self._tell(status)

    def _tell(self, status: FollowerStatus) -> None:
        words = status.state.name.lower()
        if status.fault.text:
            words += f' ({status.fault.reason.name.lower()}): {status.fault.text}'
        stops = status.state in (DriveState.STOPPING, DriveState.STOPPED)
        _log.log(logging.WARNING if stops else logging.INFO, words)

    def _lead_nav2(self) -> None:
        """Give Nav2 the newest path while the robot may drive, and take it back otherwise."""
        nav2, inputs, status, newest = self._nav2, self._inputs, self._status, self._newest
        if nav2 is None or inputs is None or status is None:
            return
        if status.state is not DriveState.DRIVING or newest is None:
            nav2.cancel()
            return
        estimate, stamp_ns = newest
        poses: list[PlanarPose] = []
        with contextlib.suppress(PoseUnknownError):
            self._with_pilot(lambda pilot: poses.append(pilot.follower.motion.pose_at(stamp_ns)))
        if poses and estimate.is_valid:
            frame_id = inputs.odometry_frame
            nav2.follow(estimate.points_xy, poses[0], frame_id, stamp_ns, time.monotonic_ns())


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run_node(PathFollowingNode))


if __name__ == '__main__':
    main()
