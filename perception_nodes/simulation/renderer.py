"""Colour, depth and labels of a stage, as the camera sees it."""

from __future__ import annotations

import numpy as np

from perception_nodes.imaging.outlines import tight_box
from perception_nodes.simulation.backend import mujoco, open_gl_context
from perception_nodes.simulation.camera import PinholeCamera
from perception_nodes.simulation.classes import UNLABELLED, SemanticClass
from perception_nodes.simulation.construction import ALONE, FAR_M, NEAR_M, SHOWN
from perception_nodes.simulation.stage import Stage
from perception_nodes.simulation.view import RenderedView
from perception_nodes.structures import Detections

MAX_GEOMS = 4000
ALONE_SIDE_PX = 128
"""Things are measured alone in pictures of at most this side; larger ones are scaled down."""
OUTSIDE = 2.0
"""How far outside the picture a thing still counts for truncation, in picture sizes."""
NEAREST_M = 0.06

_FLAG = mujoco.mjtRndFlag


class LabelRenderer:
    """
    Renders a stage with ground truth; one OpenGL context, which belongs to one thread.

    :param size_wh: picture size in pixels.
    """

    def __init__(self, size_wh: tuple[int, int]) -> None:
        self.size_wh = size_wh
        self._gl = open_gl_context(*size_wh)
        self._stage: Stage | None = None
        self._context: mujoco.MjrContext | None = None
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._camera.fixedcamid = 0
        self._seen = _options(SHOWN)
        self._alone = _options(ALONE)

    def load(self, stage: Stage) -> None:
        """Send a stage's meshes and textures to OpenGL; the one before is freed."""
        self._gl.make_current()
        if self._context is not None:
            self._context.free()
        scale = mujoco.mjtFontScale.mjFONTSCALE_50
        self._context = mujoco.MjrContext(stage.model, scale)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._scene = mujoco.MjvScene(stage.model, maxgeom=MAX_GEOMS)
        self._scene.flags[_FLAG.mjRND_REFLECTION] = 0
        self._scene.flags[_FLAG.mjRND_FOG] = 0
        self._scene.flags[_FLAG.mjRND_HAZE] = 0
        self._stage = stage

    @property
    def _loaded(self) -> Stage:
        """The stage that is drawn."""
        if self._stage is None:
            raise RuntimeError('LabelRenderer.render before load: give it a Stage first')
        return self._stage

    def close(self) -> None:
        """Free the OpenGL context."""
        if self._context is not None:
            self._gl.make_current()  # or what bears the same numbers in another one would go
            self._context.free()
            self._context = None
        self._gl.free()

    def render(self, world_from_optical: np.ndarray, camera: PinholeCamera) -> RenderedView:
        """
        Return what the camera sees.

        :param world_from_optical: (4, 4) pose of the optical frame.
        :param camera: intrinsics with the principal point in the middle.
        """
        self._aim(world_from_optical, camera)
        rgb = self._draw(labels=False)[0]
        numbers, depth_m = self._draw(labels=True)
        instance_ids, class_ids = self._labels(_segment_ids(numbers))
        return self._measure(world_from_optical, camera, rgb, depth_m, instance_ids, class_ids)

    def picture(
        self, world_from_optical: np.ndarray, camera: PinholeCamera, *, depth: bool = False
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """
        Return the colours alone, and the depth if it is wanted; see :meth:`render`.

        :return: (H, W, 3) uint8, and (H, W) float32 metres or ``None``.
        """
        self._aim(world_from_optical, camera)
        width, height = self.size_wh
        area = mujoco.MjrRect(0, 0, width, height)
        rgb, depth_m = self._draw_in(area, labels=False, depth=depth)
        return rgb, depth_m if depth else None

    def classes(
        self, world_from_optical: np.ndarray, camera: PinholeCamera
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        Return the classes and the depth alone; see :meth:`render`.

        :return: (H, W) uint8, and (H, W) float32 metres.
        """
        self._aim(world_from_optical, camera)
        numbers, depth_m = self._draw(labels=True)
        return self._labels(_segment_ids(numbers))[1], depth_m

    def _aim(self, world_from_optical: np.ndarray, camera: PinholeCamera) -> None:
        """Put the camera in place and gather what it may see."""
        self._gl.make_current()
        self._loaded.set_camera(world_from_optical, camera)
        self._loaded.update()
        self._update(self._seen)

    def _update(self, options: mujoco.MjvOption) -> None:
        """Fill the scene with what is in the chosen group."""
        stage = self._loaded
        mujoco.mjv_updateScene(
            stage.model, stage.data, options, None, self._camera,
            mujoco.mjtCatBit.mjCAT_ALL, self._scene,
        )  # fmt: skip

    def _draw(self, *, labels: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return (H, W, 3) uint8 colours or encoded ids, and (H, W) float32 depth in metres."""
        width, height = self.size_wh
        return self._draw_in(mujoco.MjrRect(0, 0, width, height), labels=labels, depth=labels)

    def _draw_in(
        self, area: mujoco.MjrRect, *, labels: bool, depth: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw into a part of the buffer and read it back, top row first."""
        self._scene.flags[_FLAG.mjRND_SEGMENT] = labels
        self._scene.flags[_FLAG.mjRND_IDCOLOR] = labels
        self._scene.flags[_FLAG.mjRND_SHADOW] = not labels
        self._scene.flags[_FLAG.mjRND_SKYBOX] = not labels
        pixels = np.empty((area.height, area.width, 3), np.uint8)
        buffer = np.empty((area.height, area.width), np.float32) if depth else None
        mujoco.mjr_render(area, self._scene, self._context)
        mujoco.mjr_readPixels(pixels, buffer, area, self._context)
        if buffer is None:
            return np.ascontiguousarray(pixels[::-1]), np.empty((0, 0), np.float32)
        return np.ascontiguousarray(pixels[::-1]), _metres(buffer[::-1])

    def _labels(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return instance numbers and semantic classes of an (H, W) segment picture."""
        stage = self._loaded
        count = self._scene.ngeom
        instance_of = np.full(count + 1, UNLABELLED, np.uint8)
        class_of = np.full(count + 1, int(SemanticClass.BACKGROUND), np.uint8)
        geoms = self._scene.geoms
        ids = np.array([(geoms[k].segid, geoms[k].objid) for k in range(count)])
        ids = ids[(ids[:, 0] >= 0) & (ids[:, 1] >= 0)]
        things = stage.thing_of_geom[ids[:, 1]]
        instance_of[ids[:, 0] + 1] = np.where(things >= 0, things, UNLABELLED)
        class_of[ids[:, 0] + 1] = stage.semantic_of_geom[ids[:, 1]]
        return instance_of[numbers], class_of[numbers]

    def _measure(
        self,
        world_from_optical: np.ndarray,
        camera: PinholeCamera,
        rgb: np.ndarray,
        depth_m: np.ndarray,
        instance_ids: np.ndarray,
        class_ids: np.ndarray,
    ) -> RenderedView:
        """Find the boxes and compare every thing with itself rendered alone."""
        stage = self._loaded
        areas = np.bincount(instance_ids.ravel(), minlength=256)[:UNLABELLED]
        numbers = np.flatnonzero(areas)
        boxes = [tight_box(instance_ids == number) for number in numbers]
        optical_from_world = np.linalg.inv(world_from_optical)
        shares = [
            self._shares_alone(int(number), int(areas[number]), optical_from_world, camera)
            for number in numbers
        ]
        shares_array = np.array(shares, np.float32).reshape(-1, 2)
        classes = [stage.design.things[number].class_id for number in numbers]
        return RenderedView(
            rgb=rgb, depth_m=depth_m, instance_ids=instance_ids, class_ids=class_ids,
            detections=Detections(
                np.array(boxes, np.float32).reshape(-1, 4), np.ones(len(numbers)),
                np.array(classes, np.int64),
            ),
            instance_numbers=numbers.astype(np.int64), areas_px=areas[numbers],
            visible_fractions=shares_array[:, 0], truncated_fractions=shares_array[:, 1],
        )  # fmt: skip

    def _shares_alone(
        self, number: int, visible_px: int, optical_from_world: np.ndarray, camera: PinholeCamera
    ) -> tuple[float, float]:
        """Return the visible and the truncated fraction of one thing."""
        stage = self._loaded
        rect = _reach_px(
            stage.design.things[number].corners,
            optical_from_world @ stage.pose_of_thing[number], camera,
        )  # fmt: skip
        left, top, right, bottom = rect
        side = min(ALONE_SIDE_PX, *self.size_wh)  # what lies outside the buffer reads as garbage
        scale = min(1.0, side / max(right - left, bottom - top))
        width = max(1, round((right - left) * scale))
        height = max(1, round((bottom - top) * scale))
        stage.set_alone(number, True)
        self._update(self._alone)
        stage.set_alone(number, False)
        _look_at_part(self._scene, camera, rect)
        area = mujoco.MjrRect(0, 0, width, height)
        pixels = self._draw_in(area, labels=True, depth=False)[0].any(axis=2)
        px = (bottom - top) / height  # MuJoCo keeps pixels square, so width follows from height
        columns = (left + right) / 2 + (np.arange(width) + 0.5 - width / 2) * px
        rows = top + (np.arange(height) + 0.5) * px
        inside = np.outer((rows > 0) & (rows < self.size_wh[1]),
                          (columns > 0) & (columns < self.size_wh[0]))  # fmt: skip
        alone, alone_inside = int(pixels.sum()), int((pixels & inside).sum())
        if alone == 0 or alone_inside == 0:
            return 1.0, 0.0
        visible = visible_px / (alone_inside * px * px)
        return min(1.0, float(visible)), 1 - alone_inside / alone


def _options(group: int) -> mujoco.MjvOption:
    """Return the options that draw one geometry group and no helpers."""
    options = mujoco.MjvOption()
    options.geomgroup[:] = 0
    options.geomgroup[group] = 1
    return options


def _segment_ids(pixels: np.ndarray) -> np.ndarray:
    """Return (H, W) int32: segment number + 1, 0 where nothing is."""
    wide = pixels.astype(np.int32)
    return wide[..., 0] | (wide[..., 1] << 8) | (wide[..., 2] << 16)


def _metres(buffer: np.ndarray) -> np.ndarray:
    """
    Return metres along the optical axis of an OpenGL depth buffer.

    Depth is read reversed, 1 at the near plane and 0 at the far one and beyond, which keeps the
    precision of distant floats.
    """
    depth = NEAR_M * FAR_M / (buffer.astype(np.float64) * (FAR_M - NEAR_M) + NEAR_M)
    return np.where(buffer > 0.0, depth, np.nan).astype(np.float32)


def _reach_px(
    corners: np.ndarray, optical_from_thing: np.ndarray, camera: PinholeCamera
) -> tuple[int, int, int, int]:
    """Return the pixels that can hold a thing, up to :data:`OUTSIDE` pictures around."""
    points = corners @ optical_from_thing[:3, :3].T + optical_from_thing[:3, 3]
    limits = np.array(camera.size_wh)
    if points[:, 2].min() < NEAREST_M:
        low, high = -OUTSIDE * limits, (1 + OUTSIDE) * limits
    else:
        uv = camera.project(points)
        low = np.clip(uv.min(axis=0) - 1, -OUTSIDE * limits, (1 + OUTSIDE) * limits)
        high = np.clip(uv.max(axis=0) + 1, -OUTSIDE * limits, (1 + OUTSIDE) * limits)
    left, top = (int(v) for v in np.floor(low))
    right, bottom = (int(v) for v in np.ceil(high))
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _look_at_part(
    scene: mujoco.MjvScene, camera: PinholeCamera, rect: tuple[int, int, int, int]
) -> None:
    """Narrow the view to a rectangle of the picture plane, given in pixels."""
    left, top, right, bottom = rect
    for eye in scene.camera:
        near = eye.frustum_near
        eye.frustum_top = near * (camera.cy - top) / camera.fy
        eye.frustum_bottom = near * (camera.cy - bottom) / camera.fy
        eye.frustum_center = near * ((left + right) / 2 - camera.cx) / camera.fx
