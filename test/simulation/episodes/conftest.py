"""Small worlds, and a driver that needs no eyes."""

import pytest

from perception_nodes.simulation import PathDriver, SimulatedWorld, SimulationConfig
from perception_nodes.simulation.backend import RenderingUnavailableError, open_gl_context
from perception_nodes.simulation.episodes import FollowerAnswer

SMALL = {
    'size_wh': (96, 72), 'things': 0, 'clutter': 0, 'walkers': 0, 'indoors': False,
    'camera_from_course': True,
}  # fmt: skip


@pytest.fixture(scope='session')
def rendering() -> None:
    """Skip, with the reason, where OpenGL cannot render."""
    try:
        open_gl_context(64, 64).free()
    except RenderingUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def make_world(rendering):
    """Return a function that makes a world, which is closed after the test."""
    made = []

    def make(course, **changes):
        made.append(SimulatedWorld.create(SimulationConfig(course=course, **{**SMALL, **changes})))
        return made[-1]

    yield make
    for world in made:
        world.close()


class KnowingFollower:
    """
    Drives by the true pose; stops while its pictures are old, missing, black or the same.

    A jump of the clock makes it stand for half a second, too.
    """

    def __init__(self, world, speed_m_s=0.5, max_age_s=0.15):
        self.world, self.max_age_ns = world, max_age_s * 1e9
        self.driver = PathDriver(world.path, speed_m_s=speed_m_s, lookahead_m=0.35)
        self.asked, self.frames, self.resets = [], [], 0
        self.reset()
        self.resets = 0

    def reset(self):
        self.good_ns = self.last = self.clock_ns = None
        self.waits_until_ns = 0
        self.resets += 1

    def step(self, frame, stamp_ns, odometry, *, steady_ns):
        self.asked.append((stamp_ns, steady_ns))
        command = self.driver.command(self.world.pose)
        if self.clock_ns is not None and abs(stamp_ns - self.clock_ns) > 1e9:
            self.waits_until_ns = steady_ns + 5e8
        self.clock_ns = stamp_ns
        if steady_ns < self.waits_until_ns:
            return FollowerAnswer(status='clock jumped')
        if frame is not None:
            self.frames.append(frame)
            pixels = frame.frame.pixels
            same = self.last is not None and (pixels == self.last).all()
            age_ns = stamp_ns - frame.frame.stamp_ns
            if pixels.any() and not same and frame.base_from_camera and age_ns < self.max_age_ns:
                self.good_ns = steady_ns
            self.last = pixels
        if self.good_ns is None or steady_ns - self.good_ns > self.max_age_ns:
            return FollowerAnswer(status='picture stale')
        return FollowerAnswer(linear_m_s=command[0], angular_rad_s=command[1])


@pytest.fixture
def knowing():
    """Return the class of the driver."""
    return KnowingFollower
