"""Maps and clouds to messages and back."""

from __future__ import annotations

import array
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from nav_msgs.msg import MapMetaData, OccupancyGrid
from perception_suite.msg import SemanticClass, SemanticGrid
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from perception_nodes.mapping import MapClasses, OccupancyMap

_FLOAT_BYTES = 4
_XYZ_FIELDS = [
    PointField(name=name, offset=_FLOAT_BYTES * i, datatype=PointField.FLOAT32, count=1)
    for i, name in enumerate('xyz')
]


def occupancy_grid_msg(map_: OccupancyMap, header: Header) -> OccupancyGrid:
    """Return the costs, -1 unknown; ``map_load_time`` is the stamp of the header."""
    return OccupancyGrid(
        header=header,
        info=_metadata(map_, header.stamp),
        data=array.array('b', map_.costs.tobytes()),
    )


def semantic_grid_msg(
    map_: OccupancyMap, classes: Sequence[SemanticClass], header: Header
) -> SemanticGrid:
    """
    Return the classes of the cells.

    :param map_: with cells.
    :raises ValueError: for a map without.
    """
    if map_.cells is None:
        raise ValueError('a semantic grid needs a map with the classes of its cells')
    return SemanticGrid(
        header=header,
        info=_metadata(map_, header.stamp),
        classes=list(classes),
        class_ids=array.array('B', map_.cells.ids.tobytes()),
        confidence=array.array('B', map_.cells.confidence.tobytes()),
    )


def semantic_class_msgs(classes: MapClasses) -> list[SemanticClass]:
    """Return the table of classes."""
    return [
        SemanticClass(
            class_id=index,
            name=item.name,
            cost=item.cost,
            is_ground=item.ground,
            is_dynamic=item.dynamic,
        )
        for index, item in enumerate(classes.classes)
    ]


def _metadata(map_: OccupancyMap, stamp: Time) -> MapMetaData:
    rows, columns = map_.costs.shape
    info = MapMetaData(
        map_load_time=stamp, resolution=float(map_.resolution_m), width=columns, height=rows
    )
    info.origin.position.x, info.origin.position.y = map_.origin_xy
    info.origin.orientation.w = 1.0
    return info


def cloud_msg(points_xyz: np.ndarray, header: Header) -> PointCloud2:
    """
    Return a float32 cloud.

    :param points_xyz: (N, 3), or (H, W, 3) for an organised cloud with NaN where nothing is.
    """
    points = np.ascontiguousarray(points_xyz, np.float32)
    is_organised = points.ndim == 3
    height, width = points.shape[:2] if is_organised else (1, len(points))
    step = 3 * _FLOAT_BYTES
    data = array.array('B')
    data.frombytes(points.tobytes())
    return PointCloud2(
        header=header,
        height=height,
        width=width,
        fields=_XYZ_FIELDS,
        point_step=step,
        row_step=step * width,
        data=data,
        is_dense=not is_organised,
    )


def organised_points_from_msg(message: PointCloud2) -> np.ndarray:
    """
    Return the points of an organised cloud.

    :returns: (H, W, 3) float32, NaN where the sensor saw nothing.
    :raises ValueError: for a cloud without rows, without float32 x, y, z, or with short data.
    """
    offsets = {
        field.name: field.offset
        for field in message.fields
        if field.name in 'xyz' and field.datatype == PointField.FLOAT32
    }
    if sorted(offsets) != ['x', 'y', 'z'] or message.height < 2:
        raise ValueError(
            f'needs an organised cloud (height above 1) with float32 x, y, z; got height '
            f'{message.height} and {[field.name for field in message.fields]}'
        )
    height, width = message.height, message.width
    needed = message.row_step * (height - 1) + message.point_step * width
    if len(message.data) < needed or message.row_step < message.point_step * width:
        raise ValueError(f'the cloud has {len(message.data)} bytes, its sizes ask for {needed}')
    if max(offsets.values()) + _FLOAT_BYTES > message.point_step:
        raise ValueError(f'a field lies outside the point of {message.point_step} bytes')
    kind = np.dtype('>f4' if message.is_bigendian else '<f4')
    planes = [
        np.ndarray(
            (height, width), kind, message.data, offsets[name],
            (message.row_step, message.point_step),
        )
        for name in 'xyz'
    ]  # fmt: skip
    return np.stack(planes, axis=2).astype(np.float32)
