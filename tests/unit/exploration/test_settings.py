import math
import re
from typing import Any

import pytest

from spectest.errors import UsageError
from spectest.exploration.search import explore
from spectest.exploration.settings import Settings
from spectest.world import Limits


def test_the_defaults_mean_something_and_are_those_of_the_world() -> None:
    assert Settings.of({}) == Settings()
    assert Settings().limits == Limits()


@pytest.mark.parametrize(
    "name, value, remedy",
    [
        ("runs", 0, "a whole number, 1 or more"),
        ("runs", 1.5, "a whole number, 1 or more"),
        ("runs", "200", "a whole number, 1 or more"),
        ("runs", True, "a whole number, 1 or more"),
        ("runs", None, "a whole number, 1 or more"),
        ("max_steps", 0, "a whole number, 1 or more"),
        ("max_steps_at_once", -3, "a whole number, 1 or more"),
        ("elasticity", -0.1, "a number, 0 or more, and finite"),
        ("elasticity", math.inf, "a number, 0 or more, and finite"),
        ("elasticity", math.nan, "a number, 0 or more, and finite"),
        ("elasticity", "10 %", "a number, 0 or more, and finite"),
        ("elasticity", None, "a number, 0 or more, and finite"),
        ("elasticity", True, "a number, 0 or more, and finite"),
        ("drain_s", -1, "a number, 0 or more, and finite"),
        ("max_virtual_s", math.inf, "a number, 0 or more, and finite"),
        ("seed", 0.5, "a whole number"),
        ("seed", "x", "a whole number"),
        ("seed", True, "a whole number"),
        ("leaks", "warn", "'error' or 'ignore'"),
        ("leaks", None, "'error' or 'ignore'"),
        ("order", "fifo", "strict, ties, any"),
        ("order", None, "strict, ties, any"),
        ("confirm", "yes", "True or False"),
        ("margin", 1, "True or False"),
        ("database", None, "True or False"),
        ("exact", 3, "module"),
        ("exact", ["a", 3], "module"),
        ("exact", "*", "module"),
        ("exact", "app.py", "the module app.hits"),
        ("lines", "hits.py", "__main__"),
        ("lines", ("hits", "a b"), "'a b' is none"),
        ("lines", "app/hits", "'app/hits' is none"),
        ("lines", "", "'' is none"),
        ("lines", "app..hits", "'app..hits' is none"),
        ("strategy", 3, "portfolio"),
        ("strategy", "pctt", "portfolio"),
    ],
)
def test_a_bad_value_is_refused_with_its_name_its_value_and_the_remedy(
    name: str, value: Any, remedy: str
) -> None:
    with pytest.raises(UsageError) as caught:
        Settings.of({name: value})
    message = str(caught.value)
    assert message.startswith(f"{name}={value!r} ")
    assert remedy in message


def test_an_unknown_name_is_refused_with_a_list_of_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        Settings.of({"run": 5})
    known = re.findall(r"\w+", str(caught.value).partition("there are")[2])
    assert "'run' is not a setting" in str(caught.value)
    assert set(known) == set(Settings.__dataclass_fields__)


def test_settings_are_checked_before_anything_runs() -> None:
    def program() -> None:
        raise AssertionError("ran")

    for settings in ({"runs": 0}, {"nonsense": 1}, {"strategy": "nonsense"}):
        with pytest.raises(UsageError):
            explore(program, **settings)


def test_a_copy_is_checked_too() -> None:
    settings = Settings(runs=7)
    assert settings.changed(elasticity=2.0).runs == 7
    assert settings.elasticity == 0.1
    with pytest.raises(UsageError, match="runs=0"):
        settings.changed(runs=0)


@pytest.mark.parametrize("exact", ["app", ["app"], ("app",)])
def test_one_module_or_several(exact: Any) -> None:
    assert Settings.of({"exact": exact}).limits.exact == ("app",)


@pytest.mark.parametrize("name", ["*", "__main__", "app.hits", "test-hits", "caf\u00e9"])
def test_names_of_modules(name: str) -> None:
    assert Settings.of({"lines": name}).lines == (name,)


def test_every_limit_comes_from_a_setting_of_the_same_name() -> None:
    values: dict[str, Any] = {
        "elasticity": 0.7,
        "exact": ("app",),
        "leaks": "ignore",
        "drain_s": 1.0,
        "wall_start": "1999-12-31T23:59:59+01:00",
        "max_steps": 11,
        "max_steps_at_once": 12,
        "max_virtual_s": 13.0,
    }
    found_out = {"reference"}
    assert set(Limits.__dataclass_fields__) - found_out <= set(Settings.__dataclass_fields__)
    limits = Settings.of(values).limits
    for name, value in values.items():
        assert getattr(limits, name) == value != getattr(Limits(), name)
