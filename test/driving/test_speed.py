"""Every bound of the speed bounds, and says so."""

import numpy as np
import pytest

from perception_nodes.driving.command import VehicleConfig
from perception_nodes.driving.reference import CURVATURE_SPAN_M, ReferencePath, arc_path
from perception_nodes.driving.speed import (
    SpeedBound,
    SpeedConfig,
    SpeedLimit,
    SpeedPolicy,
    Surroundings,
)

VEHICLE = VehicleConfig(max_speed_m_s=2.0, deceleration_m_s2=1.0, brake_m_s2=2.0, front_m=0.2)
CONFIG = SpeedConfig(cruise_speed_m_s=1.0, stop_margin_m=0.1, reaction_s=0.2)


def path(length_m: float = 6.0, curvature: float = 0.0, confidence: float = 1.0):
    points = arc_path(curvature, length_m).points_xy
    return ReferencePath(points_xy=points, confidence=confidence)


def bound(config: SpeedConfig = CONFIG, line: ReferencePath | None = None, **values):
    return SpeedPolicy(config, VEHICLE).bound(line or path(), **values)


@pytest.mark.parametrize(
    ('value', 'percentage', 'expected'),
    [(0.0, False, 1.0), (0.0, True, 1.0), (0.4, False, 0.4), (25.0, True, 0.5), (90, True, 1.0)],
    ids=['none', 'none in percent', 'absolute', 'percent of the highest', 'above cruise'],
)
def test_speed_limit_as_nav2_means_it(value, percentage, expected):
    limit = SpeedLimit(value=value, percentage=percentage)
    assert bound(limit=limit)[0] == pytest.approx(expected)


@pytest.mark.parametrize('value', [-1.0, float('nan'), float('inf')])
def test_speed_limit_that_is_none_is_refused(value):
    with pytest.raises(ValueError, match='speed limit'):
        SpeedLimit(value=value)


def test_curve_bounds_by_lateral_acceleration():
    speed, name = bound(line=path(curvature=2.0))
    assert name is SpeedBound.CURVE
    assert speed == pytest.approx(np.sqrt(CONFIG.lateral_acceleration_m_s2 / 2.0), rel=0.03)


def test_curve_ahead_is_braked_for_in_time():
    straight = np.stack([np.arange(0, 1.0, 0.05), np.zeros(20)], axis=1)
    turn = arc_path(2.0, 2.0).points_xy + np.array([1.0, 0.0])
    line = ReferencePath(points_xy=np.concatenate([straight, turn]))
    speed, name = bound(line=line, config=SpeedConfig(cruise_speed_m_s=2.0))
    inside = np.sqrt(0.8 / 2.0)
    assert name is SpeedBound.CURVE
    begins_m = 1.0 + CURVATURE_SPAN_M / 2  # curvature is a mean: half of it where the turn begins
    assert inside < speed < np.sqrt(inside**2 + 2 * 1.0 * begins_m) + 0.01


def test_curve_about_to_be_commanded_bounds_on_a_straight_path():
    assert bound(curvature_1_m=4.0)[0] == pytest.approx(np.sqrt(0.8 / 4.0))


def test_regulated_radius_slows_in_proportion():
    config = SpeedConfig(cruise_speed_m_s=0.4, regulated_radius_m=1.0)
    assert bound(config, path(curvature=2.0))[0] == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize(('confidence', 'share'), [(1.0, 1.0), (0.6, 1.0), (0.4, 0.5), (0.2, 0.1)])
def test_confidence_slows(confidence, share):
    assert bound(line=path(confidence=confidence))[0] == pytest.approx(share)


@pytest.mark.parametrize('ahead', [0.0, 0.1, 0.2, 0.5, 1.0, 3.0])
def test_before_an_obstacle_comfortable_braking_is_enough(ahead):
    speed, _ = bound(around=Surroundings(ahead_m=ahead))
    needed = speed * CONFIG.reaction_s + speed**2 / (2 * VEHICLE.deceleration_m_s2)
    assert needed <= max(0.0, ahead - CONFIG.stop_margin_m) + 1e-9
    assert speed > 0 or ahead <= CONFIG.stop_margin_m


@pytest.mark.parametrize('looked', [0.5, 2.28, 3.0])
def test_no_faster_than_braking_within_the_corridor_allows(looked):
    config = SpeedConfig(cruise_speed_m_s=2.0, stop_margin_m=0.1, reaction_s=0.2)
    speed, name = bound(config, path(length_m=20.0), around=Surroundings(looked_m=looked))
    assert name is (SpeedBound.SIGHT if looked < 3.0 else SpeedBound.CRUISE)
    braking_m = speed * config.reaction_s + speed**2 / (2 * VEHICLE.deceleration_m_s2)
    assert braking_m + config.stop_margin_m <= looked + 1e-9
    assert speed > 0.5


def test_end_of_the_visible_path_bounds_like_an_obstacle():
    speed, name = bound(line=path(length_m=0.5))
    assert name is SpeedBound.PATH_END
    assert speed == pytest.approx(SpeedPolicy(CONFIG, VEHICLE).before_obstacle(0.3))


def test_thing_beside_slows_only_when_asked():
    beside = Surroundings(beside_m=0.1)
    assert bound(around=beside)[0] == 1.0
    config = SpeedConfig(cruise_speed_m_s=1.0, proximity_m=0.4, proximity_gain=0.8)
    assert bound(config, around=beside) == (pytest.approx(0.2), SpeedBound.PROXIMITY)


def test_stopping_distance_is_reaction_braking_and_margin():
    policy = SpeedPolicy(CONFIG, VEHICLE)
    assert policy.stopping_distance_m(0.0) == pytest.approx(0.1)
    assert policy.stopping_distance_m(1.0) == pytest.approx(0.2 + 0.25 + 0.1)


def test_confidences_the_wrong_way_round_are_refused():
    with pytest.raises(ValueError, match='min_path_confidence'):
        SpeedConfig(min_path_confidence=0.9)
