"""Simulator and path follower together over DDS: the robot stays in its lane."""

import numpy as np
import pytest

pytest.importorskip('perception_nodes.simulation.backend')

from geometry_msgs.msg import TwistStamped
from nav_msgs.msg import Odometry
from perception_suite.msg import PathEstimate
from perception_suite.msg import PathFollowingStatus as Status
from std_srvs.srv import SetBool

from perception_nodes.ros.path_following_node import PathFollowingNode
from perception_nodes.ros.simulation_node import SimulationNode
from perception_nodes.simulation import CoursePath, load_course

pytestmark = pytest.mark.ros

SIMULATION = {
    'course': 's_curve', 'size_wh': [320, 240], 'things': 0, 'clutter': 0, 'walkers': 0,
    'figures': False, 'indoors': False, 'sensor_strength': 0.0, 'rate_hz': 20.0,
    'real_time_factor': 0.0, 'odometry_noise': 0.0, 'camera_from_course': True,
    'cmd_vel_stamped': True, 'lock_step_command': True,
}  # fmt: skip
REMAPPED = {
    'mask': 'camera/ground_truth/mask',
    'label_info': 'camera/ground_truth/label_info',
    'camera_info': 'camera/camera_info',
    'odometry': 'odom',
}
WAY_M = 3.0


def follower(**options):
    """Return a path follower that listens to the simulator."""
    rules = [f'{name}:={topic}' for name, topic in REMAPPED.items()]
    arguments = ['--ros-args', *(word for rule in rules for word in ('-r', rule))]
    return PathFollowingNode(cli_args=arguments, **options)


def test_robot_follows_the_course(graph):
    odometry = graph.listen(Odometry, 'odom')
    status = graph.listen(Status, 'path_following_node/status')
    estimates = graph.listen(PathEstimate, 'path_following_node/estimate')
    commands = graph.listen(TwistStamped, 'cmd_vel')
    node = graph.add(
        follower, use_sim_time=True, use_confidence=False, require_dead_man=False,
        cmd_vel_stamped=True, cmd_vel_stamp='picture', max_silence_s=20.0, patience_s=10.0,
        max_picture_age_s=0.3, max_path_age_s=0.3, max_odometry_age_s=0.3,
        freeze_distance_m=5.0,
    )  # fmt: skip
    graph.wait_until(lambda: node.state_label == 'active')
    simulation = graph.add(SimulationNode, **SIMULATION)
    graph.wait_until(lambda: simulation.state_label == 'active', 60.0)
    graph.call(SetBool, 'path_following_node/enable', SetBool.Request(data=True), 30.0)

    def way() -> float:
        place = odometry[-1].pose.pose.position if odometry else None
        return float(np.hypot(place.x, place.y)) if place else 0.0

    graph.wait_until(lambda: way() > WAY_M, 120.0)
    assert max(c.twist.linear.x for c in commands) > 0.3
    driving = [s for s in status if s.state == Status.STATE_DRIVING]
    assert len(driving) > len(status) / 2
    errors = [e.lateral_error for e in estimates[20:] if e.valid]
    assert len(errors) > 40
    assert np.abs(errors).max() < 0.15
    assert true_errors(odometry).max() < 0.06


def true_errors(odometry: list) -> np.ndarray:
    """Return how far from the middle of the lane the robot was; odometry is exact here."""
    course = CoursePath(load_course('s_curve'))
    start = course.pose_at(0.0)
    c, s = np.cos(start.yaw_rad), np.sin(start.yaw_rad)
    errors = []
    for message in odometry:
        place = message.pose.pose.position
        x_m = start.x_m + c * place.x - s * place.y
        y_m = start.y_m + s * place.x + c * place.y
        errors.append(abs(course.project(x_m, y_m)[1]))
    return np.array(errors)
