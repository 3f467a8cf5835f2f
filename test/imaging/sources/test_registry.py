"""A URI leads to the right source, or to an error that lists what is allowed."""

import pytest

from perception_nodes.imaging.sources import SourceError, SourceOptions, open_source
from perception_nodes.imaging.sources.bag import BagSource
from perception_nodes.imaging.sources.folder import FolderSource
from perception_nodes.imaging.sources.video import VideoSource
from perception_nodes.imaging.sources.webcam import WebcamSource


@pytest.mark.parametrize('form', ['{}', 'file://{}', 'video:{}', 'video://{}'])
def test_video_is_opened_in_every_spelling(video_path, form):
    assert isinstance(open_source(form.format(video_path)), VideoSource)


@pytest.mark.parametrize('form', ['{}', 'file://{}', 'folder:{}', '{}/frame_1.png'])
def test_folder_is_opened_in_every_spelling(picture_folder, form):
    assert isinstance(open_source(form.format(picture_folder)), FolderSource)


@pytest.mark.parametrize('form', ['{}', 'file://{}', 'bag:{}'])
def test_bag_is_opened_in_every_spelling(bag_path, form):
    options = SourceOptions(topic='/camera/image_raw')
    assert isinstance(open_source(form.format(bag_path), options), BagSource)


def test_scheme_wins_over_the_suffix(tmp_path, video_path):
    path = tmp_path / 'video.dat'
    path.write_bytes(video_path.read_bytes())
    assert isinstance(open_source(f'video:{path}'), VideoSource)
    assert isinstance(open_source(f'webcam:{path}'), WebcamSource)


def test_escaped_file_uri_is_understood(tmp_path, video_path):
    path = tmp_path / 'two words.avi'
    path.write_bytes(video_path.read_bytes())
    assert open_source(path.as_uri()).length == 10


@pytest.mark.parametrize('uri', ['97', '/dev/video97', 'webcam:97', 'webcam:///dev/video97'])
def test_camera_spellings_reach_the_camera(uri):
    with pytest.raises(SourceError, match=r'camera .* cannot be opened'):
        open_source(uri)


@pytest.mark.parametrize(
    ('uri', 'words'),
    [
        ('', 'no source given; allowed: '),
        ('/no/such/place.mp4', 'does not exist'),
        ('ftp://host/video.mp4', 'does not exist'),
        ('video:/no/such/place.mp4', 'does not exist'),
    ],
)
def test_wrong_uri_is_refused_with_words(uri, words):
    with pytest.raises(SourceError, match=words):
        open_source(uri)


def test_unknown_suffix_lists_the_known_ones(tmp_path):
    path = tmp_path / 'notes.txt'
    path.write_text('x')
    with pytest.raises(SourceError, match=r"'\.txt'.*\.mp4.*webcam:"):
        open_source(str(path))


@pytest.mark.parametrize('rate_hz', [0, -1, float('nan')])
def test_senseless_rate_is_refused(rate_hz):
    with pytest.raises(SourceError, match='rate_hz'):
        SourceOptions(rate_hz=rate_hz)
