"""What FFmpeg reads over HTTP is asked for by us: on the camera's host, with its log-in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.http_camera import HttpCamera, Request, head, opened, read, whole
from twistedcam.errors import CameraFailed, LoginRefused
from twistedcam.sources.http_video import HttpVideo

RATE, FRAMES = 25, 50
HLS = "application/vnd.apple.mpegurl"


def write_film(path: Path, codec: str = "libx264", **options: str) -> None:
    """A film of 128x96 whose pictures get brighter, with a key frame each second."""
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=RATE, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.codec_context.gop_size = RATE
        for number in range(FRAMES):
            image = np.full((96, 128, 3), 4 * number, np.uint8)
            picture = av.VideoFrame.from_ndarray(image, format="bgr24")
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a web server."""
    folder = tmp_path_factory.mktemp("films")
    write_film(folder / "a.mp4")
    write_film(folder / "a.flv")
    write_film(folder / "a.ts")
    write_film(folder / "a.m3u8", hls_time="1", hls_list_size="0")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    # Its index has ended, and too far behind its pictures to be in one buffer with them.
    film = files["a.mp4"]
    index = film.rindex(b"moov") - 4
    files["a.mp4"] = film[:index] + (200_008).to_bytes(4) + b"free" + bytes(200_000) + film[index:]
    return files


def serve(files: dict[str, bytes], kind: str = "video/mp4", *, ranges: bool = True) -> object:
    def answer(request: Request) -> Iterable[bytes]:
        body = files.get(request.target.lstrip("/"))
        if body is None:
            return [whole(b"", status="404 Not Found")]
        said = HLS if request.target.endswith(".m3u8") else kind
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        if asked and ranges:
            return [whole(body[int(asked[1]) :], kind=said, status="206 Partial Content")]
        return [whole(body, *(["Accept-Ranges: bytes"] if ranges else []), kind=said)]

    return answer


def shades(source: object, count: int) -> list[int]:
    found = []
    for _ in range(count):
        image = read(source).image  # type: ignore[arg-type]
        assert image is not None and image.shape == (96, 128, 3)
        found.append(round(float(image.mean()) / 4))
    return found


@pytest.mark.parametrize("name", ["a.m3u8", "a.mp4", "a.flv", "a.ts"])
def test_films_and_playlists_are_shown(name: str, films: dict[str, bytes]) -> None:
    with HttpCamera(serve(films)) as camera:  # type: ignore[arg-type]
        for address in (camera.url(f"/{name}"), f"ffmpeg:{camera.url(f'/{name}')}"):
            with opened(address) as source:
                assert np.abs(np.subtract(shades(source, 40), range(40))).max() <= 1


def test_a_stream_without_a_length_is_shown(films: dict[str, bytes]) -> None:
    answer = [head("Content-Type: video/x-flv", version="HTTP/1.0"), films["a.flv"]]
    with HttpCamera(lambda _: answer) as camera, opened(camera.url()) as source:
        assert np.abs(np.subtract(shades(source, 40), range(40))).max() <= 1


def test_a_film_whose_server_gives_no_parts_of_it_is_refused_in_words(
    films: dict[str, bytes],
) -> None:
    with (
        HttpCamera(serve(films, ranges=False)) as camera,  # type: ignore[arg-type]
        pytest.raises(CameraFailed, match=r"127\.0\.0\.1"),
        opened(camera.url("/a.mp4")) as source,
    ):
        shades(source, 40)


def test_the_log_in_is_for_all_that_a_playlist_names(films: dict[str, bytes]) -> None:
    files = serve(films)

    def answer(request: Request) -> Iterable[bytes]:
        if not request.authorization:
            return [head('WWW-Authenticate: Basic realm="x"', "Content-Length: 0", status="401 No")]
        return files(request)  # type: ignore[operator, no-any-return]

    with HttpCamera(answer) as camera:
        with opened(camera.url("/a.m3u8", "me:secret@")) as source:
            assert len(shades(source, 40)) == 40
        with pytest.raises(LoginRefused), opened(f"ffmpeg:{camera.url('/a.m3u8')}"):
            pass


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n"


ELSEWHERE = "refers to another server"
OTHER_FORMAT = "of another format|Invalid data"
SDP = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=video 21998 RTP/AVP 26\r\n"
#: What a hostile camera may answer with, under which name, and what is said of it.
HOSTILE = [
    ("a.m3u8", HLS, PLAYLIST.replace("{url}", "http://127.0.0.1:{other}/a.ts"), ELSEWHERE),
    ("a.m3u8", HLS, PLAYLIST.replace("{url}", "http://localhost:{other}/a.ts"), ELSEWHERE),
    ("a.m3u8", HLS, PLAYLIST.replace("{url}", "//127.0.0.1:{other}/a.ts"), ELSEWHERE),
    ("a.m3u8", HLS, PLAYLIST.replace("{url}", "tcp://127.0.0.1:{other}/a.ts"), r"127\.0\.0\.1"),
    ("a.m3u8", HLS, PLAYLIST.replace("{url}", "file:///etc/a.ts"), r"127\.0\.0\.1"),
    ("a.m3u8", HLS, PLAYLIST.replace("{url}", "/etc/a.ts"), "404"),
    ("a.m3u8", HLS, PLAYLIST.replace("{url}", "concat:/etc/a.ts|/etc/b.ts"), r"127\.0\.0\.1"),
    (
        *("a.m3u8", HLS),
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://127.0.0.1:{other}/b.m3u8\n",
        ELSEWHERE,
    ),
    ("a.sdp", "application/sdp", SDP, OTHER_FORMAT),
    ("a.mp4", "application/octet-stream", SDP, OTHER_FORMAT),
    (
        *("a.mp4", "video/mp4"),
        "ffconcat version 1.0\nfile http://127.0.0.1:{other}/a.ts\n",
        OTHER_FORMAT,
    ),
    ("a.mp4", "text/plain", "#EXTM3U\nhttp://127.0.0.1:{other}/a.ts\n", OTHER_FORMAT),
    (
        *("a.mpd", "application/dash+xml"),
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S"><Period><AdaptationSet><Representation id="1" '
        'mimeType="video/mp4" bandwidth="1"><BaseURL>http://127.0.0.1:{other}/a.mp4</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>",
        r"127\.0\.0\.1",
    ),
]


@pytest.mark.parametrize(("name", "kind", "text", "words"), HOSTILE, ids=range(len(HOSTILE)))
def test_no_playlist_and_no_description_asks_anybody_else(
    name: str, kind: str, text: str, words: str, films: dict[str, bytes]
) -> None:
    with HttpCamera(serve(films)) as other:  # type: ignore[arg-type]
        body = text.replace("{other}", str(other.port)).encode()

        def answer(request: Request) -> Iterable[bytes]:
            if request.target == f"/{name}":
                return [whole(body, kind=kind)]
            return [whole(b"", status="404 Not Found")]

        with (
            HttpCamera(answer) as camera,
            pytest.raises(CameraFailed, match=words),
            opened(camera.url(f"/{name}")) as source,
        ):
            read(source)
        assert other.connections == 0


def test_who_waits_for_a_film_can_be_interrupted(films: dict[str, bytes]) -> None:
    answer = [head("Content-Type: video/x-flv", "Content-Length: 9999999"), films["a.flv"][:4000]]
    with HttpCamera(lambda _: answer) as camera:
        source = HttpVideo.at(camera.url())
        source.interrupt()
        with pytest.raises(CameraFailed, match="interrupted"):
            source.open()
        source.close()
