"""Reading parameter files: as ROS reads them, with lines, and with errors that name them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_nodes.nav2 import ParameterFileError, check_nav2, read_parameters

HERE = Path(__file__).parent


def write(folder: Path, text: str, name: str = 'nav2.yaml') -> Path:
    path = folder / name
    path.write_text(text, encoding='utf-8')
    return path


class TestValues:
    def test_empty_file_has_no_parameters(self, tmp_path):
        parameters = read_parameters([write(tmp_path, '')])
        assert parameters.values == {}
        assert check_nav2(parameters.values) == []

    def test_exponent_without_point_is_a_number_as_for_ros(self, tmp_path):
        text = 'a: {ros__parameters: {x: 1e-3, y: 2E5, z: 1.5e-3, name: e5, hex: 1e}}'
        values = read_parameters([write(tmp_path, text)]).values['a']['ros__parameters']
        assert values == {'x': 1e-3, 'y': 2e5, 'z': 1.5e-3, 'name': 'e5', 'hex': '1e'}

    def test_later_file_wins_and_the_rest_stays(self, tmp_path):
        first = write(tmp_path, 'n: {ros__parameters: {a: 1, b: {c: 2, d: 3}}}', 'first.yaml')
        second = write(tmp_path, 'n: {ros__parameters: {b: {c: 9}}}', 'second.yaml')
        parameters = read_parameters([first, second])
        assert parameters.values == {'n': {'ros__parameters': {'a': 1, 'b': {'c': 9, 'd': 3}}}}
        assert parameters.line('n: b.c') == 'second.yaml:1'
        assert parameters.line('n: a') == 'first.yaml:1'

    def test_documents_of_one_file_are_merged(self, tmp_path):
        text = 'n:\n  ros__parameters: {a: 1}\n---\nn:\n  ros__parameters: {b: 2}\n'
        values = read_parameters([write(tmp_path, text)]).values
        assert values == {'n': {'ros__parameters': {'a': 1, 'b': 2}}}


class TestLines:
    TEXT = """\
/**:
  ros__parameters:
    use_sim_time: true
robot1:
  local_costmap:
    local_costmap:
      ros__parameters:
        voxels:
          camera:
            topic: /points
"""

    @pytest.mark.parametrize(
        ('where', 'line'),
        [
            ('robot1/local_costmap/local_costmap: voxels.camera.topic', 10),
            ('robot1/local_costmap/local_costmap: voxels.camera.clearing', 9),
            ('robot1/local_costmap/local_costmap: trinary_costmap', 6),
            ('robot1/local_costmap/local_costmap: use_sim_time', 3),
            ('robot1/local_costmap/local_costmap', 6),
        ],
    )
    def test_line_of_a_place_or_of_its_nearest_parent(self, tmp_path, where, line):
        parameters = read_parameters([write(tmp_path, self.TEXT)])
        assert parameters.line(where) == f'nav2.yaml:{line}'

    def test_unknown_node_has_no_line(self, tmp_path):
        assert read_parameters([write(tmp_path, self.TEXT)]).line('amcl: alpha1') == ''


class TestDuplicates:
    def test_name_written_twice_is_found_with_both_lines(self, tmp_path):
        text = 'n:\n  ros__parameters:\n    camera: {a: 1}\n    scan: 2\n    camera: {b: 1}\n'
        (finding,) = read_parameters([write(tmp_path, text)]).findings
        assert (finding.check, finding.where) == ('duplicates', 'n: camera')
        assert 'lines 3 and 5' in finding.what

    def test_same_name_in_two_blocks_is_no_duplicate(self, tmp_path):
        text = 'a: {ros__parameters: {x: 1}}\nb: {ros__parameters: {x: 1}}\n'
        assert read_parameters([write(tmp_path, text)]).findings == ()


class TestBroken:
    @pytest.mark.parametrize(
        ('text', 'line', 'word'),
        [
            ('a:\n  b: 1\n c: 2\n', 3, 'indentation'),
            ('a:\n\tb: 1\n', 2, 'tab'),
            ('a: 1\nb: [1, 2\nc: 3\n', 3, 'not valid YAML'),
            ('a: "open\n', 2, 'not valid YAML'),
            ('\n\n- one\n- two\n', 3, 'node names'),
            ('just words\n', 1, 'node names'),
            ('a: &x {b: 1}\nc: *x\n', 2, 'aliases'),
            ('a: &x {<<: {b: 1}}\nc: {<<: *x}\n', 2, 'aliases'),
            ('a: !!python/object:os.system {}\n', 1, 'not valid YAML'),
            ('? [a, b]\n: 1\n', 1, 'not valid YAML'),
        ],
    )
    def test_error_names_file_and_line(self, tmp_path, text, line, word):
        with pytest.raises(ParameterFileError, match=rf'nav2\.yaml:{line}: .*{word}'):
            read_parameters([write(tmp_path, text)])

    def test_binary_file_is_refused(self, tmp_path):
        path = tmp_path / 'map.pgm'
        path.write_bytes(b'P5\n\xff\xfe\xfd')
        with pytest.raises(ParameterFileError, match='UTF-8'):
            read_parameters([path])

    def test_endless_nesting_is_refused(self, tmp_path):
        with pytest.raises(ParameterFileError):
            read_parameters([write(tmp_path, '[' * 100_000)])
        with pytest.raises(ParameterFileError):
            read_parameters([write(tmp_path, '{a: ' * 5_000 + '1' + '}' * 5_000)])

    def test_huge_file_is_refused_unread(self, tmp_path):
        path = tmp_path / 'bag.yaml'
        with path.open('wb') as file:
            file.truncate(20_000_000)
        with pytest.raises(ParameterFileError, match='bytes'):
            read_parameters([path])


def test_healthy_file_has_only_its_one_substitution():
    parameters = read_parameters([HERE / 'healthy.yaml'])
    found = [*parameters.findings, *check_nav2(parameters.values)]
    assert [item.severity.value for item in found] == ['not checked']
    assert parameters.line(found[0].where).startswith('healthy.yaml:')


@settings(max_examples=150, deadline=None)
@given(
    st.text(alphabet=' \n\t:-{}[],&*!|>\'"%@`#?ab01.e$()_/', max_size=60) | st.text(max_size=40)
)
def test_any_text_is_read_or_refused(text):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'x.yaml'
        path.write_bytes(text.encode('utf-8', 'surrogatepass'))
        try:
            parameters = read_parameters([path])
        except ParameterFileError as error:
            complaint = str(error)
            parameters = None
    if parameters is None:
        assert 'x.yaml' in complaint
        return
    for finding in check_nav2(parameters.values):
        assert isinstance(parameters.line(finding.where), str)
