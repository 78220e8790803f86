"""Redis for the tests: in memory by default, a server of our own with `--redis=real`."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import fakeredis
import pytest
import redis

START_ATTEMPTS = 3
START_SECONDS = 10.0
STOP_SECONDS = 5.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--redis`."""
    parser.addoption(
        "--redis",
        dest="redis_kind",
        choices=("fake", "real"),
        default="fake",
        help="what mock_redis_sync talks to: fakeredis (default), or a redis-server started for this run",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Stop at once when `--redis=real` cannot work."""
    if config.getoption("redis_kind") == "real" and shutil.which("redis-server") is None:
        raise pytest.UsageError(
            "--redis=real needs the program redis-server, which is not on PATH. "
            "Install it (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis) "
            "or run with --redis=fake."
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End `process`, by force if it does not listen."""
    process.terminate()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _is_ready(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until `process` answers on `port`; False when it ended or took too long.

    Compares process ids, so that another server that took the port first is never used.
    """
    deadline = time.monotonic() + START_SECONDS
    with redis.Redis(host="127.0.0.1", port=port, socket_timeout=1) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                return client.info("server")["process_id"] == process.pid
            except redis.RedisError:  # not listening yet
                time.sleep(0.05)
    return False


def _start(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start a redis-server that keeps nothing; returns its process and its port on 127.0.0.1."""
    log = folder / "redis.log"
    for _ in range(START_ATTEMPTS):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
        command += ["--save", "", "--appendonly", "no", "--logfile", str(log)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if _is_ready(process, port):
            return process, port
        _stop(process)
    text = log.read_text(errors="replace") if log.exists() else "(it wrote no log)"
    raise RuntimeError(f"redis-server did not start in {START_ATTEMPTS} attempts; its log:\n{text}")


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of a redis-server that lives as long as this test run."""
    process, port = _start(tmp_path_factory.mktemp("redis"))
    try:
        yield port
    finally:
        _stop(process)


@pytest.fixture
def mock_redis_sync(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """A synchronous client of an empty database; replies are decoded to str."""
    if request.config.getoption("redis_kind") == "fake":
        server = fakeredis.FakeServer()
        client: redis.Redis = fakeredis.FakeRedis(server=server, decode_responses=True)
    else:
        port = request.getfixturevalue("redis_port")
        client = redis.Redis(host="127.0.0.1", port=port, decode_responses=True, socket_timeout=5)
        client.flushall()
    with client:
        yield client
