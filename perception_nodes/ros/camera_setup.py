"""From the parameters of a camera to its source, its calibration and its playback."""

from __future__ import annotations

from collections.abc import Callable

from perception_nodes.imaging.calibration import CameraCalibration, read_calibration
from perception_nodes.imaging.sources import (
    FolderStamps,
    FrameSource,
    Playback,
    PlaybackEnd,
    SourceOptions,
    open_source,
)
from perception_nodes.inference.resources import resource_path
from perception_nodes.ros.camera_config import CameraConfig, StampMode
from perception_nodes.streaming import PacingMode, make_pacing

_PACKAGE_URI = 'package://perception_suite/'
_FILE_URI = 'file://'


def configured_source(config: CameraConfig) -> FrameSource:
    """
    Open what ``source`` names.

    :raises ValueError: naming what is wrong and what is allowed.
    """
    options = SourceOptions(
        frame_id=config.frame_id,
        rate_hz=config.rate_hz,
        stamps=FolderStamps(config.folder_stamps),
        topic=config.bag_topic,
        max_pixels=round(config.max_image_megapixels * 1e6),
    )
    return open_source(_local(config.source), options)


def configured_calibration(config: CameraConfig, size_wh: tuple[int, int]) -> CameraCalibration:
    """
    Return what ``camera_info_url`` names, an uncalibrated value without it.

    :param size_wh: size of the source's pictures.
    :raises ValueError: when the calibration belongs to pictures of another size.
    """
    url = config.camera_info_url
    if not url:
        return CameraCalibration(size_wh=size_wh)
    calibration = read_calibration(_local(url).removeprefix(_FILE_URI))
    if calibration.size_wh != size_wh:
        raise ValueError(
            f'camera_info_url {url!r} is for {calibration.size_wh} pixels, the source has '
            f'{size_wh}; calibrate at the size that is played'
        )
    return calibration


def configured_playback(
    config: CameraConfig,
    source: FrameSource,
    *,
    now_ns: Callable[[], int],
    on_end: Callable[[PlaybackEnd], object],
) -> Playback:
    """
    Return the playback, held back where something must come first.

    :param now_ns: the node's clock.
    :param on_end: called in the playback's thread.
    """
    pacing = make_pacing(
        PacingMode(config.pacing),
        rate_hz=config.rate_hz,
        answer_timeout_s=config.answer_timeout_s,
        live=source.live,
    )
    restamp = now_ns if config.stamp == StampMode.NOW.value else None
    playback = Playback(source, pacing, loop=config.loop, restamp=restamp, on_end=on_end)
    if config.start_paused or config.wait_for_subscribers:
        playback.pause()
    return playback


def _local(uri: str) -> str:
    """Return the path of a file that ships with the suite; other URIs stay as they are."""
    if uri.startswith(_PACKAGE_URI):
        return str(resource_path(uri.removeprefix(_PACKAGE_URI)))
    return uri
