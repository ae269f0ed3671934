"""Words into a space, a space into points."""

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from lstm_lab.errors import UserError
from lstm_lab.sweeps.space import read_space


@pytest.mark.parametrize(
    ("words", "swept", "fixed"),
    [
        (["k=choice(1,2)"], {"k": CategoricalDistribution([1, 2])}, {}),
        (["k=5"], {}, {"k": "5"}),
        (["a=choice(1,2)", "b=5"], {"a": CategoricalDistribution([1, 2])}, {"b": "5"}),
        (
            ["a=choice(1,2)", "b=5", "c=range(1,3)"],
            {"a": CategoricalDistribution([1, 2]), "c": IntDistribution(1, 2)},
            {"b": "5"},
        ),
        (["+k=interval(0,1)"], {"+k": FloatDistribution(0, 1)}, {}),
        (["k='a,b'"], {}, {"k": "'a,b'"}),
        (["k=null", "l=[1,2]"], {}, {"k": "null", "l": "[1,2]"}),
    ],
)
def test_words_are_sorted_into_swept_and_fixed(words, swept, fixed):
    space = read_space({}, words)
    assert {key: one.distribution for key, one in space.dimensions.items()} == swept
    assert space.fixed == fixed


def test_the_command_line_wins_over_params_both_ways():
    params = {"a": "interval(0,1)", "b": 3, "c": "range(1,4)"}
    space = read_space(params, ["a=0.5", "b=1,2"])
    assert list(space.dimensions) == ["c", "b"]
    assert space.fixed == {"a": "0.5"}


def test_params_may_be_yaml_values():
    space = read_space({"a": 5, "b": [1, 2], "c": {"d": True}, "e": None}, [])
    assert space.fixed == {"a": "5", "b": "[1,2]", "c": "{d:True}", "e": "null"}


def test_a_deletion_is_passed_on_and_takes_the_key_out():
    space = read_space({"z": "choice(1,2)", "x": "1,2"}, ["~z"])
    assert list(space.dimensions) == ["x"]
    assert space.overrides({"x": 2}) == ["x=2", "~z"]


def test_points_run_through_the_last_key_fastest():
    points = list(read_space({}, ["a=1,2", "b=range(0,2)"]).points())
    assert points == [{"a": 1, "b": 0}, {"a": 1, "b": 1}, {"a": 2, "b": 0}, {"a": 2, "b": 1}]


def test_a_key_takes_part_only_under_its_condition():
    params = {"net.proj | net=lstm,gru & bias=true": "1,2", "net": "rnn,lstm", "bias": "true,false"}
    points = list(read_space(params, []).points())
    assert points == [
        {"net": "rnn", "bias": True},
        {"net": "rnn", "bias": False},
        {"net": "lstm", "bias": True, "net.proj": 1},
        {"net": "lstm", "bias": True, "net.proj": 2},
        {"net": "lstm", "bias": False},
    ]


def test_a_condition_holds_for_a_fixed_key_too():
    params = {"proj | net=lstm": "interval(0,1)"}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    assert read_space(params, ["net=gru"]).suggest(study.ask()) == ["net=gru"]
    assert read_space(params, ["net=lstm"]).suggest(study.ask())[1].startswith("proj=0.")


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"a | nett=lstm": "1,2", "net": "lstm,gru"}, "Did you mean 'net'"),
        ({"a | net": "1,2", "net": "lstm,gru"}, "key | other=value"),
        ({"a": "interval(0"}, "cannot be read"),
        ({"a | b=1": "1,2", "a | b=2": "3,4", "b": "1,2"}, "twice"),
    ],
)
def test_mistakes_are_named(params, text):
    with pytest.raises(UserError, match=text):
        read_space(params, [])


def test_only_values_that_were_written_down_make_a_grid():
    assert read_space({}, ["a=1,2", "b=range(3)"]).is_listed()
    assert read_space({}, []).is_listed()
    assert not read_space({}, ["a=1,2", "b=int(interval(1,3))"]).is_listed()
    with pytest.raises(UserError, match="infinitely many"):
        list(read_space({}, ["a=interval(0,1)"]).points())


def test_known_points_must_lie_in_the_space():
    space = read_space({}, ["x=interval(0,1)", "net=rnn,lstm"])
    space.check_point({"x": 0.5, "net": "lstm"})
    with pytest.raises(UserError, match="outside"):
        space.check_point({"x": 1.5})
    with pytest.raises(UserError, match="outside"):
        space.check_point({"net": "gru"})
    with pytest.raises(UserError, match="Did you mean 'net'"):
        space.check_point({"nett": "gru"})


def test_values_survive_the_way_through_the_grammar():
    from hydra.core.override_parser.overrides_parser import OverridesParser

    space = read_space({}, ["k='a b','c,d',plain,null,[1,2],1e-5"])
    texts = []
    for point in space.points():
        override = OverridesParser.create().parse_override(space.overrides(point)[0])
        texts.append(override.value())
    assert texts == ["a b", "c,d", "plain", None, [1, 2], 1e-5]
