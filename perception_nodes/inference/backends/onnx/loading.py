"""ONNX files from strangers: what they may hold, and their fp16 variant."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import onnx
from onnx.external_data_helper import ExternalDataInfo, uses_external_data

from perception_nodes.inference.backends.contract import BackendError
from perception_nodes.inference.bundle import BundleError, ModelBundle
from perception_nodes.inference.bundle_checks import inner_file

# A node of this kind makes the runtime load a file with compiled code.
_REFUSED_OPERATORS = ('EPContext',)
_QUANTISED_OPERATORS = ('QuantizeLinear', 'DequantizeLinear', 'QLinearConv', 'ConvInteger')


def load_checked(bundle: ModelBundle) -> bytes:
    """
    Return the bytes of an ONNX model that refers to nothing but the bundle's own files.

    :raises BackendError: for a file that is no ONNX model, or refers to files that the bundle
        does not list with a hash.
    """
    content = bundle.read_weights()
    model = parse(content, str(bundle.weights_path))
    try:
        for tensor in _tensors(model):
            _check_external(tensor, bundle)
    except BundleError as error:
        raise BackendError(f'{bundle.weights_path}: {error}') from error
    for node in _nodes(model):
        if node.op_type in _REFUSED_OPERATORS:
            raise BackendError(
                f'{bundle.weights_path}: holds the operator {node.op_type}, which loads compiled '
                'code from a file; export the model again without it'
            )
    return content


def has_external_data(bundle: ModelBundle) -> bool:
    """Return whether the weights lie in further files."""
    return bool(bundle.spec.weights.external)


def parse(content: bytes, origin: str) -> onnx.ModelProto:
    """Return the parsed model, or raise :class:`BackendError` for anything else."""
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf raises its own classes, which differ by version
        raise BackendError(f'{origin}: is not an ONNX model ({error})') from error
    if not model.graph.node:
        raise BackendError(f'{origin}: is not an ONNX model (it holds no operators)')
    return model


def is_quantised(graph: onnx.GraphProto) -> bool:
    """Return whether a graph computes in 8 bit, at least in parts."""
    return any(node.op_type in _QUANTISED_OPERATORS for node in graph.node)


def to_fp16(content: bytes) -> bytes:
    """Return the model with fp16 arithmetic and unchanged fp32 inputs and outputs."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with warnings.catch_warnings():
        # It warns for every constant that is truncated to the smallest fp16 number.
        warnings.simplefilter('ignore')
        model = convert_float_to_float16(onnx.load_model_from_string(content), keep_io_types=True)
    return bytes(model.SerializeToString())


def _check_external(tensor: onnx.TensorProto, bundle: ModelBundle) -> None:
    if not uses_external_data(tensor):
        return
    location = inner_file(f'external data of {tensor.name!r}', ExternalDataInfo(tensor).location)
    parent = bundle.weights_path.parent.relative_to(bundle.path)
    relative = str(parent / location)
    if relative not in bundle.spec.weights.external:
        raise BundleError(
            f'external data of {tensor.name!r} lies in {location!r}, which model.yaml does not '
            f'list; add weights.external: {{{relative}: <sha256>}}'
        )
    bundle.file(relative)


def _graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto | onnx.FunctionProto]:
    """Yield the graph, those inside its operators, and the functions of the model."""
    waiting: list[onnx.GraphProto | onnx.FunctionProto] = [model.graph, *model.functions]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                waiting.extend(attribute.graphs)
                if attribute.HasField('g'):
                    waiting.append(attribute.g)


def _nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    for graph in _graphs(model):
        yield from graph.node


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Yield every tensor that a model can hold: initialisers and constants."""
    for graph in _graphs(model):
        if isinstance(graph, onnx.GraphProto):
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
        for node in graph.node:
            for attribute in node.attribute:
                yield from attribute.tensors
                yield attribute.t
                for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                    yield from (sparse.values, sparse.indices)
