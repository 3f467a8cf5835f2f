"""Decisions of a path follower, and the way to who moves the robot."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from rclpy.clock import Clock

from perception_nodes.driving import STAND, DriveState, FollowerStatus, Pilot
from perception_nodes.driving.prediction import PoseUnknownError
from perception_nodes.driving.shared_pilot import SharedPilot
from perception_nodes.path import PathEstimate
from perception_nodes.ros.follow_path_client import FollowPathClient, PathGoal
from perception_nodes.ros.path_following_inputs import PathFollowingInputs
from perception_nodes.ros.path_following_outputs import PathFollowingOutputs

_log = logging.getLogger(__name__)


class Helm:
    """
    Decides for each mask and at each tick of a timer, and tells everybody concerned.

    Masks are worked on in another thread than the timer's. A tick waits for none: while a mask
    keeps the pilot, it lets the robot stand as soon as that is due.

    :param clock: of the stamps.
    :param shared: whose decisions they are.
    :param nav2: who follows the path, None where nobody does.
    """

    def __init__(
        self,
        clock: Clock,
        shared: SharedPilot,
        inputs: PathFollowingInputs,
        outputs: PathFollowingOutputs,
        nav2: FollowPathClient | None,
    ) -> None:
        self._clock = clock
        self._shared = shared
        self._inputs = inputs
        self._outputs = outputs
        self._nav2 = nav2
        self._newest: tuple[PathEstimate, int] | None = None
        self._goal: PathGoal | None = None
        self._picture_ns: int | None = None
        self._status: FollowerStatus | None = None

    @property
    def status(self) -> FollowerStatus | None:
        """What was decided last, None before the first time."""
        return self._status

    def note_mask(self, estimate: PathEstimate | None, stamp_ns: int) -> None:
        """Note the stamp of a mask that was looked at, and the path where there is one."""
        self._picture_ns = stamp_ns
        if estimate is not None:
            self._newest = (estimate, stamp_ns)

    def decide(self, pilot: Pilot) -> None:
        """Decide and publish; the pilot is held, so that commands leave in their order."""
        status = self._shared.step(self._clock.now().nanoseconds, time.monotonic_ns())
        drives = status.state is DriveState.DRIVING
        self._goal = self._newest_goal(pilot) or self._goal if drives else None
        self._publish(status)

    def tick(self) -> bool:
        """
        Decide without a mask: silence has to stop the robot, too.

        :returns: False where a mask in work keeps the pilot.
        """
        with self._shared.held_if_free() as pilot:
            if pilot is not None:
                self.decide(pilot)
            else:
                self._stand_if_due()
        self._lead_nav2()
        return pilot is not None

    def _stand_if_due(self) -> None:
        fault, status = self._shared.must_stand(time.monotonic_ns()), self._status
        if fault is None or status is None or status.state is DriveState.DISABLED:
            return
        drives = status.state is DriveState.DRIVING
        state = DriveState.STOPPING if drives else status.state
        self._publish(replace(status, state=state, fault=fault, command=STAND))

    def _publish(self, status: FollowerStatus) -> None:
        self._outputs.publish_status(status, self._picture_ns)
        before, self._status = self._status, status
        if before is None or before.state is not status.state:
            _tell(status)

    def _newest_goal(self, pilot: Pilot) -> PathGoal | None:
        """Return the newest path for Nav2, None where it cannot be told where that lies."""
        if self._nav2 is None or self._newest is None:
            return None
        estimate, stamp_ns = self._newest
        if not estimate.is_valid:
            return None
        try:
            pose = pilot.follower.motion.pose_at(stamp_ns)
        except PoseUnknownError:
            return None
        return PathGoal(
            points_xy=estimate.points_xy,
            odom_from_base=pose,
            frame_id=self._inputs.odometry_frame,
            stamp_ns=stamp_ns,
        )

    def _lead_nav2(self) -> None:
        """Give Nav2 the newest path while the robot may drive, and take it back otherwise."""
        nav2, status, goal = self._nav2, self._status, self._goal
        if nav2 is None or status is None:
            return
        if status.state is DriveState.DRIVING and goal is not None:
            nav2.follow(goal, time.monotonic_ns())
        else:
            nav2.cancel(time.monotonic_ns())


def _tell(status: FollowerStatus) -> None:
    words = status.state.name.lower()
    if status.fault.text:
        words += f' ({status.fault.reason.name.lower()}): {status.fault.text}'
    stops = status.state in (DriveState.STOPPING, DriveState.STOPPED)
    _log.log(logging.WARNING if stops else logging.INFO, words)
