"""A detector that is small, real and predictable, and a graph to try nodes in."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from perception_nodes.fewshot.bank_file import save_bank
from perception_nodes.fewshot.embedding import GradientColorEmbedder
from perception_nodes.fewshot.prototypes import empty_bank
from perception_nodes.fewshot.views import VIEWS, embed_views
from perception_nodes.inference.bundle import ModelBundle, placeholder_weights, write_bundle
from perception_nodes.inference.bundle_sections import Calibration
from perception_nodes.inference.bundle_spec import DecoderSpec, InputSpec, ModelSpec

CELL = 32
SIDE = 320


def blob_network() -> onnx.ModelProto:
    """
    Return a network in FastestDet's layout that finds red and green squares of one cell.

    Objectness is R + G − 2B of a cell's mean colour, the class scores are R and G.
    """
    centre = np.arctanh(0.5)
    size = -np.log(SIDE / CELL - 1)
    weights = np.zeros((7, 3, 1, 1), np.float32)
    weights[0, :, 0, 0] = 1, 1, -2
    weights[5, 0], weights[6, 1] = 1, 1
    bias = np.array([0, centre, centre, size, size, 0, 0], np.float32)
    lowest = np.array([0, -9, -9, -9, -9, 0, 0], np.float32).reshape(1, 7, 1, 1)
    constants = {'weights': weights, 'bias': bias, 'lowest': lowest, 'one': np.ones(1, np.float32)}
    nodes = [
        helper.make_node(
            'AveragePool', ['picture'], ['cells'], kernel_shape=[CELL] * 2, strides=[CELL] * 2
        ),
        helper.make_node('Conv', ['cells', 'weights', 'bias'], ['raw']),
        helper.make_node('Max', ['raw', 'lowest'], ['positive']),
        helper.make_node('Min', ['positive', 'one'], ['output']),
    ]
    picture = helper.make_tensor_value_info('picture', TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    cells = SIDE // CELL
    output = helper.make_tensor_value_info('output', TensorProto.FLOAT, [1, 7, cells, cells])
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, 'blobs', [picture], [output], stored)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid('', 13)])


@pytest.fixture(scope='session')
def blob_bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """Return a bundle that finds red and green squares on a 32-pixel grid of 320x320 pixels."""
    folder = tmp_path_factory.mktemp('models')
    weights = folder / 'blobs.onnx'
    weights.write_bytes(blob_network().SerializeToString())
    spec = ModelSpec(
        name='blobs',
        task='detection',
        weights=placeholder_weights('model.onnx'),
        input=InputSpec(size_wh=(SIDE, SIDE), color_order='rgb', resize='stretch', scale=1 / 255),
        decoder=DecoderSpec(name='fastestdet'),
        classes=('red', 'green'),
        calibration=Calibration(score_threshold=0.5),
    )
    return write_bundle(folder / 'blobs', spec, weights)


class Graph:
    """Nodes on one executor that only turns while a test waits for something."""

    def __init__(self, domain_id: int | None = None) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain_id)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.nodes: list = []
        self.probe = self.add(lambda **options: rclpy.create_node('probe', **options))

    def add(self, create: Callable, **parameters: object):
        """Create a node with parameters and put it on the executor."""
        from rclpy.parameter import Parameter

        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        node = create(context=self.context, parameter_overrides=overrides)
        self.executor.add_node(node)
        self.nodes.append(node)
        return node

    def remove(self, node) -> None:
        """Destroy a node."""
        self.nodes.remove(node)
        self.executor.remove_node(node)
        node.destroy_node()

    def wait_until(self, condition: Callable[[], object], timeout_s: float = 10.0) -> object:
        """Turn the executor until the condition holds, and return its value."""
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            assert time.monotonic() < deadline, 'the awaited did not happen'
            self.executor.spin_once(timeout_sec=0.02)
        return value

    def turn(self, duration_s: float) -> None:
        """Turn the executor for a while, to see what does not happen."""
        deadline = time.monotonic() + duration_s
        while time.monotonic() < deadline:
            self.executor.spin_once(timeout_sec=0.02)

    def listen(self, kind: type, topic: str, qos: object = 10) -> list:
        """Collect the messages of a topic."""
        found: list = []
        self.probe.create_subscription(kind, topic, found.append, qos)
        return found

    def call(self, kind: type, name: str, request, timeout_s: float = 10.0):
        """Call a service and return the response."""
        client = self.probe.create_client(kind, name)
        self.wait_until(client.service_is_ready, timeout_s)
        future = client.call_async(request)
        self.wait_until(future.done, timeout_s)
        self.probe.destroy_client(client)
        return future.result()

    def close(self) -> None:
        """Destroy everything."""
        while self.nodes:
            self.remove(self.nodes[-1])
        self.executor.shutdown()
        self.context.try_shutdown()


@pytest.fixture
def make_graph() -> Iterator[Callable[..., Graph]]:
    """Return a function that makes an empty graph of its own context, on a domain if named."""
    made: list[Graph] = []

    def make(domain_id: int | None = None) -> Graph:
        made.append(Graph(domain_id))
        return made[-1]

    yield make
    for item in made:
        item.close()


@pytest.fixture
def graph(make_graph: Callable[..., Graph]) -> Graph:
    """Return an empty graph of its own context."""
    return make_graph()


@pytest.fixture
def image_msg() -> Callable:
    """Return a function that makes an Image with coloured cells and a stamp."""
    import array

    from builtin_interfaces.msg import Time
    from sensor_msgs.msg import Image
    from std_msgs.msg import Header

    def make(stamp_ns: int = 0, *, red: tuple = (), green: tuple = (), side: int = SIDE):
        pixels = np.zeros((side, side, 3), np.uint8)
        for channel, cells in ((0, red), (1, green)):
            for column, row in cells:
                x, y = column * CELL, row * CELL
                pixels[y : y + CELL, x : x + CELL, channel] = 255
        sec, nanosec = divmod(stamp_ns, 10**9)
        return Image(
            header=Header(stamp=Time(sec=sec, nanosec=nanosec), frame_id='camera_optical_frame'),
            width=side,
            height=side,
            step=3 * side,
            encoding='rgb8',
            data=array.array('B', pixels.tobytes()),
        )

    return make


@pytest.fixture
def camera(graph, node):
    """Return a publisher of pictures that the node of the test module listens to."""
    from sensor_msgs.msg import Image

    publisher = graph.probe.create_publisher(Image, 'image', 5)
    graph.wait_until(publisher.get_subscription_count)
    return publisher


@pytest.fixture(scope='session')
def paint_bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bank of two taught classes: ``fire`` is red all over, ``leaf`` is green."""
    embedder = GradientColorEmbedder()
    length = len(embedder(np.zeros((8, 8, 3), np.uint8)))
    bank = empty_bank(embedder.name, embedder.settings, (VIEWS, length))
    for name, paint in (('fire', (255, 0, 0)), ('leaf', (0, 255, 0))):
        crop = np.full((CELL, CELL, 3), paint, np.uint8)
        bank = bank.enrolled(name, embed_views(embedder, [crop]))
    return save_bank(tmp_path_factory.mktemp('bank') / 'paints.npz', bank)


@pytest.fixture(scope='session')
def colour_bundle(write_mask_bundle: Callable, tmp_path_factory: pytest.TempPathFactory):
    """Return a segmentation bundle: floor, red, blue by the colour of cells."""
    return write_mask_bundle(tmp_path_factory.mktemp('masks'))
