"""Far ends for scripts/package-test: syslog over TCP, UDP and a Unix socket, and HTTP receivers that confirm.
usage: package_receivers.py FOLDER SOCKET; what each gets stands in FOLDER/NAME, their ports in FOLDER/ports."""

import gzip
import http.server
import json
import os
import pathlib
import socket
import sys
import threading

folder = pathlib.Path(sys.argv[1])
lock = threading.Lock()


def keep(name, data):
    with lock, open(folder / name, "ab") as file:
        file.write(data + b"\n")


def answer_of(name, body):
    if name == "splunk":
        return {"text": "Success", "code": 0} if body else {"text": "No data", "code": 5}
    if name == "elastic":
        creates = [line for line in body.splitlines() if line.startswith(b'{"create"')]
        return {"took": 1, "errors": False, "items": [{"create": {"status": 201}} for _ in creates]}
    return {}


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if body:
            keep(self.server.name, body)
        self.reply(answer_of(self.server.name, body))

    def do_GET(self):
        self.reply({"version": {"number": "8.0.0"}})

    def reply(self, answer):
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def follow_connection(name, connection):
    while data := connection.recv(65536):
        keep(name, data)


def follow_stream(name, listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=follow_connection, args=(name, connection), daemon=True).start()


def follow_datagrams(name, listener):
    while True:
        keep(name, listener.recv(65536))


ports = {}
tcp = socket.create_server(("127.0.0.1", 0))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
unix = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
unix.bind(sys.argv[2])
os.chmod(sys.argv[2], 0o666)
for name, listener, follow in (("tcp", tcp, follow_stream), ("udp", udp, follow_datagrams), ("unix", unix, follow_datagrams)):
    threading.Thread(target=follow, args=(name, listener), daemon=True).start()
ports["tcp"], ports["udp"] = tcp.getsockname()[1], udp.getsockname()[1]
for name in ("http", "splunk", "elastic", "otlp"):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.name = name
    ports[name] = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
(folder / "ports.new").write_text("".join(f"{name}={port}\n" for name, port in ports.items()))
os.rename(folder / "ports.new", folder / "ports")
threading.Event().wait()
