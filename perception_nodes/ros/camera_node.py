"""The camera node: recordings and cameras in, image topics out."""

from __future__ import annotations

import sys
from typing import Any

from std_srvs.srv import SetBool

from perception_nodes.imaging.sources import FrameSource
from perception_nodes.ros.camera_config import CameraConfig
from perception_nodes.ros.camera_outputs import CameraOutputs
from perception_nodes.ros.camera_run import CameraRun
from perception_nodes.ros.camera_setup import configured_calibration, configured_source
from perception_nodes.ros.diagnostics import Health
from perception_nodes.ros.lifecycle_node import PerceptionNode
from perception_nodes.ros.running import run_node


class CameraNode(PerceptionNode[CameraConfig]):
    """
    Play a video, a folder of pictures, a bag or a camera.

    A picture that cannot be read is skipped, counted and named in the diagnostics.

    Subscribes:
      - ``detections`` (vision_msgs/Detection2DArray): with ``pacing`` on_demand, the result
        whose stamp releases the next frame

    Publishes:
      - ``image_raw`` (sensor_msgs/Image): pictures, while somebody subscribes
      - ``image_raw/compressed`` (sensor_msgs/CompressedImage): the bytes of a compressed bag,
        else JPEG, while somebody subscribes
      - ``camera_info`` (sensor_msgs/CameraInfo): calibration under the picture's header; the
        matrices are zero when there is none
      - ``~/finished`` (std_msgs/Bool): whether the recording has ended, latched

    Services:
      - ``~/play`` (std_srvs/SetBool): false holds the frames back, true goes on

    Parameters: the fields of :class:`CameraConfig`.
    """

    configuration_type = CameraConfig

    def __init__(self, **node_options: Any) -> None:
        super().__init__('camera_node', **node_options)
        self._source: FrameSource | None = None
        self._outputs: CameraOutputs | None = None
        self._run: CameraRun | None = None
        self._play = self.create_service(SetBool, '~/play', self._on_play)

    def load(self) -> None:
        """Open the source, read the calibration, and offer the topics."""
        config = self.configuration
        self._source = configured_source(config)
        calibration = configured_calibration(config, self._source.size_wh)
        self._outputs = CameraOutputs(self, calibration, lambda: self.configuration.jpeg_quality)
        width, height = self._source.size_wh
        self.get_logger().info(
            f'{config.source}: {width}x{height} pixels, {self._source.rate_hz:.2f} Hz, '
            f'{self._source.length or "unknown number of"} frames'
        )

    def start(self) -> None:
        """Start to play, or to wait for whoever must be there first."""
        if self._source is None or self._outputs is None:
            raise RuntimeError('no source is open: configure the node first')
        self._run = CameraRun(self, self._source, self._outputs)

    def stop(self) -> None:
        """Stop playing; the next start begins at the first frame."""
        run, self._run = self._run, None
        if run is not None:
            run.stop()

    def free(self) -> None:
        """Close the source and the topics."""
        outputs, self._outputs = self._outputs, None
        source, self._source = self._source, None
        if outputs is not None:
            outputs.close()
        if source is not None:
            source.close()

    def health(self) -> Health:
        """Return what is played, how fast, and what could not be read."""
        return Health() if self._run is None else self._run.health()

    def _on_play(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if self._run is None:
            response.message = 'not active: activate the node first'
            return response
        self._run.play(request.data)
        response.success = True
        response.message = 'playing' if request.data else 'paused'
        return response


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run_node(CameraNode))


if __name__ == '__main__':
    main()
