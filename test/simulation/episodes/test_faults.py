import cv2
import numpy as np
import pytest

from perception_nodes.geometry import CameraModel, RigidTransform
from perception_nodes.imaging.compressed import encode_compressed
from perception_nodes.imaging.encodings import ImageView
from perception_nodes.imaging.image_error import ImageError, ImageReason
from perception_nodes.simulation import Odometry, Pose2D
from perception_nodes.simulation.episodes import (
    CameraFrame,
    FaultInjector,
    FaultKind,
    FaultPlan,
    faults,
)
from perception_nodes.structures import Frame

TICK_NS = 50_000_000
CAMERA = CameraModel.pinhole((32, 24), 20, 20, 16, 12)


def taken(tick):
    pixels = np.random.default_rng(tick).integers(1, 255, (24, 32, 3)).astype(np.uint8)
    return CameraFrame(
        frame=Frame(pixels=pixels, stamp_ns=tick * TICK_NS), camera=CAMERA,
        base_from_camera=RigidTransform.from_matrix(np.eye(4)),
    )  # fmt: skip


def delivered(kind, ticks=40):
    injector = FaultInjector(FaultPlan(kind=kind, start_s=0.5, duration_s=1.0))
    return injector, [injector.deliver(taken(tick), tick * TICK_NS) for tick in range(ticks)]


@pytest.mark.parametrize('plan', [None, FaultPlan(kind=FaultKind.NONE, start_s=0.0)])
def test_without_a_fault_everything_passes(plan):
    injector = FaultInjector(plan)
    frame = taken(3)
    assert injector.deliver(frame, 0) is frame
    assert injector.observable_ns is None
    assert injector.clock(7, 0) == 7


@pytest.mark.parametrize('kind', [k for k in FaultKind if k is not FaultKind.NONE])
def test_fault_begins_and_ends_when_planned(kind):
    _, frames = delivered(kind)
    for tick in (*range(10), *range(30, 40)):
        assert frames[tick].frame.stamp_ns == tick * TICK_NS
        assert (frames[tick].frame.pixels == taken(tick).frame.pixels).all()


def test_frozen_camera_repeats_one_picture_with_new_stamps():
    injector, frames = delivered(FaultKind.FREEZE)
    assert injector.observable_ns == 10 * TICK_NS
    for tick in range(10, 30):
        assert frames[tick].frame.stamp_ns == tick * TICK_NS
        assert (frames[tick].frame.pixels == taken(9).frame.pixels).all()


def test_black_pictures_are_black():
    _, frames = delivered(FaultKind.BLACK)
    assert not frames[20].frame.pixels.any()


def test_broken_streams_are_refused_as_a_camera_node_refuses_them():
    _, frames = delivered(FaultKind.CORRUPT)
    assert sum(frame is None for frame in frames[10:30]) >= 18
    assert None not in frames[:10] + frames[30:]


def test_a_broken_stream_that_still_decodes_is_another_picture(monkeypatch):
    monkeypatch.setattr(faults, 'CORRUPT_BYTES', 1)
    good = cv2.resize(taken(0).frame.pixels, (320, 240))
    seen = [faults.corrupted(good, np.random.default_rng(seed)) for seed in range(40)]
    errors = [np.abs(rgb.astype(int) - good).mean() for rgb in seen if rgb is not None]
    assert 10 < len(errors) < 40
    assert max(errors) > 10


def test_wrong_bytes_may_be_any(monkeypatch):
    streams = []

    def refuse(stream):
        streams.append(stream)
        raise ImageError(ImageReason.BROKEN_DATA, 'not decoded')

    monkeypatch.setattr(faults, 'decode_compressed', refuse)
    monkeypatch.setattr(faults, 'CORRUPT_BYTES', 4000)
    good = cv2.resize(taken(0).frame.pixels, (320, 240))
    assert faults.corrupted(good, np.random.default_rng(0)) is None
    written = np.frombuffer(encode_compressed(ImageView(good, 'rgb8')), np.uint8)
    wrong = streams[0][streams[0] != written]
    assert set(wrong) == set(range(256)), 'markers, 0xFF, can be forged, too'


def test_late_pictures_keep_their_stamps():
    _, frames = delivered(FaultKind.DELAY)
    assert frames[10:16] == [None] * 6
    assert [frame.frame.stamp_ns // TICK_NS for frame in frames[16:30]] == list(range(10, 24))


def test_half_of_the_pictures_are_lost():
    injector = FaultInjector(FaultPlan(kind=FaultKind.DROP, start_s=0.0, duration_s=100.0))
    frames = [injector.deliver(taken(tick), tick * TICK_NS) for tick in range(400)]
    assert 150 < sum(frame is None for frame in frames) < 250


def test_mounting_of_the_camera_is_lost():
    _, frames = delivered(FaultKind.TF_LOSS)
    assert frames[20].base_from_camera is None
    assert frames[30].base_from_camera is not None


def test_clock_jumps_for_pictures_odometry_and_now_alike():
    injector = FaultInjector(FaultPlan(kind=FaultKind.CLOCK_JUMP, start_s=3.0, duration_s=1.0))
    now_ns = 70 * TICK_NS
    odometry = Odometry(pose=Pose2D(), linear_m_s=0.0, angular_rad_s=0.0, stamp_ns=now_ns)
    jumped = now_ns - 2_000_000_000
    assert injector.clock(now_ns, now_ns) == jumped
    assert injector.deliver(taken(70), now_ns).frame.stamp_ns == jumped
    assert injector.odometry(odometry, now_ns).stamp_ns == jumped


@pytest.mark.parametrize('times', [(-1.0, 1.0), (0.0, 0.0), (float('nan'), 1.0)])
def test_impossible_times_are_refused(times):
    with pytest.raises(ValueError, match='start_s ≥ 0'):
        FaultPlan(kind=FaultKind.BLACK, start_s=times[0], duration_s=times[1])


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match='smoke'):
        FaultPlan(kind='smoke', start_s=1.0)
