"""A server on this machine that speaks as much of the hub's API as `hf://` and `push` use."""

import base64
import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_local"
COMMIT = "0123456789" * 4


class Hub(ThreadingHTTPServer):
    """Repositories by name: whether each is private, and its files."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories = {}
        self.asked = []
        self.refusal = None  # (status, the hub's code of it): what every file is answered with

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def hub():
    """Give a `Hub` that runs until the end of the block."""
    with Hub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path.startswith("/api/whoami"):
            return self._json(
                {"name": "user", "type": "user"} if self._known() else {}, self._may()
            )
        name = re.match(r"/(?:api/models/)?([\w.-]+/[\w.-]+)", self.path)[1]
        repository = self.server.repositories.get(name)
        if repository is None or repository["private"] and not self._known():
            return self._json({"error": "Not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        files = repository["files"]
        if self.server.refusal and "/resolve/" in self.path:
            status, code = self.server.refusal
            return self._json({"error": "no"}, status, {"X-Error-Code": code})
        if self.path.startswith("/api/"):
            if "/nowhere" in self.path:
                return self._json({"error": "no"}, 404, {"X-Error-Code": "RevisionNotFound"})
            tree = [
                {"type": "file", "path": path, "size": len(files[path]), "oid": _oid(files[path])}
                for path in files
            ]
            siblings = [{"rfilename": path} for path in files]
            about = {"id": name, "sha": COMMIT, "siblings": siblings}
            return self._json(tree if "/tree/" in self.path else about)
        path = self.path.split(f"/resolve/{COMMIT}/")[1]
        return self._send(files[path], headers={"ETag": f'"{_oid(files[path])}"'})

    def do_POST(self):
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._may() != 200:
            return self._json({"error": "no"}, self._may())
        if self.path == "/api/validate-yaml":
            return self._json({"errors": [], "warnings": []})
        if self.path == "/api/repos/create":
            wanted = json.loads(content)
            name = f"{wanted.get('organization', 'user')}/{wanted['name']}"
            private = wanted.get("private", wanted.get("visibility") == "private")
            status = 409 if name in self.server.repositories else 200
            self.server.repositories.setdefault(name, {"private": private, "files": {}})
            return self._json({"url": f"{self.server.address}/{name}", "id": name}, status)
        name = re.match(r"/api/models/([\w.-]+/[\w.-]+)", self.path)[1]
        if "/preupload/" in self.path:
            given = [one["path"] for one in json.loads(content)["files"]]
            modes = [{"path": p, "uploadMode": "regular", "shouldIgnore": False} for p in given]
            return self._json({"files": modes})
        for line in map(json.loads, content.splitlines()):
            if line["key"] == "file":
                data = base64.b64decode(line["value"]["content"])
                self.server.repositories[name]["files"][line["value"]["path"]] = data
        place = f"{self.server.address}/{name}/commit/{COMMIT}"
        return self._json({"commitUrl": place, "commitOid": COMMIT, "success": True})

    def _known(self):
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _may(self):
        return 200 if self._known() else 401

    def _json(self, value, status=200, headers=None):
        self._send(
            json.dumps(value).encode(), status, {"Content-Type": "application/json"}, headers
        )

    def _send(self, content, status=200, headers=None, more=None):
        self.send_response(status)
        given = {**(headers or {}), **(more or {}), "X-Repo-Commit": COMMIT}
        for key, value in {**given, "Content-Length": len(content)}.items():
            self.send_header(key, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *arguments):
        pass


def _oid(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
