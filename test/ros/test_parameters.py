"""Parameters from a frozen dataclass: declared once, changed as a whole or not at all."""

from dataclasses import dataclass
from enum import Enum

import pytest

pytest.importorskip('rclpy')

import rclpy
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.srv import DescribeParameters, SetParametersAtomically
from rclpy.parameter import Parameter

from perception_nodes.ros.parameters import NodeParameters
from perception_nodes.structures import check_settings, setting

pytestmark = pytest.mark.ros


class Colour(str, Enum):
    RED = 'red'
    BLUE = 'blue'


@dataclass(frozen=True, kw_only=True)
class Config:
    low: float = setting(0.2, 'Lower limit, 0..1', minimum=0.0, maximum=1.0, live=True)
    high: float = setting(0.8, 'Upper limit, 0..1', minimum=0.0, maximum=1.0, live=True)
    count: int = setting(3, 'How many', minimum=1, live=True)
    names: tuple[str, ...] = setting((), 'Which', live=True)
    weights: tuple[float, ...] = setting((1.0,), 'How much', minimum=0.0, live=True)
    colour: str = setting(Colour.RED.value, 'What colour', choices=('red', 'blue'))
    on: bool = setting(True, 'Whether')

    def __post_init__(self) -> None:
        check_settings(self)
        if self.low > self.high:
            raise ValueError(f'low {self.low} must not be above high {self.high}')


@pytest.fixture
def make(graph):
    def create(**values):
        node = graph.add(lambda **options: rclpy.create_node('owner', **options), **values)
        return node, NodeParameters(node, Config)

    return create


def test_defaults_come_from_the_dataclass(make):
    _, parameters = make()
    assert parameters.configuration == Config()


def test_overrides_win_over_defaults(make):
    _, parameters = make(low=0.1, names=['a', 'b'], colour='blue', on=False)
    expected = Config(low=0.1, names=('a', 'b'), colour='blue', on=False)
    assert parameters.configuration == expected


def test_empty_list_is_a_list_of_strings(make):
    node, parameters = make()
    assert node.get_parameter('names').type_ is Parameter.Type.STRING_ARRAY
    assert parameters.configuration.names == ()


def test_list_can_be_emptied_as_the_command_line_does_it(make):
    node, parameters = make(names=['a'])
    # ``ros2 param set owner names "[]"`` sends an empty list of booleans.
    answer = node.set_parameters([Parameter('names', Parameter.Type.BOOL_ARRAY, [])])[0]
    assert answer.successful
    assert parameters.configuration.names == ()


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'low': 1}, 'low must be a double .write 1.0, not 1.'),
        ({'low': 1.5}, 'Lower limit, 0..1'),
        ({'count': 0}, 'How many'),
        ({'colour': 'green'}, "colour: 'green' is not one of red, blue"),
        ({'names': [1, 2]}, 'names: .1, 2. must be a list of str'),
        ({'low': 0.9, 'high': 0.1}, 'low 0.9 must not be above high 0.1'),
    ],
)
def test_bad_start_value_is_refused_with_the_cure(make, values, words):
    with pytest.raises(ValueError, match=words):
        make(**values)


def test_descriptors_tell_words_ranges_and_choices(graph, make):
    make()
    request = DescribeParameters.Request(names=['low', 'count', 'colour', 'names', 'weights'])
    low, count, colour, names, weights = graph.call(
        DescribeParameters, 'owner/describe_parameters', request
    ).descriptors
    assert low.description == 'Lower limit, 0..1'
    assert (low.floating_point_range[0].from_value, low.floating_point_range[0].to_value) == (0, 1)
    assert count.integer_range[0].from_value == 1
    assert colour.additional_constraints == 'one of: red, blue'
    assert colour.read_only
    assert not low.read_only
    assert names.type == ParameterType.PARAMETER_STRING_ARRAY
    assert weights.additional_constraints == 'each in 0.0 … None'


def atomically(graph, *parameters):
    request = SetParametersAtomically.Request(
        parameters=[item.to_parameter_msg() for item in parameters]
    )
    return graph.call(SetParametersAtomically, 'owner/set_parameters_atomically', request).result


def test_two_values_that_fit_only_together_pass_together(graph, make):
    _, parameters = make()
    answer = atomically(graph, Parameter('low', value=0.9), Parameter('high', value=0.95))
    assert answer.successful
    assert (parameters.configuration.low, parameters.configuration.high) == (0.9, 0.95)


def test_one_bad_value_leaves_everything_as_it_was(graph, make):
    node, parameters = make()
    answer = atomically(graph, Parameter('count', value=9), Parameter('low', value=0.9))
    assert not answer.successful
    assert answer.reason == 'low 0.9 must not be above high 0.8'
    assert parameters.configuration == Config()
    assert node.get_parameter('count').value == 3


def test_setting_that_is_not_live_is_refused(graph, make):
    _, parameters = make()
    answer = atomically(graph, Parameter('colour', value='blue'))
    assert not answer.successful
    assert parameters.configuration.colour == 'red'


def test_owner_may_refuse_and_hears_of_changes(graph):
    node = graph.add(lambda **options: rclpy.create_node('owner', **options))
    heard = []

    def check(configuration: Config) -> None:
        if 'unicorn' in configuration.names:
            raise ValueError('names: there is no unicorn')

    parameters = NodeParameters(node, Config, check=check, changed=heard.append)
    assert not atomically(graph, Parameter('names', value=['unicorn'])).successful
    assert atomically(graph, Parameter('names', value=['horse'])).successful
    assert [item.names for item in heard] == [('horse',)]
    assert heard[0] is parameters.configuration


def test_foreign_parameters_pass_by(make):
    node, parameters = make()
    node.declare_parameter('qos_overrides./image.subscription.depth', 5)
    assert parameters.configuration == Config()
