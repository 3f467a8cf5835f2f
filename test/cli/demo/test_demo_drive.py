"""The drive of a demo from a small made-up run: against the course, on the page, in pictures."""

import cv2
import numpy as np
import pytest

from perception_nodes.cli.demo.course_view import ROBOT_RGB, WAY_RGB, CourseView
from perception_nodes.cli.demo.drive import analyse_drive
from perception_nodes.cli.demo.drive_report import drive_sections
from perception_nodes.cli.demo.pictures import Scene
from perception_nodes.cli.demo.true_map import MapComparison, placed_frames
from perception_nodes.driving.supervisor import DriveState, StopReason
from perception_nodes.evaluation.demo_run import DemoRun, RunFrame
from perception_nodes.evaluation.drive_run import Decision, DriveFrame, DriveRun
from perception_nodes.evaluation.map_agreement import MapAgreement
from perception_nodes.geometry import CameraModel, GroundProjection, PlanarPose, RigidTransform
from perception_nodes.mapping import OccupancyMap
from perception_nodes.path import PathEstimate
from perception_nodes.simulation.course import Course, Segment
from perception_nodes.simulation.course_path import CoursePath
from perception_nodes.visualization.map_panels import GREY, MapPanel
from perception_nodes.visualization.report import Report, render_report

STRAIGHT = CoursePath(Course(name='straight', segments=(Segment(length_m=4.0),)))
STEP_NS, STEP_M = 100_000_000, 0.05


def estimate(lateral_m: float) -> PathEstimate:
    points = np.stack([np.linspace(0.2, 2.0, 10), np.full(10, -lateral_m)], axis=1)
    return PathEstimate(
        points_xy=points, sigma_m=np.full(10, 0.01), lateral_error_m=lateral_m,
        heading_error_rad=0.0, curvature_1_m=0.0, curvature_rate_1_m2=0.0,
        covariance=np.eye(4) * 1e-4, width_m=0.5, confidence=0.9,
    )  # fmt: skip


def drive(count=80, *, lateral_m=0.02, seen_m=0.03, decisions=(), **more) -> DriveRun:
    """Return a drive along a straight, always as far to the left."""
    frames = {}
    for number in range(count):
        pose = PlanarPose(x_m=STEP_M * number, y_m=lateral_m)
        frames[number * STEP_NS] = DriveFrame(
            estimate=estimate(seen_m), world_from_base=pose, odom_from_base=pose, speed_m_s=0.5
        )
    return DriveRun(frames=frames, decisions=tuple(decisions), **more)


def decision(second: float, state: DriveState, reason=StopReason.NONE, text='') -> Decision:
    return Decision(stamp_ns=round(second * 1e9), state=state, reason=reason, text=text)


def test_distance_from_the_middle_and_what_was_seen_of_it():
    result = analyse_drive(drive(), STRAIGHT)
    assert result.lateral_rms_m == pytest.approx(0.02)
    assert result.lateral_max_m == pytest.approx(0.02)
    np.testing.assert_allclose(result.seen_error_m, 0.01, atol=1e-9)
    assert result.driven_m == pytest.approx(79 * STEP_M)
    assert result.departures == 0
    assert result.to_dict()['seen_error_median_m'] == pytest.approx(0.01)


def test_lap_is_the_time_until_the_way_is_driven():
    result = analyse_drive(drive(100), STRAIGHT)
    assert result.driven_m >= 4.0 - 1e-6
    assert result.lap_s == pytest.approx(8.0, abs=0.11)
    assert np.isnan(analyse_drive(drive(20), STRAIGHT).lap_s)


def test_wheel_beyond_the_tape_is_one_departure_however_long_it_lasts():
    assert analyse_drive(drive(lateral_m=0.24), STRAIGHT).departures == 1


def test_stops_are_what_comes_between_driving():
    obstacle = StopReason.OBSTACLE
    run = drive(
        decisions=(
            decision(0.0, DriveState.WAITING, StopReason.CAMERA_STALE, 'no picture yet'),
            decision(0.1, DriveState.DRIVING),
            decision(2.0, DriveState.STOPPING, obstacle, 'somebody'),
            decision(2.5, DriveState.STOPPED, obstacle, 'somebody'),
            decision(3.0, DriveState.RECOVERING, obstacle, 'somebody'),
            decision(3.5, DriveState.DRIVING),
            decision(7.0, DriveState.STOPPING, StopReason.PATH_END, 'the end'),
            decision(7.5, DriveState.STOPPED, StopReason.PATH_END, 'the end'),
        )
    )
    first, last = analyse_drive(run, STRAIGHT).stops
    assert (first.start_s, first.duration_s, first.reason) == (2.0, 1.5, 'OBSTACLE')
    assert first.at_m == pytest.approx(1.0)
    assert (last.start_s, last.duration_s, last.text) == (7.0, 0.5, 'the end')


def test_page_tells_drive_stops_and_map():
    stopped = (
        decision(0.0, DriveState.DRIVING),
        decision(2.0, DriveState.STOPPED, StopReason.OBSTACLE, 'a chair & a table'),
    )
    cells = np.zeros((4, 4), np.int8)
    comparison = MapComparison(
        agreement=MapAgreement(free_iou=0.987, occupied_iou=0.812, cells=16),
        panels=(MapPanel(name='world', costs=cells), MapPanel(name='map', costs=cells)),
    )
    result = analyse_drive(drive(decisions=stopped), STRAIGHT)
    sections = drive_sections(result, STRAIGHT, comparison)
    text = render_report(Report(title='t', subtitle='', sections=sections, footer=''))
    for words in ('not finished', '2.0 cm', 'a chair &amp; a table', '0.812', '0.987', '<svg'):
        assert words in text, words


def test_page_of_a_run_without_a_drive_says_so():
    sections = drive_sections(analyse_drive(DriveRun(), STRAIGHT), STRAIGHT, None)
    text = render_report(Report(title='t', subtitle='', sections=sections, footer=''))
    assert 'The robot was not driven.' in text


def test_view_from_above_shows_what_was_known_then():
    costs = np.zeros((80, 120), np.int8)
    map_ = OccupancyMap(costs=costs, resolution_m=0.1, origin_xy=(-2.0, -4.0))
    view = CourseView(drive(maps=((2 * STEP_NS, map_),)), STRAIGHT, 240)
    before, after = view.draw(0), view.draw(79 * STEP_NS)
    assert before.shape == (*view.size_wh[::-1], 3)
    assert tuple(before[5, 5]) == GREY
    assert tuple(after[5, 5]) == (255, 255, 255)
    assert not (before == WAY_RGB).all(axis=2).any()
    assert (after == WAY_RGB).all(axis=2).any()
    robots = [np.argwhere((picture == ROBOT_RGB).all(axis=2)) for picture in (before, after)]
    assert robots[1][:, 1].mean() > robots[0][:, 1].mean() + 50


def test_mask_and_path_are_laid_over_the_picture():
    grey = np.full((120, 160, 3), 90, np.uint8)
    mask = np.full((120, 160), 2, np.uint8)
    ground = GroundProjection(
        CameraModel.pinhole((160, 120), 100.0, 100.0, 79.5, 59.5),
        RigidTransform.from_rpy(-2.0, 0.0, -np.pi / 2, (0.0, 0.0, 0.3)),
        pitch_sigma_rad=0.0, roll_sigma_rad=0.0, height_sigma_m=0.0, pixel_sigma=0.0,
    )  # fmt: skip
    seen = DriveFrame(estimate=estimate(0.0), mask_png=cv2.imencode('.png', mask)[1].tobytes())
    recorded = DemoRun(
        frames=(RunFrame(stamp_ns=5, jpeg=cv2.imencode('.jpg', grey)[1].tobytes()),),
        class_names=(), known_classes=0, model='', clock_ns=np.zeros((0, 2), np.int64),
        path_xy=np.zeros((0, 2)), counters={},
    )  # fmt: skip
    plain = Scene(recorded).picture(recorded.frames[0]).pixels
    tinted = Scene(
        recorded, DriveRun(frames={5: seen}, class_names=('a', 'b', 'c'), ground=None)
    ).picture(recorded.frames[0])
    lined = Scene(recorded, DriveRun(frames={5: seen}, ground=ground)).picture(recorded.frames[0])
    assert np.abs(plain[:80].astype(int) - 90).max() < 4
    assert (tinted.pixels[:80] != plain[:80]).any(axis=2).all()
    assert (lined.pixels != tinted.pixels).any(axis=2).sum() > 20


def test_every_second_place_is_looked_at_again():
    assert len(placed_frames(drive(11))) == 6
    assert placed_frames(DriveRun(frames={1: DriveFrame()})) == []
