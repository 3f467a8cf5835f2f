"""One run of the simulator: commands go in, steps come out, in the simulation's thread."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from perception_nodes.ros.simulation_config import Drive, SimulationNodeConfig
from perception_nodes.ros.simulation_loop import Pace, SimulationLoop
from perception_nodes.ros.simulation_outputs import SimulationOutputs
from perception_nodes.simulation import PathDriver, SimulatedWorld
from perception_nodes.streaming import AgeStatistics, AgeSummary

_SUBSCRIBER_POLL_S = 0.05
_NS = 1_000_000_000


class SimulationRun:
    """
    A world with its loop and its driver, from configure to cleanup.

    ``take_command`` and ``take_answer`` are for the executor's thread; the world is touched by
    the loop's thread alone.

    :param config: settings of the run.
    :param outputs: where everything is published.
    :param note_error: told about an error that ends the run.
    """

    def __init__(
        self,
        config: SimulationNodeConfig,
        outputs: SimulationOutputs,
        note_error: Callable[[Exception], object],
    ) -> None:
        self._config = config
        self._outputs = outputs
        self._driver: PathDriver | None = None
        self._command: tuple[float, float] | None = None
        self._answered, self._commanded = threading.Event(), threading.Event()
        self._never = threading.Event()
        self._awaited_ns = -1
        self._render_times = AgeStatistics()
        self.time_ns = 0
        self.finished = False
        self.unanswered = 0
        self.refused_commands = 0
        pace = Pace(step_s=1 / config.rate_hz, real_time_factor=config.real_time_factor)
        self.loop: SimulationLoop[SimulatedWorld] = SimulationLoop(
            self._make_world,
            pace,
            before=self._before_step,
            after=self._after_step,
            on_error=note_error,
        )

    def take_command(
        self, linear_m_s: float, angular_rad_s: float, stamp_ns: int | None = None
    ) -> None:
        """
        Keep a command for the next step; count one that is not finite.

        :param stamp_ns: of the picture that it answers, if it says so.
        """
        if math.isfinite(linear_m_s) and math.isfinite(angular_rad_s):
            self._command = (linear_m_s, angular_rad_s)
        else:
            self.refused_commands += 1
        if stamp_ns is not None and stamp_ns >= self._awaited_ns:
            self._commanded.set()

    def forget_command(self) -> None:
        """Drop what was commanded before a pause."""
        self._command = None

    def take_answer(self, stamp_ns: int) -> None:
        """Let a step in lock go on when the result for its picture is there."""
        if stamp_ns >= self._awaited_ns:
            self._answered.set()

    def render_times(self) -> AgeSummary:
        """Return what rendering costs, and how many pictures a second it makes."""
        return self._render_times.summary(time.monotonic_ns())

    def _make_world(self) -> SimulatedWorld:
        world = SimulatedWorld.create(self._config)
        if self._config.drive == Drive.PATH.value:
            self._driver = PathDriver(world.path, speed_m_s=self._config.drive_speed_m_s)
        self._outputs.announce(world.base_from_camera)
        return world

    def _before_step(self, world: SimulatedWorld) -> bool:
        """Give the present command; False when the simulated time is over."""
        duration_ns = round(self._config.duration_s * _NS)
        if duration_ns > 0 and world.time_ns >= duration_ns:
            self.finished = True
            return False
        if self._config.wait_for_subscriber:
            while not self._outputs.image_subscribers and self.loop.is_running:
                self.loop.wait(self._never, _SUBSCRIBER_POLL_S)
        if self._driver is not None:
            self._command = self._driver.command(world.pose)
        command, self._command = self._command, None
        if command is not None:
            world.command(*command, world.time_ns)
        return True

    def _after_step(self, world: SimulatedWorld) -> None:
        """Publish where the robot is and, if anybody looks, what it sees."""
        self.time_ns = world.time_ns
        self._outputs.publish_clock(world.time_ns)
        self._outputs.publish_motion(world.odometry, world.true_motion)
        if not self._outputs.wants_view:
            self._outputs.publish_info(world.camera, world.time_ns)
            return
        started_ns = time.monotonic_ns()
        view = world.render()
        rendered_ns = time.monotonic_ns()
        self._render_times.add(rendered_ns - started_ns, rendered_ns)
        self._answered.clear()
        self._commanded.clear()
        self._awaited_ns = world.time_ns
        self._outputs.publish_view(view, world.camera, world.time_ns)
        awaited = (
            (self._config.lock_step, self._answered),
            (self._config.lock_step_command, self._commanded),
        )
        for wanted, event in awaited:
            if wanted:
                answered = self.loop.wait(event, self._config.lock_step_timeout_s)
                self.unanswered += not answered
