import numpy as np
import pytest

from perception_nodes.simulation.meshes import prism, rectangle_outline, revolve, ribbon


def signed_volume(mesh):
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum('ij,ij->i', a, np.cross(b, c)).sum() / 6)


def directed_edges(mesh):
    pairs = np.vstack([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    return {tuple(pair) for pair in pairs.tolist()}


LINE = np.column_stack([np.linspace(0, 2, 5), np.zeros(5)])
MESHES = {
    'cylinder': (revolve([(0.5, 0.0), (0.5, 2.0)], 200), np.pi * 0.25 * 2),
    'plate': (prism(rectangle_outline(0.4, 0.5), 0.1), 0.02),
    'cut_plate': (prism(rectangle_outline(1.0, 1.0, 0.25), 0.1), 0.0875),
    'slab': (ribbon(LINE + np.array([0, 0.1]), LINE - np.array([0, 0.1]), 0.0, -0.5), 0.2),
}


@pytest.mark.parametrize('name', MESHES)
def test_volume_is_positive_so_faces_look_outwards(name):
    mesh, volume = MESHES[name]
    assert signed_volume(mesh) == pytest.approx(volume, rel=1e-3)


@pytest.mark.parametrize('name', MESHES)
def test_every_edge_has_its_counterpart_so_the_mesh_is_closed(name):
    edges = directed_edges(MESHES[name][0])
    assert all((b, a) in edges for a, b in edges)
