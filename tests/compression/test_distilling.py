"""A teacher that would speak of something else is refused in one line."""

import pytest
from omegaconf import OmegaConf

from lstm_lab.compression.distilling import check_distil, teacher_of
from lstm_lab.doors import compose_config
from lstm_lab.errors import UserError
from lstm_lab.planning import prepare
from lstm_lab.predictor import Predictor
from lstm_lab.training import ranks

NODE = {"teacher": "the_run", "weight": 0.5, "temperature": 2.0}


def plan_of(*words):
    words = [*words, "threads=1", "model.hidden_size=4"]
    settings = OmegaConf.to_container(compose_config(words), resolve=True)
    return prepare(settings, words, ranks.find_group(settings["trainer"]))


@pytest.fixture(scope="module")
def plans():
    """Plans by their words: each is made once."""
    made = {}

    def plan(*words):
        return made.setdefault(words, plan_of(*words))

    return plan


DIGITS, AIRLINE, ECHO = ("data=digits_rows", "ensemble=1"), ("data=airline", "ensemble=1"), ("data=echo",)


@pytest.mark.parametrize(
    ("teacher", "student", "said"),
    [
        (AIRLINE, DIGITS, "its task is forecast, this run's classify"),
        (("data=airline", "ensemble=1", "data.horizon=6"), AIRLINE, "its target "),
        (("data=airline", "ensemble=1", "data.lookback=60"), AIRLINE, "it reads 60 rows"),
        (("data=keywords",), ("data=keywords", "data.tokenizer=char"), "its inputs "),
        (ECHO, ("data=echo", "data.tokenizer=char"), "its target "),
    ],
    ids=lambda one: "-".join(one) if isinstance(one, tuple) else "",
)
def test_a_teacher_of_something_else_is_refused(plans, teacher, student, said):
    other, own = plans(*teacher), plans(*student)
    content = Predictor(other.model, other.data.processor).checkpoint()
    with pytest.raises(UserError, match=said) as mistake:
        teacher_of(content, NODE, own.data, own.task)
    assert str(mistake.value).startswith("distill.teacher=the_run: ")
    assert "\n" not in str(mistake.value)


def test_symbols_with_other_numbers_are_refused(plans):
    own = plans(*ECHO)
    content = Predictor(own.model, own.data.processor).checkpoint()
    first, *rest = content["processor"]["tokenizer"]["symbols"]
    content["processor"]["tokenizer"]["symbols"] = [*rest, first]
    with pytest.raises(UserError, match="were measured on other samples"):
        teacher_of(content, NODE, own.data, own.task)


def test_a_task_without_a_teacher_is_refused(plans):
    own = plans("data=adding")
    with pytest.raises(UserError, match="classify, forecast, language"):
        teacher_of(Predictor(own.model, own.data.processor).checkpoint(), NODE, own.data, own.task)


@pytest.mark.parametrize(
    ("key", "value"), [("weight", 0.0), ("weight", 1.5), ("temperature", 0.0), ("temperature", -1.0)]
)
def test_numbers_that_mean_nothing_are_refused(key, value):
    with pytest.raises(UserError, match=f"distill.{key}={value}"):
        check_distil({**NODE, key: value})


def test_a_teacher_would_tell_of_series_that_are_left_out(tmp_path):
    rows = [f"{name},{1990 + n},{n % 5 + 1}" for name in ("ann", "bob") for n in range(40)]
    (tmp_path / "two.csv").write_text("name,year,y\n" + "\n".join(rows) + "\n")
    words = ["data=csv", f"data.path={tmp_path / 'two.csv'}", "data.horizon=2", "ensemble=1"]
    content = Predictor((other := plan_of(*words)).model, other.data.processor).checkpoint()
    own = plan_of(*words, "data.group=series", "data.folds=all")
    with pytest.raises(UserError, match=r"would tell of the series that data\.group leaves out"):
        teacher_of(content, NODE, own.data, own.task)
