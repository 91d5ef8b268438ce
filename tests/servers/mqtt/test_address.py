"""The address of an MQTT broker."""

from __future__ import annotations

import pytest

from twistedcam.errors import BadArgument
from twistedcam.servers.mqtt.address import parse_broker


def test_an_address_without_settings_has_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "my host")
    broker = parse_broker("mqtt://h")
    assert (broker.host, broker.port, broker.is_tls) == ("h", 1883, False)
    assert (broker.base, broker.discovery, broker.every) == (
        "twistedcam/my-host",
        "homeassistant",
        10.0,
    )
    assert (broker.user, broker.password, broker.ca) == ("", "", "")
    assert parse_broker("mqtts://h").port == 8883


def test_all_settings_are_read() -> None:
    broker = parse_broker("mqtt://h/house/door?discovery=ha&every=0.5&ca=/etc/ca.pem")
    assert (broker.base, broker.discovery, broker.every, broker.ca) == (
        "house/door",
        "ha",
        0.5,
        "/etc/ca.pem",
    )


def test_the_id_of_the_installation_is_added_to_the_default_base_only() -> None:
    default = parse_broker("mqtt://h")
    assert default.of_installation("12ab").base == f"{default.base}-12ab"
    assert default.of_installation("") == default
    given = parse_broker("mqtt://h/house")
    assert given.of_installation("12ab") == given


def test_the_node_is_an_identifier() -> None:
    assert parse_broker("mqtt://h/house.1/front-door").node == "house_1_front-door"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://h", "mqtt://HOST"),
        ("mqtt://", "mqtt://HOST"),
        ("mqtt://h:x", "mqtt://HOST"),
        ("mqtt://h/a/+/b", "topic"),
        ("mqtt://h/a?discovery=%23", "topic"),
        ("mqtt://h/a?often=1", "'often'"),
        ("mqtt://h/a?every=0", "every='0'"),
        ("mqtt://h/a?every=0.1", "every='0.1'"),
        ("mqtt://h/a?every=soon", "every='soon'"),
        ("mqtt://h/a?levels=yes", "levels='yes' must be 0 or 1"),
    ],
)
def test_an_invalid_address_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadArgument) as error:
        parse_broker(text, "--broker")
    assert said in str(error.value)
    assert str(error.value).startswith("--broker")


def test_a_password_is_never_shown() -> None:
    broker = parse_broker("mqtts://me:pa%40ss@h:99/x")
    assert (broker.user, broker.password, broker.port, broker.is_tls) == ("me", "pa@ss", 99, True)
    assert broker.shown == "mqtts://h:99/x" and "pa@ss" not in repr(broker)
    with pytest.raises(BadArgument) as error:
        parse_broker("mqtt://me:SEC#RET@h")
    assert "SEC" not in str(error.value) and "RET" not in str(error.value)
