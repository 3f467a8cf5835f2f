"""The base of the nodes that run a model on camera images and publish what it says."""

from __future__ import annotations

import abc
import time
from typing import Any, Generic, TypeVar

from std_srvs.srv import SetBool, Trigger

from perception_nodes.inference.frame_model import FrameModel
from perception_nodes.inference.frame_stage import FrameStage
from perception_nodes.ros.diagnostics import Health
from perception_nodes.ros.frame_explainer import FrameExplainer
from perception_nodes.ros.frame_node_config import FrameNodeConfig
from perception_nodes.ros.frame_outputs import FrameCounts, FrameOutputs, PublishedAt
from perception_nodes.ros.frame_pipeline import FrameJob, FramePipeline
from perception_nodes.ros.frame_subscription import FrameSubscription, ImageTransport
from perception_nodes.ros.image_conversion import frame_from_any_msg
from perception_nodes.ros.lifecycle_node import PerceptionNode
from perception_nodes.ros.qos import ImageReliability
from perception_nodes.structures import Frame

C = TypeVar('C', bound=FrameNodeConfig)


class FrameNode(PerceptionNode[C], Generic[C]):
    """
    Give every image an answer with the image's own header.

    When images come faster than the model works, the newest is taken and the rest are counted.
    Subclasses say how the model is opened and which topics its results have.

    Subscribes:
      - ``image`` (sensor_msgs/Image): with ``image_transport`` raw
      - ``image/compressed`` (sensor_msgs/CompressedImage): with ``image_transport`` compressed

    Publishes:
      - ``~/label_info`` (vision_msgs/LabelInfo): class names by number, latched
      - ``~/vision_info`` (vision_msgs/VisionInfo): model and back end, latched
      - ``~/overlay`` (sensor_msgs/Image): input with the result drawn on it, only while somebody
        subscribes
      - ``~/overlay/compressed`` (sensor_msgs/CompressedImage): the same as JPEG
      - ``~/timing`` (perception_suite/FrameTiming): where the time of a frame went, only while
        somebody subscribes
      - ``~/explanation`` (sensor_msgs/Image): what the surest results rest on, as heat over the
        picture; worked out beside the frame path, only while somebody subscribes or has asked

    Services:
      - ``~/enable`` (std_srvs/SetBool): false pauses the work and keeps the model
      - ``~/explain`` (std_srvs/Trigger): explains the next picture on ``~/explanation``
    """

    def __init__(self, name: str, **node_options: Any) -> None:
        super().__init__(name, **node_options)
        self._stage: FrameStage | None = None
        self._outputs: FrameOutputs | None = None
        self._pipeline: FramePipeline | None = None
        self._explainer: FrameExplainer | None = None
        self._version = 0
        self._enable = self.create_service(SetBool, '~/enable', self._on_enable)
        self._explain = self.create_service(Trigger, '~/explain', self._on_explain)
        self._enabled = True

    @abc.abstractmethod
    def open_stage(self, configuration: C, **where: Any) -> FrameStage:
        """
        Return the opened model with its settings.

        :param where: ``device``, ``precision`` and ``threads``.
        """

    @abc.abstractmethod
    def make_outputs(self, stage: FrameStage, version: int) -> FrameOutputs:
        """Return the topics of the results."""

    def load(self) -> None:
        """Open, verify and warm the model, and offer the topics."""
        config = self.configuration
        self._version += 1
        self._stage = self.open_stage(
            config, device=config.device, precision=config.precision, threads=config.threads
        )
        if config.verify_golden:
            self._stage.warm_up()
        else:
            self._stage.model.warm_up()
        self._outputs = self.make_outputs(self._stage, self._version)
        self._outputs.announce(config)
        self.get_logger().info(f'model {self._stage.model.description}')

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
        self._explainer = self._make_explainer(config)
        self._pipeline.start()

    def stop(self) -> None:
        """Unsubscribe and let the frame in work be finished."""
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.stop()
        explainer, self._explainer = self._explainer, None
        if explainer is not None:
            explainer.close()

    def free(self) -> None:
        """Give model and topics back."""
        outputs, self._outputs = self._outputs, None
        stage, self._stage = self._stage, None
        if outputs is not None:
            outputs.close()
        if stage is not None:
            stage.close()

    def check(self, configuration: C) -> None:
        """Refuse class names that the loaded model does not have."""
        if self._stage is not None:
            self._stage.model.check(configuration)

    def changed(self, configuration: C) -> None:
        """Take over the settings for the next frame."""
        if self._stage is not None and self._outputs is not None:
            self._stage.configure(configuration)
            self._outputs.announce(configuration)

    def health(self) -> Health:
        """Return figures of the frame path, with device and model."""
        if self._pipeline is None or self._stage is None:
            return Health()
        model = self._stage.model
        health = self._pipeline.health(
            stale_after_s=self.configuration.stale_after_s, last_error=self.last_error
        )
        words = {'model': self.configuration.model, 'network': model.description}
        return health.with_values(device=model.device, **words)

    @property
    def _loaded_stage(self) -> FrameStage:
        if self._stage is None:
            raise RuntimeError('no model is loaded: configure the node first')
        return self._stage

    def _convert(self, message: Any) -> Frame:
        return frame_from_any_msg(message, max_pixels=self.configuration.max_pixels)

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
        outputs.publish_timing(job, stage.times, done, FrameCounts.of(pipeline))
        outputs.publish_for_people(job, found, self.configuration.overlay_jpeg_quality)
        if self._explainer is not None:
            self._explainer.offer(job)

    def _make_explainer(self, config: C) -> FrameExplainer | None:
        if self._outputs is None:
            return None
        model = self._loaded_stage.model

        def opened() -> FrameModel[Any, Any]:
            return type(model).load(
                model.bundle, device=config.device, precision=config.precision, threads=1
            )

        def masks() -> int:
            return self.configuration.explanation_masks

        return FrameExplainer(self._outputs.explanation, opened, masks)

    def _on_explain(
        self, _request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        response.success = self._explainer is not None
        response.message = 'the node is not active: activate it first'
        if self._explainer is not None:
            self._explainer.ask()
            response.message = 'the next picture will be explained on ~/explanation'
        return response

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._enabled = request.data
        if self._pipeline is not None:
            self._pipeline.enabled = request.data
        response.success = True
        response.message = 'working' if request.data else 'paused, the model stays loaded'
        return response
