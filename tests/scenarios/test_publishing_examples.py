"""The example configurations do what docs/scale.md says, and a crowd of viewers notices nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.mqtt_observer import MqttObserver
from tests.support.ports import free_port
from tests.support.process import ServerProcess, wait_for
from tests.support.publish_crowd import Crowd
from tests.support.publish_examples import EXAMPLES, filled
from tests.support.publish_peers import LOCAL, Nginx, Program, is_open, rtsp_listener
from tests.support.publish_status import probe, state
from tests.support.system import require_program

VIEWERS = 50


def test_origin_edge_and_broker_come_and_go_while_a_crowd_watches(tmp_path: Path) -> None:
    rtmp, web, edge_port, edge_web, mqtt, rtsp = (free_port() for _ in range(6))
    ports = {"p1935": rtmp, "p8081": web, "p1936": edge_port, "p8082": edge_web, "p1883": mqtt}
    (tmp_path / "hls").mkdir(mode=0o777)
    for name, user in (("-c", "garage"), ("-b", "dashboard")):
        words = [require_program("mosquitto_passwd", "mosquitto"), "-b"]
        words += ["-c"] * (name == "-c") + [str(tmp_path / "passwords"), user, "PASSWORD"]
        subprocess.run(words, check=True, capture_output=True)
    (tmp_path / "acl").write_text((EXAMPLES / "mosquitto.acl").read_text())
    for each in ("passwords", "acl"):
        (tmp_path / each).chmod(0o644)
    tmp_path.chmod(0o755)
    (tmp_path / "mosquitto.conf").write_text(
        f"user root\n{filled('mosquitto.conf', tmp_path, **ports)}"
    )
    config = filled("publish.toml", tmp_path, **ports).replace(
        "auto:", "pattern:?size=320x240&fps=10"
    )
    config = config.replace('"]', f'", "rtsp://{LOCAL}:{rtsp}/cam"]')
    (tmp_path / "publish.toml").write_text(config)
    origin = Nginx(tmp_path / "origin", filled("origin.conf", tmp_path, **ports), rtmp)
    edge = Nginx(tmp_path / "edge", filled("edge.conf", tmp_path, **ports), edge_port)
    words = (require_program("mosquitto"), "-c", str(tmp_path / "mosquitto.conf"))
    with (
        origin,
        edge,
        Program(*words) as broker,
        rtsp_listener(rtsp, tmp_path / "rtsp.ts") as listener,
        ServerProcess(tmp_path, "--config", str(tmp_path / "publish.toml")) as server,
        Crowd(server.frames, VIEWERS) as crowd,
    ):
        for name in ("rtmp", "rtsp"):
            wait_for(lambda name=name: state(server, name) == "live", f"{name} to be live")
        assert probe(f"rtmp://{LOCAL}:{edge_port}/live/door")[:2] == ["h264", "320"]
        wait_for((tmp_path / "hls/door.m3u8").exists, "the origin's playlist")
        assert probe(f"http://{LOCAL}:{web}/hls/door.m3u8")[:2] == ["h264", "320"]
        wait_for(lambda: is_open(mqtt), "the broker")
        seen = MqttObserver(mqtt, "dashboard", "PASSWORD")
        try:
            seen.wait("twistedcam/garage/camera/door/state", lambda s: s["viewers"] == VIEWERS)
            seen.client.publish("twistedcam/garage/camera/door/record/set", "ON")
            seen.wait("twistedcam/garage/camera/door/state", lambda s: s["record"])
            for peer in (origin, edge, broker, listener):
                peer.kill()
            for name in ("rtmp", "rtsp"):
                wait_for(lambda name=name: state(server, name) == "waiting", f"{name} to be lost")
            seen.seen.clear()
            for peer in (origin, edge, broker, listener):
                peer.start()
            for name in ("rtmp", "rtsp"):
                wait_for(lambda name=name: state(server, name) == "live", f"{name} to be back")
            seen.wait("twistedcam/garage/camera/door/state", lambda s: s["viewers"] == VIEWERS)
            assert probe(f"rtmp://{LOCAL}:{edge_port}/live/door")[:2] == ["h264", "320"]
        finally:
            seen.close()
        before = min(crowd.frames)
        wait_for(lambda: min(crowd.frames) > before + 10, "every viewer to see more")
        assert (crowd.lost, crowd.missed) == (0, 0)
        assert int(server.status()["viewers"]) == VIEWERS
