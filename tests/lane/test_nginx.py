"""Lane and Django as two services behind a real nginx, with the configuration that the docs hand out."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse

import pytest

from sales.management.demo_children import PROJECT
from tests.running_demo import SLUG, Demo, clean_environment, free_port, started

CONFIGURATION = PROJECT / "docs" / "nginx" / "shop.conf"
_ENVELOPE = """
{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 512; }}
http {{
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  add_header X-Service $upstream_addr;
{shop}
}}
"""


@dataclass(frozen=True, slots=True)
class Shop:
    """The whole, as it is seen from outside."""

    port: int
    lane: int
    django: int

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> tuple[HTTPResponse, bytes]:
        line = HTTPConnection("127.0.0.1", self.port, timeout=30)
        with closing(line):
            sent = {"Host": "localhost"} | {name.replace("_", "-"): value for name, value in headers.items()}
            line.request(method, path, body, sent)
            answer = line.getresponse()
            return answer, answer.read()

    def service_of(self, path: str, **headers: str) -> int:
        """The port of the service that answered."""
        answer, _ = self.ask("GET", path, **headers)
        return int((answer.getheader("X-Service") or ":0").rpartition(":")[2])


def answering(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo's web server is the lane here."""
    with started(tmp_path_factory.mktemp("nginx"), workers=1, stock=100) as running:
        yield running


@pytest.fixture(scope="module")
def shop(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder, port, django = tmp_path_factory.mktemp("in-front"), free_port(), free_port()
    written = CONFIGURATION.read_text()
    written = re.sub(r"server \{\n    listen 80;.*?\n\}\n", "", written, flags=re.DOTALL)
    written = re.sub(r"    ssl_certificate.*\n", "", written)
    for theirs, ours in {
        "listen 443 ssl;": f"listen 127.0.0.1:{port};",
        "shop.example": "localhost",
        "127.0.0.1:8001": f"127.0.0.1:{demo.port}",
        "127.0.0.1:8002": f"127.0.0.1:{django}",
        "/var/log/nginx": str(folder),
        "/srv/shop/var/production": str(demo.folder),
    }.items():
        assert theirs in written
        written = written.replace(theirs, ours)
    user = "user root;" if os.geteuid() == 0 else ""  # its workers must read this test's folders
    (folder / "nginx.conf").write_text(_ENVELOPE.format(user=user, folder=folder, shop=written))
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert nginx, "Install nginx: apt-get install nginx-light"
    gunicorn = [sys.executable, "-m", "gunicorn", "--config", str(PROJECT / "flashsale_site" / "gunicorn_conf.py")]
    env = clean_environment() | {
        "SITE": "demo", "DATA_DIR": str(demo.folder), "BIND": f"127.0.0.1:{django}", "WEB_WORKERS": "1",
        "TRUSTED_PROXIES": "127.0.0.1", "LIMITS": "off",
    }  # fmt: skip
    behind = subprocess.Popen([*gunicorn, "--worker-class", "gthread", "flashsale_site.wsgi"], env=env, cwd=PROJECT)
    front = subprocess.Popen([nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", f"{folder}/start.log"])
    try:
        answering(f"http://127.0.0.1:{django}/health", behind)
        answering(f"http://127.0.0.1:{port}/health", front)
        yield Shop(port=port, lane=demo.port, django=django)
    finally:
        for process in (front, behind):
            process.terminate()
            process.wait(timeout=30)


class TestNginx:
    def test_sends_the_hot_urls_to_the_lane_and_the_rest_to_django(self, shop: Shop, demo: Demo) -> None:
        asked = {
            f"/api/flashsale/status/{SLUG}": shop.lane,
            f"/api/flashsale/user/a/purchase/{SLUG}": shop.lane,
            f"/sales/{SLUG}/panel": shop.lane,
            f"/sales/{SLUG}/": shop.lane,
            "/health": shop.lane,
            "/": shop.django,
            "/accounts/login/": shop.django,
            f"/sales/{SLUG}/mine": shop.django,
        }

        assert {path: shop.service_of(path) for path in asked} == asked
        assert shop.service_of(f"/sales/{SLUG}/", cookie="sessionid=somebody") == shop.django

    def test_lets_people_buy(self, shop: Shop) -> None:
        body = json.dumps({"userId": "through-nginx", "flashSaleId": SLUG})

        bought, said = shop.ask("POST", "/api/flashsale/purchase", body, content_type="application/json")
        _, found = shop.ask("GET", f"/api/flashsale/user/through-nginx/purchase/{SLUG}")

        assert (bought.status, json.loads(said)["success"]) == (200, True)
        assert json.loads(found)["purchase"]["id"] == json.loads(said)["purchaseId"]

    def test_keeps_the_request_id_in_both(self, shop: Shop) -> None:
        for path in ("/health", "/"):
            answer, _ = shop.ask("GET", path, x_request_id="chosen-by-the-client")

            assert re.fullmatch(r"[0-9a-f]{32}", answer.getheader("X-Request-ID") or "")

    def test_serves_static_files_by_itself(self, shop: Shop) -> None:
        _, page = shop.ask("GET", "/")
        found = re.search(rb'href="(/static/site[^"]+css)"', page)
        assert found

        answer, _ = shop.ask("GET", found[1].decode())

        assert answer.status == 200
        assert answer.getheader("X-Service") is None
        assert "immutable" in (answer.getheader("Cache-Control") or "")
