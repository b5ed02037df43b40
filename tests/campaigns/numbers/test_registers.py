"""The names of do-not-call registers."""

import pytest

from telebridge.campaigns.numbers.registers import check_register, register_of
from telebridge.errors import ConfigurationError


@pytest.mark.parametrize("name", ["us-national", "gb-national", "us-fl", "de-national"])
def test_a_register_of_a_country_or_state_is_known(name):
    check_register(name)


@pytest.mark.parametrize("name", ["", "x", "anything", "us", "US-national", "xx-national", "us-zz", "us-national "])
def test_any_other_name_is_refused(name):
    with pytest.raises(ConfigurationError, match="is no register"):
        check_register(name)


def test_a_country_that_keeps_none_needs_none():
    assert (register_of("US"), register_of("GB"), register_of("DE")) == ("us-national", "gb-national", None)
