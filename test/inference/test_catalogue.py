"""Fetching: whole, resumed, refused; from a server on this machine, never from the network."""

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from perception_nodes.inference import catalogue
from perception_nodes.inference.bundle import (
    BundleError,
    file_sha256,
    read_bundle,
    write_bundle,
)
from perception_nodes.inference.bundle_spec import Provenance, WeightsSpec
from perception_nodes.inference.cache import cache_folder
from perception_nodes.inference.catalogue import CatalogueEntry, fetch, load_catalogue
from perception_nodes.inference.decoders import build_decoder
from perception_nodes.inference.download import DownloadError, download
from perception_nodes.inference.golden import read_frame
from perception_nodes.inference.golden_boxes import read_expected

CONTENT = bytes(range(256)) * 1024


@dataclass
class Server:
    """A web server with one file, and what it was asked for."""

    url: str
    ranges: list = field(default_factory=list)
    break_after: 'int | None' = None
    knows_ranges: bool = True


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT, wholly or in part, and may break off."""

    def __init__(self, server_state: Server, *args: object) -> None:
        self.state = server_state
        super().__init__(*args)

    def do_GET(self) -> None:
        if self.path != '/model.onnx':
            self.send_error(404)
            return
        wanted = self.headers.get('Range')
        self.state.ranges.append(wanted)
        start = int(re.findall(r'\d+', wanted)[0]) if wanted and self.state.knows_ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header('Content-Length', str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start:][: self.state.break_after])

    def log_message(self, *args: object) -> None:
        """Keep the terminal clean."""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server('')
    with http.server.ThreadingHTTPServer(
        ('127.0.0.1', 0), functools.partial(Handler, state)
    ) as web:
        state.url = f'http://127.0.0.1:{web.server_address[1]}/model.onnx'
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield state
        web.shutdown()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('PERCEPTION_CACHE', str(tmp_path / 'cache'))
    return tmp_path / 'cache'


@pytest.fixture
def sha256(tmp_path: Path) -> str:
    (tmp_path / 'content').write_bytes(CONTENT)
    return file_sha256(tmp_path / 'content')


@pytest.fixture
def entry(make_spec, server: Server, sha256: str) -> CatalogueEntry:
    spec = make_spec(
        name='public',
        weights=WeightsSpec(file='model.onnx', sha256=sha256),
        provenance=Provenance(source='test', licence='Apache-2.0', url=server.url),
    )
    return CatalogueEntry(description='for tests', size_bytes=len(CONTENT), spec=spec)


def test_fetched_model_is_a_ready_bundle(entry, own_cache):
    seen = []
    bundle = fetch(entry, progress=lambda done, total: seen.append((done, total)))
    assert bundle.path == own_cache / 'models' / 'public'
    assert read_bundle(bundle.path).spec == entry.spec
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in (own_cache / 'downloads').iterdir()] == []


def test_model_that_is_here_is_not_fetched_again(entry, server):
    fetch(entry)
    fetch(entry)
    assert len(server.ranges) == 1


def test_damaged_model_is_told_apart(entry):
    bundle = fetch(entry)
    bundle.weights_path.write_bytes(b'damaged')
    with pytest.raises(BundleError, match=r'was changed or is incomplete[\s\S]*Remove .*public'):
        fetch(entry)


def test_model_of_ones_own_with_the_same_name_is_not_overwritten(
    entry, own_cache, make_spec, write_model
):
    own = write_bundle(own_cache / 'models' / 'public', make_spec(name='public'), write_model())
    with pytest.raises(BundleError, match='holds other weights'):
        fetch(entry)
    assert read_bundle(own.path) == own


def test_broken_download_resumes_where_it_ended(server, sha256, tmp_path):
    server.break_after = 100_000
    with pytest.raises(DownloadError, match=r'ended after|cannot be fetched'):
        download(server.url, tmp_path / 'm.onnx', sha256)
    assert not (tmp_path / 'm.onnx').exists()
    server.break_after = None
    download(server.url, tmp_path / 'm.onnx', sha256)
    assert server.ranges == [None, 'bytes=100000-']
    assert (tmp_path / 'm.onnx').read_bytes() == CONTENT


def test_server_that_knows_no_ranges_sends_all_again(server, sha256, tmp_path):
    server.knows_ranges = False
    (tmp_path / 'm.onnx.part').write_bytes(b'x' * 1000)
    download(server.url, tmp_path / 'm.onnx', sha256)
    assert (tmp_path / 'm.onnx').read_bytes() == CONTENT


def test_overlong_partial_file_is_started_again(server, sha256, tmp_path):
    (tmp_path / 'm.onnx.part').write_bytes(b'x' * (len(CONTENT) + 5))
    download(server.url, tmp_path / 'm.onnx', sha256)
    assert (tmp_path / 'm.onnx').read_bytes() == CONTENT


def test_file_with_another_hash_is_deleted(server, tmp_path):
    with pytest.raises(DownloadError, match='it was deleted'):
        download(server.url, tmp_path / 'm.onnx', '0' * 64)
    assert list(tmp_path.iterdir()) == []


def test_answer_longer_than_promised_is_refused(server, sha256, tmp_path):
    with pytest.raises(DownloadError, match='is longer than the 1000 bytes'):
        download(server.url, tmp_path / 'm.onnx', sha256, size_bytes=1000)


def test_first_digits_of_a_hash_are_enough(server, sha256, tmp_path):
    assert download(server.url, tmp_path / 'm.onnx', sha256[:8]).exists()


def test_file_address_works_without_a_network(sha256, tmp_path):
    download((tmp_path / 'content').as_uri(), tmp_path / 'copy', sha256)
    assert (tmp_path / 'copy').read_bytes() == CONTENT


@pytest.mark.parametrize(
    ('url', 'words'),
    [
        ('ftp://example.org/x', 'only https, http, file'),
        ('http://127.0.0.1:9/x', 'cannot be fetched'),
        ('file:///nowhere/x', 'cannot be fetched'),
        ('http://nowhere.invalid/x', 'cannot be fetched'),
    ],
)
def test_address_that_does_not_answer(tmp_path, url, words):
    with pytest.raises(DownloadError, match=words):
        download(url, tmp_path / 'x', '0' * 64)


def test_missing_file_on_the_server(server, tmp_path):
    with pytest.raises(DownloadError, match=r'404|Not Found'):
        download(server.url + 'x', tmp_path / 'x', '0' * 64)


def test_without_network_the_words_for_placing_by_hand(entry):
    provenance = replace(entry.spec.provenance, url='http://127.0.0.1:9/model.onnx')
    offline = replace(entry, spec=replace(entry.spec, provenance=provenance))
    with pytest.raises(BundleError) as caught:
        fetch(offline)
    for words in (offline.url, '--from-file', offline.spec.weights.sha256, 'on another machine'):
        assert words in str(caught.value)


def test_file_brought_by_hand(entry, server, tmp_path):
    bundle = fetch(entry, from_file=tmp_path / 'content')
    assert bundle.read_weights() == CONTENT
    assert server.ranges == []


def test_wrong_file_brought_by_hand_is_refused(entry, tmp_path):
    (tmp_path / 'other').write_bytes(b'other')
    with pytest.raises(BundleError, match='perception models import'):
        fetch(entry, from_file=tmp_path / 'other')
    with pytest.raises(BundleError, match='no such file'):
        fetch(entry, from_file=tmp_path / 'missing')


def test_shipped_catalogue_is_complete():
    entries = load_catalogue()
    assert {'yolox_nano', 'yolox_tiny', 'fastestdet'} <= set(entries)
    for name, item in entries.items():
        assert item.spec.name == name
        assert item.url.startswith('https://github.com/')
        assert item.spec.provenance.licence in ('Apache-2.0', 'BSD-3-Clause', 'MIT')
        assert item.spec.metrics
        decoder = item.spec.decoder
        build_decoder(decoder.name, decoder.options, class_count=len(item.spec.classes))
        assert {box.label for box in read_expected(item.acceptance.objects)} <= set(
            item.spec.classes
        )
        assert read_frame(item.acceptance.frame).size_wh == (640, 448)


@pytest.mark.data
@pytest.mark.parametrize(
    ('name', 'file'), [('yolox_nano_sample', 'yolox_nano.onnx'), ('fastestdet', 'FastestDet.onnx')]
)
def test_shared_weights_are_those_the_catalogue_means(shared_data, name, file):
    from perception_nodes.detection.detector import Detector

    item = load_catalogue()[name]
    path = shared_data / 'models' / file
    assert item.size_bytes == path.stat().st_size
    bundle = fetch(item, from_file=path)
    detector = Detector.load(bundle, device='cpu', threads=1)
    assert item.acceptance.missing(detector, bundle.classes) == []


@pytest.mark.data
@pytest.mark.parametrize('changes', [{'scale': 1 / 255}, {'mean': (255.0, 255.0, 255.0)}], ids=str)
def test_wrong_description_does_not_pass_acceptance(shared_data, changes):
    from perception_nodes.detection.detector import Detector

    item = load_catalogue()['yolox_nano_sample']
    spec = replace(item.spec, input=replace(item.spec.input, **changes))
    bundle = fetch(replace(item, spec=spec), from_file=shared_data / 'models' / 'yolox_nano.onnx')
    detector = Detector.load(bundle, device='cpu', threads=1)
    assert item.acceptance.missing(detector, bundle.classes)


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('- a', 'is not a mapping'),
        ('m: {description: x}', "'size_bytes' is missing"),
        ('m: {description: x, size_bytes: 0, spec: {}}', 'm.spec.model.yaml'),
        ('m: {description: x, size_bytes: 1, spec: {}, url: y}', "unknown key 'url'"),
    ],
)
def test_malformed_catalogue_names_the_entry(tmp_path, text, words):
    (tmp_path / 'c.yaml').write_text(text)
    with pytest.raises(BundleError, match=re.escape(words)):
        load_catalogue(tmp_path / 'c.yaml')


def test_unknown_name_gets_a_hint():
    with pytest.raises(BundleError, match="did you mean 'fastestdet'"):
        catalogue.find_entry('fastdet', load_catalogue())


@pytest.mark.parametrize(
    ('variables', 'folder'),
    [
        ({'PERCEPTION_CACHE': '/a'}, '/a/models'),
        ({'PERCEPTION_CACHE': '', 'XDG_CACHE_HOME': '/b'}, '/b/perception_suite/models'),
        (
            {'PERCEPTION_CACHE': '', 'XDG_CACHE_HOME': '', 'HOME': '/c'},
            '/c/.cache/perception_suite/models',
        ),
    ],
)
def test_cache_folder_follows_the_environment(monkeypatch, variables, folder):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder('models') == Path(folder)
