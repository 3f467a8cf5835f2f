"""The topics of a semantic map node, and the files of its services."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Any

from nav2_msgs.srv import LoadMap, SaveMap
from nav_msgs.msg import OccupancyGrid
from perception_suite.msg import SemanticGrid
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from perception_nodes.inference.resources import (
    PACKAGE,
    ament_share_folder,
    resource_path,
)
from perception_nodes.mapping import (
    MapFault,
    MapFileError,
    MapFormat,
    MapMode,
    OccupancyMap,
    UpdateStatus,
    load_map,
    save_map,
)
from perception_nodes.mapping.map_stage import MapOutcome, MapStage
from perception_nodes.ros.grid_conversion import (
    cloud_msg,
    occupancy_grid_msg,
    semantic_class_msgs,
    semantic_grid_msg,
)
from perception_nodes.ros.qos import LATCHED_QOS, RESULT_QOS, overridable, own_copy

_log = logging.getLogger(__name__)

_RESULTS = {
    MapFault.NOT_THERE: LoadMap.Response.RESULT_MAP_DOES_NOT_EXIST,
    MapFault.DESCRIPTION: LoadMap.Response.RESULT_INVALID_MAP_METADATA,
    MapFault.PICTURE: LoadMap.Response.RESULT_INVALID_MAP_DATA,
}


class SemanticMapOutputs:
    """
    Publishers and services of one configured node; ``close`` removes them.

    :param node: whose private topics they are.
    :param stage: the map.
    :param map_frame: frame of the grids.
    """

    def __init__(self, node: Node, stage: MapStage, map_frame: str) -> None:
        self._node = node
        self._stage = stage
        self._map_frame = map_frame
        self._classes = semantic_class_msgs(stage.grid.classes_table)
        self._header = Header(frame_id=map_frame)
        self._occupancy = self._publisher(OccupancyGrid, '~/occupancy', LATCHED_QOS)
        self._grid = self._publisher(SemanticGrid, '~/semantic_grid', LATCHED_QOS)
        self._points = self._publisher(PointCloud2, '~/points', RESULT_QOS)
        self._obstacles = self._publisher(PointCloud2, '~/obstacles', RESULT_QOS)
        self._floor = self._publisher(PointCloud2, '~/floor', RESULT_QOS)
        self._publishers = [
            self._occupancy, self._grid, self._points, self._obstacles, self._floor,
        ]  # fmt: skip
        self._services = [
            node.create_service(SaveMap, '~/save_map', self._on_save),
            node.create_service(LoadMap, '~/load_map', self._on_load),
            node.create_service(Trigger, '~/clear', self._on_clear),
        ]

    @property
    def wants_points(self) -> bool:
        """Whether anybody listens to the organised cloud."""
        return self._points.get_subscription_count() > 0

    def close(self) -> None:
        """Remove topics and services."""
        for publisher in self._publishers:
            self._node.destroy_publisher(publisher)
        for service in self._services:
            self._node.destroy_service(service)

    def publish(self, outcome: MapOutcome, header: Header) -> None:
        """
        Publish what a mask gave: clouds with the header of the mask, grids with its stamp.

        A mask that the map refused renews no grid: its stamp would make an old map look fresh.

        :param header: of the mask, bit for bit.
        """
        self._obstacles.publish(cloud_msg(outcome.obstacles_xyz, header))
        self._floor.publish(cloud_msg(outcome.floor_xyz, header))
        if outcome.points_xyz is not None:
            self._points.publish(cloud_msg(outcome.points_xyz, header))
        if outcome.result.status is UpdateStatus.FUSED:
            self._header = Header(stamp=header.stamp, frame_id=self._map_frame)
            self._publish_map(outcome.map_)

    def _publish_map(self, map_: OccupancyMap) -> None:
        self._grid.publish(semantic_grid_msg(map_, self._classes, self._header))
        self._occupancy.publish(occupancy_grid_msg(map_, self._header))

    def _publisher(self, kind: type[Any], topic: str, qos: QoSProfile) -> Any:
        return self._node.create_publisher(
            kind, topic, own_copy(qos), qos_overriding_options=overridable()
        )

    def _on_save(self, request: SaveMap.Request, response: SaveMap.Response) -> SaveMap.Response:
        own = self._node.resolve_topic_name('~/occupancy')
        try:
            if request.map_topic and self._node.resolve_topic_name(request.map_topic) != own:
                raise ValueError(f'map_topic {request.map_topic!r}: this node saves {own} only')
            format_ = MapFormat(
                mode=MapMode(request.map_mode or MapMode.TRINARY.value),
                picture=request.image_format,
                free_threshold=round(request.free_thresh, 4) or MapFormat.free_threshold,
                occupied_threshold=round(request.occupied_thresh, 4)
                or MapFormat.occupied_threshold,
            )
            stem = file_path(request.map_url)
            path = save_map(stem.with_suffix('') if stem.suffix == '.yaml' else stem,
                            self._stage.saved(), format_)  # fmt: skip
        except ValueError as error:
            _log.error('the map was not saved: %s', error)
            response.result = False
            return response
        _log.info('map saved to %s', path)
        response.result = True
        return response

    def _on_load(self, request: LoadMap.Request, response: LoadMap.Response) -> LoadMap.Response:
        undefined = LoadMap.Response.RESULT_UNDEFINED_FAILURE
        try:
            saved = load_map(file_path(request.map_url))
        except MapFileError as error:
            _log.error('no map was loaded: %s', error)
            response.result = _RESULTS.get(error.fault, undefined)
            return response
        except ValueError as error:
            _log.error('no map was loaded: %s', error)
            response.result = LoadMap.Response.RESULT_MAP_DOES_NOT_EXIST
            return response
        result = self._stage.restore(saved)
        _log.info(
            'map loaded: %d cells known, %d outside the window, classes taken by cost: %s',
            result.cells, result.outside, ', '.join(result.unknown_names) or 'none',
        )  # fmt: skip
        self._publish_map(self._stage.saved())
        response.map = occupancy_grid_msg(saved, self._header)
        response.result = LoadMap.Response.RESULT_SUCCESS
        return response

    def _on_clear(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._stage.clear()
        self._publish_map(self._stage.saved())
        response.success, response.message = True, 'the map is empty'
        return response


def file_path(url: str) -> Path:
    """
    Return the file of a path, a ``file://`` or a ``package://`` URL.

    :raises ValueError: an empty URL, or a package that is not installed.
    """
    if url.startswith('package://'):
        package, _, inside = url.removeprefix('package://').partition('/')
        if package == PACKAGE and inside:
            with contextlib.suppress(FileNotFoundError):
                return resource_path(inside)
        folder = ament_share_folder(package)
        if folder is None or not inside:
            raise ValueError(f'{url}: package {package!r} is not installed, or no file is named')
        return folder / inside
    path = url.removeprefix('file://')
    if not path:
        raise ValueError('no file is named: give a path, file:// or package://')
    return Path(path).expanduser()
