"""Every word of the grammar against the distribution it stands for."""

from unittest.mock import patch

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import FloatRange, Override
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from lstm_lab.errors import UserError
from lstm_lab.sweeps.grammar import distribution_of, grid_values

Categorical, Float, Int = CategoricalDistribution, FloatDistribution, IntDistribution


def parse(word):
    return OverridesParser.create().parse_override(word)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("k=choice(1,2)", Categorical([1, 2])),
        ("k=1,2", Categorical([1, 2])),
        ("k=choice(true,false)", Categorical([True, False])),
        ("k=choice(1,true)", Categorical([1, True])),
        ("k=choice('hello','wide world')", Categorical(["hello", "wide world"])),
        ("k='hello','wide world'", Categorical(["'hello'", "'wide world'"])),
        ("k=a,b,a", Categorical(["a", "b"])),
        ("k=null,1", Categorical(["null", 1])),
        ("k=[1,2],[3]", Categorical(["[1,2]", "[3]"])),
        ("k={a:1},{a:2}", Categorical(["{a:1}", "{a:2}"])),
        ("k=range(1,3)", Int(1, 2)),
        ("k=range(3)", Int(0, 2)),
        ("k=range(0,10,3)", Int(0, 9, step=3)),
        ("k=range(1,10,4)", Int(1, 9, step=4)),
        ("k=range(5,0,-2)", Int(1, 5, step=2)),
        ("k=range(-3,-1)", Int(-3, -2)),
        ("k=range(7,8)", Int(7, 7)),
        ("k=range(0.5,5.5,step=1)", Float(0.5, 4.5, step=1)),
        ("k=range(0,1,0.3)", Float(0, 0.9, step=0.3)),
        ("k=range(0,0.9,0.3)", Float(0, 0.6, step=0.3)),
        ("k=range(1.0,0.0,-0.25)", Float(0.25, 1.0, step=0.25)),
        ("k=range(0.1,0.2,0.5)", Float(0.1, 0.1, step=0.5)),
        ("k=interval(1,5)", Float(1, 5)),
        ("k=interval(-0.5,0.5)", Float(-0.5, 0.5)),
        ("k=int(interval(1,5))", Int(1, 5)),
        ("k=tag(log,interval(1e-4,1e-1))", Float(1e-4, 1e-1, log=True)),
        ("k=tag(log,int(interval(1,64)))", Int(1, 64, log=True)),
        ("k=int(tag(log,interval(1,64)))", Int(1, 64, log=True)),
        ("k=float(int(interval(1,5)))", Float(1, 5)),
        ("+k=interval(0,1)", Float(0, 1)),
        ("group@package=a,b", Categorical(["a", "b"])),
    ],
)
def test_a_word_is_the_distribution(word, expected):
    assert distribution_of(parse(word)) == expected
    found = distribution_of(parse(word))
    if isinstance(found, Categorical):  # 1 == True in Python
        assert [type(one) for one in found.choices] == [type(one) for one in expected.choices]


@pytest.mark.parametrize("word", ["k=shuffle(range(1,4))", "k=shuffle(1,2,3)", "k=shuffle(choice(1,2,3))"])
def test_shuffled_values_are_choices_in_any_order(word):
    assert set(distribution_of(parse(word)).choices) == {1, 2, 3}


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("k=range(3,3)", "empty"),
        ("k=range(3,1)", "empty"),
        ("k=range(1,3,-1)", "empty"),
        ("k=range(1.0,0.0,0.5)", "empty"),
        ("k=range(1.0,1.0,0.5)", "empty"),
        ("k=range(1,3,0)", "zero"),
        ("k=range(1.0,3.0,0.0)", "zero"),
        ("k=interval(3,1)", "before it starts"),
        ("k=tag(log,interval(0,1))", "low"),
    ],
)
def test_an_impossible_word_is_refused_in_one_line(word, text):
    with pytest.raises(UserError, match=text) as caught:
        distribution_of(parse(word))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("k=range(0,0.5,0.1)", [0, 0.1, 0.2, 0.3, 0.4]),
        ("k=range(0,1,0.3)", [0, 0.3, 0.6, 0.9]),
        ("k=range(0.1,0.7,0.2)", [0.1, 0.3, 0.5]),
        ("k=range(1,0,-0.3)", [0.1, 0.4, 0.7, 1.0]),
        ("k=range(-1.5,1,0.5)", [-1.5, -1, -0.5, 0, 0.5]),
        ("k=range(2,20,5)", [2, 7, 12, 17]),
        ("k=range(20,2,-5)", [5, 10, 15, 20]),
        ("k=range(0,0.35,0.1)", [0, 0.1, 0.2, 0.3]),
        ("k=range(1e-5,4e-5,1e-5)", [1e-5, 2e-5, 3e-5]),
    ],
)
def test_a_range_has_the_values_that_were_meant(word, values):
    assert grid_values(distribution_of(parse(word))) == values


def test_steps_below_the_precision_of_floats_stay_exact_choices():
    word = "k=range(1.0,1.0000000000000005,0.0000000000000001)"
    found = distribution_of(parse(word))
    assert isinstance(found, Categorical)
    assert found.choices == (1.0, 1.0000000000000002)


def test_long_ranges_are_not_gone_through():
    def never(*_, **__):
        raise AssertionError("enumerated")

    with patch.object(Override, "sweep_iterator", never), patch.object(FloatRange, "__next__", never):
        assert distribution_of(parse("k=range(0,1000000000)")) == Int(0, 999_999_999)
        assert distribution_of(parse("k=range(0,1000000000,0.5)")) == Float(0, 999_999_999.5, step=0.5)


@pytest.mark.parametrize(
    ("distribution", "values"),
    [
        (Int(1, 5, step=2), [1, 3, 5]),
        (Int(1, 4, log=True), [1, 2, 3, 4]),
        (Float(0, 1, step=0.25), [0, 0.25, 0.5, 0.75, 1]),
        (Float(0.1, 0.3, step=0.1), [0.1, 0.2, 0.3]),
        (Categorical(["a", 1]), ["a", 1]),
        (Float(0, 1), None),
    ],
)
def test_grid_values_include_both_ends(distribution, values):
    assert grid_values(distribution) == values
