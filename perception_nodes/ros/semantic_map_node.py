"""The semantic map node: masks in, costs, clouds and classes around the robot out."""

from __future__ import annotations

import sys
from typing import Any

from perception_nodes.mapping import SemanticMap, UpdateStatus, load_map_classes
from perception_nodes.mapping.map_stage import MapFrame, MapStage
from perception_nodes.ros.diagnostics import Health
from perception_nodes.ros.frame_pipeline import FrameJob, FramePipeline
from perception_nodes.ros.lifecycle_node import PerceptionNode
from perception_nodes.ros.map_losses import MapLosses
from perception_nodes.ros.mask_conversion import map_frame_from
from perception_nodes.ros.mask_source import MaskSource, PlacedMask
from perception_nodes.ros.running import run_node
from perception_nodes.ros.semantic_map_config import SemanticMapNodeConfig
from perception_nodes.ros.semantic_map_outputs import SemanticMapOutputs, file_path


class SemanticMapNode(PerceptionNode[SemanticMapNodeConfig]):
    """
    Fuse masks into a grid around the robot.

    A mask that cannot be placed is counted under what was missing, and leaves the map as it was.

    Subscribes:
      - ``mask`` (sensor_msgs/Image): mono8 class ids, 255 is unknown
      - ``confidence`` (sensor_msgs/Image): mono8, 255 is certain, with ``use_confidence``
      - ``label_info`` (vision_msgs/LabelInfo): names of the class ids, latched
      - ``camera_info`` (sensor_msgs/CameraInfo): calibration of the camera of the mask
      - ``depth`` (sensor_msgs/Image): 16UC1 or 32FC1, with ``depth_source`` depth
      - ``points_in`` (sensor_msgs/PointCloud2): organised cloud, with ``depth_source`` points
      - ``imu`` (sensor_msgs/Imu): orientation, with ``attitude_source`` imu
      - ``odometry`` (nav_msgs/Odometry): orientation, with ``attitude_source`` odometry
      - ``/tf`` (tf2_msgs/TFMessage): map frame to base frame to camera
      - ``/tf_static`` (tf2_msgs/TFMessage): the same

    Publishes:
      - ``~/occupancy`` (nav_msgs/OccupancyGrid): costs 0..100, -1 unknown, latched
      - ``~/semantic_grid`` (perception_suite/SemanticGrid): class and confidence, latched
      - ``~/points`` (sensor_msgs/PointCloud2): organised as the mask, in the camera's frame, NaN
        where nothing is known; only while somebody subscribes
      - ``~/obstacles`` (sensor_msgs/PointCloud2): what stands, in the camera's frame
      - ``~/floor`` (sensor_msgs/PointCloud2): a sample of the seen floor, in the camera's frame

    Services:
      - ``~/save_map`` (nav2_msgs/SaveMap): writes the files of map_server
      - ``~/load_map`` (nav2_msgs/LoadMap): takes a saved map as evidence
      - ``~/clear`` (std_srvs/Trigger): forgets the map

    Parameters: the fields of :class:`SemanticMapNodeConfig`.
    """

    configuration_type = SemanticMapNodeConfig

    def __init__(self, **node_options: Any) -> None:
        super().__init__('semantic_map_node', **node_options)
        self._stage: MapStage | None = None
        self._outputs: SemanticMapOutputs | None = None
        self._pipeline: FramePipeline | None = None
        self._source: MaskSource | None = None
        self._losses = MapLosses()

    def load(self) -> None:
        """Read the table of classes, and offer the topics."""
        config = self.configuration
        classes = load_map_classes(file_path(config.classes_file))
        self._stage = MapStage(SemanticMap(classes, config, config), config)
        self._outputs = SemanticMapOutputs(self, self._stage, config.map_frame)

    def start(self) -> None:
        """Subscribe and start the worker."""
        config = self.configuration
        self._source = MaskSource(self, config, map_frame=config.map_frame)
        self._pipeline = FramePipeline(
            self, self._source, convert=self._convert, work=self._work, on_error=self.note_error
        )
        self._pipeline.start()

    def stop(self) -> None:
        """Unsubscribe and let the mask in work be finished."""
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.stop()

    def free(self) -> None:
        """Give map and topics back."""
        outputs, self._outputs = self._outputs, None
        self._stage = None
        if outputs is not None:
            outputs.close()

    def health(self) -> Health:
        """Return figures of the frame path, and what kept masks out of the map."""
        pipeline, source, stage = self._pipeline, self._source, self._stage
        if pipeline is None or source is None or stage is None:
            return Health()
        health = pipeline.health(
            stale_after_s=self.configuration.stale_after_s, last_error=self.last_error
        )
        return self._losses.added_to(health, source, stage)

    def _convert(self, placed: PlacedMask) -> MapFrame:
        return map_frame_from(placed, self.configuration)

    def _work(self, job: FrameJob) -> None:
        stage, outputs, pipeline = self._stage, self._outputs, self._pipeline
        if stage is None or outputs is None or pipeline is None:
            return
        outcome = stage.process(job.frame, with_points=outputs.wants_points)
        if outcome.result.status is not UpdateStatus.FUSED:
            self._losses.last_refusal = outcome.result.reason
        outputs.publish(outcome, job.arrival.message.mask.header)
        pipeline.note_published(job)


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run_node(SemanticMapNode))


if __name__ == '__main__':
    main()
