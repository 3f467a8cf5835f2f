import numpy as np
import pytest

from perception_nodes.simulation import PathDriver, SimulatedWorld, SimulationConfig

SMALL = SimulationConfig(size_wh=(160, 120), things=6, clutter=1, walkers=1, course='s_curve')


@pytest.fixture
def world(rendering):
    world = SimulatedWorld.create(SMALL)
    yield world
    world.close()


def test_new_world_stands_at_the_start(world):
    assert world.time_ns == 0
    assert world.pose == world.path.pose_at(0.0)
    assert world.camera.size_wh == (160, 120)
    assert world.base_from_camera[:3, 3] == pytest.approx([0.1, 0.0, 0.3])
    assert world.base_from_camera[:3, 2] @ (1, 0, 0) > 0.9  # looks forward


def test_command_moves_the_robot_until_it_times_out(world):
    world.command(0.4, 0.0, world.time_ns)
    for _ in range(20):
        world.advance(0.05)
    assert world.time_ns == 1_000_000_000
    assert 0.05 < world.pose.x_m < 0.4 * 0.35
    assert world.odometry.linear_m_s == 0.0


def test_what_is_ahead_comes_nearer_when_the_robot_drives(world):
    still = world.render()
    driver = PathDriver(world.path)
    for _ in range(40):
        world.command(*driver.command(world.pose), world.time_ns)
        world.advance(0.05)
    assert driver.travelled_m > 0.8
    assert not np.array_equal(world.render().rgb, still.rgb)


def test_same_seed_and_commands_give_the_same_picture(rendering):
    pictures = []
    for _ in range(2):
        world = SimulatedWorld.create(SMALL)
        world.command(0.3, 0.2, 0)
        world.advance(0.2)
        view = world.render()
        pictures.append((view.rgb, view.instance_ids))
        world.close()
    assert np.array_equal(pictures[0][0], pictures[1][0])
    assert np.array_equal(pictures[0][1], pictures[1][1])


def test_walker_keeps_one_instance_number_while_walking(rendering):
    config = SimulationConfig(
        things=0, clutter=0, walkers=1, course='s_curve', size_wh=(160, 120), indoors=False
    )
    world = SimulatedWorld.create(config)
    numbers, places = set(), []
    for _ in range(60):
        world.advance(0.1)
        view = world.render()
        numbers |= set(view.instance_numbers.tolist())
        places += [tuple(box) for box in view.detections.xyxy]
    world.close()
    assert numbers == {0}
    assert len(set(places)) > 10


def test_things_keep_clear_of_the_lane(world):
    for number, pose in world._population.standing:
        gap = np.hypot(*(world.path.samples_xy - (pose.x_m, pose.y_m)).T).min()
        assert gap > 0.3 + world._population.things[number].radius_m


@pytest.mark.parametrize('step', [-0.1, np.nan, np.inf])
def test_time_never_goes_back(world, step):
    with pytest.raises(ValueError, match='dt_s'):
        world.advance(step)


def test_unknown_course_is_refused_by_name():
    with pytest.raises(ValueError, match='figure_eight'):
        SimulatedWorld.create(SimulationConfig(course='nowhere'))
