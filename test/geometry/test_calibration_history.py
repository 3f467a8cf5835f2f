import pytest

from perception_nodes.geometry import CalibrationHistory, CameraModel, UncalibratedCameraError

S = 1_000_000_000


def camera(focal):
    return CameraModel.pinhole((640, 480), focal, focal, 320, 240)


def known(*entries):
    history = CalibrationHistory()
    for stamp_s, focal in entries:
        history.add(round(stamp_s * S), focal, lambda focal=focal: camera(focal))
    return history


def test_nothing_is_known_before_the_first():
    assert CalibrationHistory().at(5 * S) is None
    assert known((10, 500)).at(9 * S) is None


def test_latest_at_or_before_the_stamp_holds():
    history = known((10, 500), (11, 500), (12, 600))
    assert history.at(10 * S) == history.at(round(11.9 * S)) == camera(500)
    assert history.at(12 * S) == camera(600)
    assert history.changes == 1


def test_one_that_comes_late_takes_its_place_in_time():
    history = known((10, 500), (12, 600), (11.5, 550))
    assert history.at(round(11.6 * S)) == camera(550)
    assert history.at(12 * S) == camera(600)


def test_broken_one_holds_until_a_good_one_comes():
    history = known((10, 500))
    history.add(11 * S, 0, lambda: camera(0))
    assert history.at(round(10.5 * S)) == camera(500)
    with pytest.raises(UncalibratedCameraError):
        history.at(11 * S)
    history.add(12 * S, 500, lambda: camera(500))
    assert history.at(12 * S) == camera(500)


def test_clock_that_was_set_back_begins_anew():
    history = known((10, 500), (2, 600))
    assert history.at(3 * S) == camera(600)
    assert history.at(1 * S) is None
