import pytest

from minigrad.metrics import Accuracy, Metric


def test_the_name_of_a_metric_is_its_class_in_lower_case():
    class MyErrorRate(Metric):
        pass

    assert (Accuracy().name, MyErrorRate().name) == ("accuracy", "my_error_rate")


@pytest.mark.parametrize("call", [lambda m: m.reset(), lambda m: m.update(0, 0), lambda m: m.compute()])
def test_a_metric_without_its_methods_says_which_one_to_define(call):
    class Half(Metric):
        pass

    with pytest.raises(NotImplementedError, match="Half must define"):
        call(Half())
