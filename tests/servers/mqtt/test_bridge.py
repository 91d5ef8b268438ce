"""A server on a real broker: it is announced, publishes its state, and executes commands."""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from tests.support.fakes import TINY_JPEG, make_server
from tests.support.home_assistant import check, render
from tests.support.mqtt_observer import MqttObserver
from tests.support.ports import free_port
from tests.support.process import ServerProcess, wait_for
from tests.support.publish_peers import LOCAL, Program, is_open
from tests.support.sound import pcm_packets
from tests.support.system import require_program
from twistedcam.auth import Authenticator, TokenFile
from twistedcam.commands import Registry
from twistedcam.core.broker_state import BrokerState
from twistedcam.events import MotionChanged, PropertiesChanged
from twistedcam.media.frame import Frame
from twistedcam.servers.mqtt import bridge as bridge_module
from twistedcam.servers.mqtt import parse_broker
from twistedcam.servers.mqtt.bridge import STATE_DELAY
from twistedcam.sources.spec import parse

#: The only letters of topics.
TOPIC_LETTERS = frozenset(string.ascii_letters + string.digits + "-_./")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def broker(tmp_path: Path, port: int) -> Iterator[Program]:
    file = tmp_path / "mosquitto.conf"
    file.write_text(f"listener {port} {LOCAL}\nallow_anonymous true\n")
    with Program(require_program("mosquitto"), "-c", str(file)) as program:
        wait_for(lambda: is_open(port), "the broker")
        yield program


def test_a_server_is_announced_published_and_controlled(
    tmp_path: Path, broker: Program, port: int
) -> None:
    options = ["--camera", "door=pattern:?size=160x120&fps=10"]
    options += ["--mqtt", f"mqtt://u:S3CRET@{LOCAL}:{port}/cams/garage?every=0.5"]
    seen = MqttObserver(port)
    state = "cams/garage/camera/door/state"
    try:
        with ServerProcess(tmp_path, *options) as server:
            live = seen.wait(state, lambda s: s["state"] == "live" and s["fps"] > 5)
            assert (live["stream"], live["record"], live["viewers"]) == (True, False, 0)
            assert seen.seen["cams/garage/status"] == b"online"
            image = "cams/garage/camera/door/image"
            wait_for(lambda: seen.seen.get(image, b"").startswith(b"\xff\xd8"), "a picture")
            topic = "homeassistant/switch/cams_garage_door/record/config"
            switch = seen.wait(topic)
            assert switch["state_topic"] == state
            wait_for(lambda: len(seen.announced()) == 15, "all announcements")
            told = seen.announced()
            kinds = Counter(check(topic, payload) for topic, payload in told.items())
            assert kinds == {
                "camera": 1,
                "switch": 4,
                "sensor": 6,
                "event": 2,
                "image": 1,
                "binary_sensor": 1,
            }
            shown = {
                payload["name"]: render(payload["value_template"], seen.seen[state])
                for payload in told.values()
                if payload.get("state_topic") == state
            }
            assert float(shown["Frame rate"]) > 0
            assert (shown["Stream"], shown["Record"], shown["State"]) == ("ON", "OFF", "live")
            assert (shown["Viewers"], shown["Faults"], shown["Last fault"]) == ("0", "0", "None")
            assert server.status()["mqtt"] == "connected"
            assert server.status()["mqtt_broker"] == f"mqtt://{LOCAL}:{port}/cams/garage"

            seen.client.publish(switch["command_topic"], "ON")
            recording = seen.wait(state, lambda s: s["record"])["recording"]
            assert recording.startswith("door_")
            seen.wait("cams/garage/camera/door/event/recording", lambda e: e["what"] == "started")
            seen.client.publish(switch["command_topic"], "OFF")
            seen.wait(state, lambda s: not s["record"])
            seen.client.publish("cams/garage/command", "set door fps 5")
            answer = seen.wait("cams/garage/answer", lambda a: a["command"] == "set door fps 5")
            assert answer["ok"] and answer["value"] == 5
            for line, code in (("shutdown", "unauthorized"), ("'x", "bad-argument"), ("", None)):
                seen.client.publish("cams/garage/command", line)
                answer = seen.wait("cams/garage/answer", lambda a, line=line: a["command"] == line)
                assert not answer["ok"] and answer["code"] == (code or "unknown-command")
            for switch in ("stream", "record"):
                seen.client.publish(f"cams/garage/camera/door/{switch}/set", "maybe")
                asked = f"door/{switch}/set"
                answer = seen.wait("cams/garage/answer", lambda a, b=asked: a["command"] == b)
                assert (answer["ok"], answer["code"]) == (False, "bad-argument")
            for size, code in ((4096, "bad-argument"), (4097, "line-too-long")):
                line = "ping ".ljust(size, "x")
                seen.client.publish("cams/garage/command", line)
                answer = seen.wait("cams/garage/answer", lambda a: a["command"][:4] == "ping")
                assert answer["code"] == code, answer
                seen.client.publish("cams/garage/command", "version")
                seen.wait("cams/garage/answer", lambda a: a["command"] == "version")

            broker.kill()
            wait_for(lambda: "not connected to" in server.log, "the loss to be noticed")
            assert server.status()["mqtt"] == "waiting"
            assert len(server.status()["mqtt_last_fault"]) > 5
            frames = int(server.status()["frames"])
            wait_for(lambda: int(server.status()["frames"]) > frames, "the stream to go on")
            seen.seen.clear()
            broker.start()
            seen.wait(state, lambda s: s["state"] == "live" and s["mqtt"] == "connected")
            assert server.status()["mqtt_connects"] == "2"
            assert server.end() == 0
            wait_for(
                lambda: seen.seen.get("cams/garage/status") == b"offline", "the message offline"
            )
            assert "S3CRET" not in server.log
        seen.seen.clear()
        with ServerProcess(tmp_path, *options) as server:
            wait_for(lambda: seen.seen.get("cams/garage/status") == b"online", "the return")
            server.process.kill()
            wait_for(lambda: seen.seen.get("cams/garage/status") == b"offline", "the last will")
    finally:
        seen.close()


def test_all_messages_of_a_removed_camera_are_removed_from_the_broker(
    tmp_path: Path, broker: Program, port: int
) -> None:
    config = tmp_path / "house.toml"
    kept = '[camera.door]\nsource = "pattern:?size=160x120"\n'
    head = f'mqtt = "mqtt://{LOCAL}:{port}/cams?every=0.5"\n'
    config.write_text(head + kept + kept.replace("door", "gone"))
    seen = MqttObserver(port)
    try:
        with ServerProcess(tmp_path, "--config", str(config)) as server:
            for what in ("state", "image"):
                topic = f"cams/camera/gone/{what}"
                wait_for(lambda topic=topic: seen.seen.get(topic), topic)
            config.write_text(head + kept)
            assert server.command_lines("reload")[-1] == "OK"
            wait_for(
                lambda: (
                    not any(
                        payload for topic, payload in list(seen.seen.items()) if "gone" in topic
                    )
                ),
                "the removal of all messages",
            )
            assert seen.seen["cams/camera/door/state"]
    finally:
        seen.close()


def test_a_missing_broker_does_not_stop_the_server(tmp_path: Path, port: int) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:", "--mqtt", f"mqtt://{LOCAL}:{port}") as one:
        wait_for(lambda: "not connected to" in one.log, "the log line")
        wait_for(lambda: one.status()["mqtt_faults"] != "0", "the fault in status")
        assert one.status()["state"] in ("starting", "live")
        assert one.end() == 0


def test_installations_on_hosts_with_equal_names_have_different_topics(tmp_path: Path) -> None:
    def base(folder: str, path: str = "") -> str:
        options = ["--camera", "pattern:", "--mqtt", f"mqtt://{LOCAL}:{free_port()}{path}"]
        with ServerProcess(tmp_path / folder, *options) as server:
            return server.status()["mqtt_broker"].split("/", 3)[3]

    host = parse_broker("mqtt://h").base
    first, second = base("a"), base("b")
    assert first != second
    assert all(re.fullmatch(f"{re.escape(host)}-[0-9a-f]{{8}}", each) for each in (first, second))
    assert base("a") == first  # also after a restart
    assert base("a", "/house/door") == "house/door"
    (tmp_path / "old" / ".twistedcam").mkdir(parents=True)  # of a version without ids
    assert base("old") == host


def test_the_title_is_the_name_of_the_device_and_changes_at_a_reload(
    tmp_path: Path, broker: Program, port: int
) -> None:
    config = tmp_path / "house.toml"
    text = f'mqtt = "mqtt://{LOCAL}:{port}/cams?every=0.5"\n[camera.door]\nsource = "pattern:"\n'
    config.write_text(f'{text}title = "Haustür"')
    seen = MqttObserver(port)
    topic = "homeassistant/switch/cams_door/record/config"
    try:
        with ServerProcess(tmp_path, "--config", str(config)) as server:
            seen.wait(topic, lambda told: told["device"]["name"] == "Haustür (cams)")
            seen.wait("cams/camera/door/state", lambda s: s["title"] == "Haustür")
            config.write_text(f'{text}title = "حديقة"')
            assert server.command_lines("reload")[-1] == "OK"
            seen.wait(topic, lambda told: told["device"]["name"] == "حديقة (cams)")
            seen.wait("cams/camera/door/event/state", lambda e: e["title"] == "حديقة")
    finally:
        seen.close()


def frames_recorded(server: ServerProcess, camera: str) -> int:
    found = server.status(f"'{camera}'").get("recording_frames", "")
    return int(found) if found.isdigit() else 0


def test_topics_are_url_safe_whatever_the_name_of_the_camera(
    tmp_path: Path, broker: Program, port: int
) -> None:
    names = {"front door": "front-door", "Küche": "Kuche", "حديقة": "camera-c6bd75e2"}
    cameras = [word for name in names for word in ("--camera", f"{name}=pattern:?fps=10")]
    seen = MqttObserver(port)
    try:
        broker_url = f"mqtt://{LOCAL}:{port}/cams?every=0.5"
        with ServerProcess(tmp_path, *cameras, "--mqtt", broker_url) as server:
            wait_for(lambda: len(seen.announced()) == 15 * len(names), "all announcements")
            for topic, payload in seen.announced().items():
                check(topic, payload)
                node = topic.split("/")[2]
                assert payload["unique_id"].startswith(f"{node}_")
            for name, form in names.items():
                state = f"cams/camera/{form}/state"
                assert seen.wait(state, lambda s: s["state"] == "live")["camera"] == name
                switch = seen.announced()[f"homeassistant/switch/cams_{form}/record/config"]
                assert switch["device"]["name"] == f"{name} (cams)"
                seen.client.publish(switch["command_topic"], "ON")
                seen.wait(state, lambda s: s["record"])
                seen.wait(f"cams/camera/{form}/event/recording", lambda e: e["what"] == "started")
                # A recording that ends before its first picture is an error.
                wait_for(lambda name=name: frames_recorded(server, name), "a picture")
                for word in (name, form):
                    line = f"record stop '{word}'"
                    seen.client.publish("cams/command", line)
                    answer = seen.wait("cams/answer", lambda a, line=line: a["command"] == line)
                    assert answer["ok"] == (word == name), answer
            assert not any(set(topic) - TOPIC_LETTERS for topic in seen.seen)
    finally:
        seen.close()


@pytest.mark.parametrize("has_tokens", [False, True])
def test_admin_commands_are_forbidden_but_for_a_camera_of_a_server_without_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_tokens: bool
) -> None:
    clock, registry, answers = Clock(), Registry(), list[dict[str, Any]]()

    class FakeClient:
        def __init__(self, *arguments: Any) -> None:
            pass

        def publish(self, topic: str, payload: str, retain: bool = True) -> None:
            answers.append(json.loads(payload))

    @registry.command("read", right="view")
    @registry.command("change")
    @registry.command("halt", right="admin")
    @registry.command("mine", right="view", of_session=True)
    @registry.command("enter", right="view", of_session=True, before_auth=True)
    @registry.command("knock", right="view", before_auth=True)
    def on_server(server: Any) -> None:
        return None

    @registry.command("keep", right="admin")
    def on_camera(server: Any, camera: Any) -> None:
        return None

    monkeypatch.setattr(bridge_module, "MqttClient", FakeClient)
    server = make_server(clock, tmp_path)
    server.add_camera("door", parse("pattern:"))
    server.broker = BrokerState("mqtt://h")
    if has_tokens:
        file = tmp_path / "tokens.toml"
        file.touch(0o600)
        server.authenticator = Authenticator(clock, TokenFile(file))
    bridge = bridge_module.Bridge(clock, server, registry, parse_broker("mqtt://h/cams"))
    for command in registry:
        bridge._on_message("cams/command", command.name.encode())
    found = {each["command"]: each.get("code", "OK") for each in answers}
    allowed = {"read", "change", "knock"} | (set() if has_tokens else {"keep"})
    assert {name for name, code in found.items() if code == "OK"} == allowed
    assert set(found.values()) == {"OK", "unauthorized"} and len(found) == len(list(registry))


def test_the_picture_of_an_event_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, published = Clock(), dict[str, Any]()

    class FakeClient:
        is_connected = False

        def __init__(self, *arguments: Any) -> None:
            pass

        def start(self) -> None:
            pass

        def close(self) -> None:
            pass

        def publish(self, topic: str, payload: Any, retain: bool = True) -> None:
            published[topic] = payload

    monkeypatch.setattr(bridge_module, "MqttClient", FakeClient)
    server = make_server(clock, tmp_path)
    camera = server.add_camera("front door", parse("pattern:"))
    server.broker = BrokerState("mqtt://h")
    bridge = bridge_module.Bridge(clock, server, Registry(), parse_broker("mqtt://h/cams"))
    bridge.startService()
    server.automation.recorder.start()
    camera.hub.publish(Frame(1, 0, 1, 1, TINY_JPEG))
    server.events.publish(MotionChanged("front door", "begin", "0a"))
    assert published["cams/camera/front-door/snapshot"] == TINY_JPEG
    event = json.loads(published["cams/camera/front-door/event/motion"])
    assert (event["event"], event["id"], event["state"]) == ("motion", "0a", "begin")
    clock.advance(STATE_DELAY)
    FakeClient.is_connected = True
    for changes, kept in (({"quality": "50"}, TINY_JPEG), ({"privacy": "0,0 1,0 1,1"}, "")):
        camera.use(camera.spec.with_settings(changes))
        server.events.publish(PropertiesChanged("front door", dict(changes)))
        clock.advance(STATE_DELAY)
        assert published["cams/camera/front-door/snapshot"] == kept, "without what is hidden now"
    server.automation.recorder.stop()
    bridge.stopService()


def test_levels_are_measured_of_all_cameras_if_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class FakeClient:
        def __init__(self, *_: Any) -> None:
            self.is_connected = True

        def publish(self, *_: Any) -> None:
            pass

    monkeypatch.setattr(bridge_module, "MqttClient", FakeClient)
    server = make_server(Clock(), Path("unused"))
    server.broker = BrokerState("mqtt://h")
    camera = server.add_camera("door", parse("push:"))
    camera.stream.publish(Frame(1, 10**15, 1, 1, TINY_JPEG))
    camera.stream.publish(pcm_packets(8000, seconds=0.1, codec="pcm_alaw", start_us=10**15)[0])
    for levels, count in (("0", 0), ("1", 1)):
        broker = parse_broker(f"mqtt://h/cams?levels={levels}")
        bridge = bridge_module.Bridge(Clock(), server, Registry(), broker)
        bridge._publish_states()
        assert len(camera.stream.sound) == count
        bridge._publish_states()
        bridge._levels.follow(())
        assert not len(camera.stream.sound)
