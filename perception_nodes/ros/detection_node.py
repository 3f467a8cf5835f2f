"""The detection node: camera images in, typed detections out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from sensor_msgs.msg import CompressedImage, Image
from std_srvs.srv import SetBool

from perception_nodes.detection import DetectionStage, Detector
from perception_nodes.ros.detection_config import DetectionNodeConfig
from perception_nodes.ros.detection_outputs import DetectionOutputs, FrameCounts, PublishedAt
from perception_nodes.ros.detections_conversion import ClassIdFormat
from perception_nodes.ros.diagnostics import Health
from perception_nodes.ros.frame_pipeline import FrameJob, FramePipeline
from perception_nodes.ros.frame_subscription import FrameSubscription, ImageTransport
from perception_nodes.ros.image_conversion import frame_from_compressed_msg, frame_from_msg
from perception_nodes.ros.lifecycle_node import PerceptionNode
from perception_nodes.ros.qos import ImageReliability
from perception_nodes.ros.running import run_node
from perception_nodes.structures import Frame

_CONVERTERS: dict[type, Callable[..., Frame]] = {
    Image: frame_from_msg,
    CompressedImage: frame_from_compressed_msg,
}


class DetectionNode(PerceptionNode[DetectionNodeConfig]):
    """
    Find things in camera images.

    Every image gets an answer with the image's own header, an empty one when nothing is found.
    When images come faster than the model works, the newest is taken and the rest are counted.

    Subscribes:
      - ``image`` (sensor_msgs/Image): with ``image_transport`` raw
      - ``image/compressed`` (sensor_msgs/CompressedImage): with ``image_transport`` compressed

    Publishes:
      - ``~/detections`` (vision_msgs/Detection2DArray): boxes in pixels of the input image,
        highest score first
      - ``~/label_info`` (vision_msgs/LabelInfo): class names by number, latched
      - ``~/vision_info`` (vision_msgs/VisionInfo): model and back end, latched
      - ``~/overlay`` (sensor_msgs/Image): input with boxes, only while somebody subscribes
      - ``~/overlay/compressed`` (sensor_msgs/CompressedImage): the same as JPEG
      - ``~/timing`` (perception_suite/FrameTiming): where the time of a frame went, only while
        somebody subscribes

    Services:
      - ``~/enable`` (std_srvs/SetBool): false pauses the work and keeps the model

    Parameters: the fields of :class:`DetectionNodeConfig`.
    """

    configuration_type = DetectionNodeConfig

    def __init__(self, **node_options: Any) -> None:
        super().__init__('detection_node', **node_options)
        self._stage: DetectionStage | None = None
        self._outputs: DetectionOutputs | None = None
        self._pipeline: FramePipeline | None = None
        self._version = 0
        self._enable = self.create_service(SetBool, '~/enable', self._on_enable)
        self._enabled = True

    def load(self) -> None:
        """Open, verify and warm the model, and offer the topics."""
        config = self.configuration
        self._version += 1
        detector = Detector.load(
            config.model,
            device=config.device,
            precision=config.precision,
            threads=config.threads,
        )
        self._stage = DetectionStage(detector, config)
        if config.verify_golden:
            self._stage.warm_up()
        else:
            detector.warm_up()
        class_id_format = ClassIdFormat(config.class_id_format)
        self._outputs = DetectionOutputs(self, detector, class_id_format, self._version)
        self._outputs.announce(config)
        self.get_logger().info(f'model {detector.description}')

    def start(self) -> None:
        """Subscribe and start the worker."""
        config = self.configuration
        subscription = FrameSubscription(
            self,
            'image',
            transport=ImageTransport(config.image_transport),
            reliability=ImageReliability(config.image_reliability),
        )
        self._pipeline = FramePipeline(
            self,
            subscription,
            convert=self._convert,
            work=self._work,
            on_error=self.note_error,
            admit=self._loaded_stage.admit,
        )
        self._pipeline.enabled = self._enabled
        self._pipeline.start()

    def stop(self) -> None:
        """Unsubscribe and let the frame in work be finished."""
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.stop()

    def free(self) -> None:
        """Give model and topics back."""
        outputs, self._outputs = self._outputs, None
        stage, self._stage = self._stage, None
        if outputs is not None:
            outputs.close()
        if stage is not None:
            stage.close()

    def check(self, configuration: DetectionNodeConfig) -> None:
        """Refuse class names that the loaded model does not have."""
        if self._stage is not None:
            self._stage.model.check(configuration)

    def changed(self, configuration: DetectionNodeConfig) -> None:
        """Take over thresholds and filters for the next frame."""
        if self._stage is not None and self._outputs is not None:
            self._stage.configure(configuration)
            self._outputs.announce(configuration)

    def health(self) -> Health:
        """Return figures of the frame path, with device and model."""
        if self._pipeline is None or self._stage is None:
            return Health()
        detector = self._stage.model
        health = self._pipeline.health(
            stale_after_s=self.configuration.stale_after_s, last_error=self.last_error
        )
        words = {'model': self.configuration.model, 'network': detector.description}
        return health.with_values(device=detector.device, **words)

    @property
    def _loaded_stage(self) -> DetectionStage:
        if self._stage is None:
            raise RuntimeError('no model is loaded: configure the node first')
        return self._stage

    def _convert(self, message: Any) -> Frame:
        convert = _CONVERTERS[type(message)]
        return convert(message, max_pixels=round(self.configuration.max_image_megapixels * 1e6))

    def _work(self, job: FrameJob) -> None:
        """Run in the worker's thread: infer, publish, and only then what is for people."""
        stage, outputs, pipeline = self._loaded_stage, self._outputs, self._pipeline
        if outputs is None or pipeline is None:
            return
        found = stage.process(job.frame)
        found_ns = time.monotonic_ns()
        pipeline.meter.inference.add(round(stage.times.infer_s * 1e9), found_ns)
        outputs.publish(job, found)
        published_ns = pipeline.note_published(job)
        done = PublishedAt(found_ns=found_ns, published_ns=published_ns)
        outputs.publish_timing(job, stage.times, done, _counts(pipeline))
        outputs.publish_overlay(job, found, self.configuration.overlay_jpeg_quality)

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._enabled = request.data
        if self._pipeline is not None:
            self._pipeline.enabled = request.data
        response.success = True
        response.message = 'working' if request.data else 'paused, the model stays loaded'
        return response


def _counts(pipeline: FramePipeline) -> FrameCounts:
    return FrameCounts(
        received=pipeline.meter.received,
        dropped=pipeline.counts.dropped,
        refused=sum(pipeline.meter.refused.values()),
    )


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run_node(DetectionNode))


if __name__ == '__main__':
    main()
