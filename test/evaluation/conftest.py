"""Bundles of the shared public detectors, described by the shipped catalogue."""

import pytest

from perception_nodes.inference.bundle import write_bundle
from perception_nodes.inference.catalogue import load_catalogue

FILES = {'yolox_nano_sample': 'yolox_nano.onnx', 'fastestdet': 'FastestDet.onnx'}


@pytest.fixture(scope='session')
def public_bundle(shared_data, tmp_path_factory):
    """Return a function that gives the bundle of a catalogue entry."""
    folder = tmp_path_factory.mktemp('bundles')
    bundles = {}

    def get(name):
        if name not in bundles:
            weights = shared_data / 'models' / FILES[name]
            bundles[name] = write_bundle(folder / name, load_catalogue()[name].spec, weights)
        return bundles[name]

    return get
