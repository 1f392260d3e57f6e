"""The status page in headless Chromium; started by scripts/page-test. Talks WebDriver to chromedriver."""

import argparse
import base64
import contextlib
import http.server
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

PATIENCE = 90
HARMLESS = "this token was revoked"
EVIL = '</span><script>document.title="injected"</script><img src=x onerror=\'document.title="injected"\'>\u202egnp\x1b[31m'


def wait_for(what, condition):
    """The first true value of condition(), which is asked again and again."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    sys.exit(f"page-test: not within {PATIENCE} s: {what}")


def check(truth, what):
    if not truth:
        sys.exit(f"page-test: FAILED: {what}")
    print(f"ok   {what}")


class Program:
    def __init__(self, command, folder, name, environment=None):
        self.output = folder / f"{name}.out"
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            env={**os.environ, **(environment or {})})

    def said(self, pattern):
        found = re.search(pattern, self.output.read_text(errors="replace"))
        if self.process.poll() is not None and not found:
            sys.exit(f"page-test: {self.output.name} ended: {self.output.read_text(errors='replace')}")
        return found and found.group(1)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class FarEnd(http.server.BaseHTTPRequestHandler):
    """Takes records; or refuses every request with `words`; or one record for good, the first that comes once it is picky."""
    words = None
    picky = False
    disliked = None

    def do_POST(self):
        records = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if FarEnd.picky and FarEnd.disliked is None:
            FarEnd.disliked = re.search(r'"id":"[^"]*"', records).group(0)
        status, body = 200, b"{}"
        if FarEnd.words is not None:
            status, body = 401, FarEnd.words.encode()
        elif FarEnd.disliked is not None and FarEnd.disliked in records:
            status, body = 400, b"a field of this record is not in the mapping"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Browser:
    def __init__(self, driver, script=True):
        self.base = driver
        arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-device-scale-factor=1"]
        options = {"args": arguments}
        if not script:
            options["prefs"] = {"profile.managed_default_content_settings.javascript": 2}
        wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}}
        self.session = self.call("POST", "/session", wanted)["sessionId"]

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            sys.exit(f"page-test: the browser refuses {path}: {error.read().decode(errors='replace')[:500]}")

    def ask(self, method, path, body=None):
        return self.call(method, f"/session/{self.session}{path}", body)

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def text(self, selector):
        return self.run("const found = document.querySelector(arguments[0]); return found === null ? '' : found.innerText", selector)

    def title(self):
        return self.ask("GET", "/title")

    def complaints(self):
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"}) if "favicon" not in entry["message"]]

    def size(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def colours(self, scheme):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path, names):
        """The whole page, with names in place of what is this run's own: ports and folders. The page may renew itself meanwhile."""
        width = self.run("return window.innerWidth")
        until = time.monotonic() + PATIENCE
        while True:
            self.run(RENAME, names)
            height = self.run("return Math.ceil(document.querySelector('footer').getBoundingClientRect().bottom + window.scrollY)")
            self.size(width, height)
            picture = self.ask("GET", "/screenshot")
            shown = self.run("return document.body.innerText")
            if not any(own in shown for own in names):
                break
            check(time.monotonic() < until, "a picture between two renewals of the page")
        path.write_bytes(base64.b64decode(picture))

    def close(self):
        self.call("DELETE", f"/session/{self.session}")


RENAME = """
const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (nodes.nextNode()) {
  for (const [own, name] of Object.entries(arguments[0])) {
    if (nodes.currentNode.nodeValue.includes(own)) nodes.currentNode.nodeValue = nodes.currentNode.nodeValue.replaceAll(own, name);
  }
}
"""

# Relative luminance and contrast as in WCAG 2.1; the lowest contrast of any text that is shown.
CONTRAST = """
const light = (colour) => {
  const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => {
    const share = part / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const back = (element) => {
  for (let at = element; at !== null; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (!/, 0\\)$/.test(colour)) return colour;
  }
  return "rgb(255, 255, 255)";
};
let worst = [21, ""];
for (const element of document.querySelectorAll("body *")) {
  const shows = Array.from(element.childNodes).some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim() !== "");
  if (!shows || element.closest("script, style, noscript") !== null) continue;
  const [a, b] = [light(getComputedStyle(element).color), light(back(element))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < worst[0]) worst = [contrast, element.textContent];
}
return worst;
"""


def check_looks(browser, name, screenshots, names):
    for scheme in ("light", "dark"):
        for form, width, height in (("wide", 1280, 800), ("narrow", 390, 844)):
            browser.colours(scheme)
            browser.size(width, height)
            overflow = browser.run("return document.documentElement.scrollWidth - window.innerWidth")
            check(overflow <= 0, f"{name}, {scheme}, {form}: nothing is wider than the window")
            contrast, where = browser.run(CONTRAST)
            check(contrast >= 4.5, f"{name}, {scheme}, {form}: the lowest contrast of text is {contrast:.1f} ({where[:40]!r})")
            if screenshots:
                browser.picture(screenshots / f"status-page-{name}-{scheme}-{form}.png", names)
    browser.colours("light")
    browser.size(1280, 800)


def write_config(path, folder, portal, far_end):
    path.write_text(f"""
[daemon]
state_dir = "{folder}/state"
[admin]
listen = "127.0.0.1:0"
[sources.acme]
profile = "apptego"
base_url = "{portal}/frontend"
tenant = "9f1c0a4e7b8d4a4db52e6a6d5c5c1f11"
credentials.token_key = {{ env = "KEY" }}
credentials.token_secret = {{ env = "SECRET" }}
requests_per_minute = 6000
poll_every = "1s"
start = "-1h"
overlap = "1h"
retention = "60d"
max_backoff = "1s"
[exporters.archive]
type = "file"
path = "{folder}/records/{{stream}}-{{date}}.jsonl"
[exporters.siem]
type = "http"
url = "{far_end}/in"
compression = "none"
max_backoff = "1s"
""")


def run(programs, screenshots, folder, ends):
    sandbox = Program([programs / "sandbox/auditferry-sandbox", "--listen", "127.0.0.1:0", "--rate", "3", "--history", "1m"], folder, "sandbox")
    ends.callback(sandbox.end)
    portal = wait_for("the sandbox listens", lambda: sandbox.said(r"listening[^h]*(http\S*)"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FarEnd)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ends.callback(server.shutdown)
    config = folder / "auditferry.toml"
    far_end = f"http://127.0.0.1:{server.server_port}"
    write_config(config, folder, portal, far_end)
    # What pictures show in place of this run's ports and folders.
    names = {portal.removeprefix("http://"): "portal.example.com", far_end.removeprefix("http://"): "siem.example.com", f"{folder}/": ""}

    def fault(*faults):
        body = json.dumps({"random": [{"rate": 1, **one} for one in faults]}).encode()
        with urllib.request.urlopen(urllib.request.Request(portal + "/sandbox/faults", body, method="POST")) as answer:
            check(answer.status == 200, f"the portal does as it is told: {faults or 'it is well again'}")
    command = [programs / "daemon/auditferry", "run", "--config", config]
    secrets = {"KEY": "sandbox-key", "SECRET": "sandbox-secret"}
    daemon = Program(command, folder, "daemon", secrets)
    ends.callback(daemon.end)
    page = wait_for("the admin listener", lambda: daemon.said(r"admin listens on (http\S+)"))
    driver = Program(["chromedriver", "--port=0"], folder, "chromedriver")
    ends.callback(driver.end)
    port = wait_for("chromedriver", lambda: driver.said(r"started successfully on port (\d+)"))

    def start(script=True):
        browser = Browser(f"http://127.0.0.1:{port}", script)
        ends.callback(lambda: browser.close())
        return browser

    def status():
        with urllib.request.urlopen(page + "/status", timeout=PATIENCE) as answer:
            return json.load(answer)

    wait_for("records are delivered", lambda: all(e["delivered"] > 100 for e in status()["exporters"]) and len(status()["streams"]) == 2)
    if screenshots:
        time.sleep(130)  # the chart shall have something to show

    browser = start()
    browser.open(page)
    wait_for("all is in order", lambda: browser.title().startswith("In order"))
    check("In order" in browser.text("#verdict"), "healthy: the sentence on top says so: " + browser.text("#verdict"))
    rows = browser.run("return Array.from(document.querySelectorAll('#part-streams tbody th'), (cell) => cell.innerText)")
    check(rows == ["acme/audit", "acme/device"], "a row for each stream")
    check(browser.run("return document.querySelectorAll('svg rect').length") > 0, "the charts have bars")
    check(browser.run("return document.querySelectorAll('main, header, footer, nav').length") == 4, "landmarks")
    check(browser.run("return document.getElementById('verdict').getAttribute('role')") == "status", "the sentence on top is a live region")
    check(browser.run("return document.querySelectorAll('table').length === document.querySelectorAll('table > caption').length"), "every table has a caption")
    check(browser.run("return Array.from(document.querySelectorAll('th')).every((cell) => cell.scope !== '')"), "every heading cell says of what")
    browser.run("document.body.focus()")
    browser.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": [{"type": "keyDown", "value": "\ue004"}, {"type": "keyUp", "value": "\ue004"}]}]})
    check(browser.run("return document.activeElement.className") == "skip", "Tab comes to the skip link first")
    browser.run("document.activeElement.blur()")
    check_looks(browser, "healthy", screenshots, names)

    browser.run("window.marker = 1")
    before = browser.text("#part-streams")
    wait_for("the page renews itself", lambda: browser.text("#part-streams") != before)
    check(browser.run("return window.marker") == 1, "it renews itself without being loaded again")
    check(not browser.complaints(), f"the browser has nothing to complain of {browser.complaints()}")
    # The policy stops what an injected script would do.
    stopped = browser.run("const script = document.createElement('script'); try { script.textContent = 'window.evil = 1'; document.body.append(script); } catch (error) { return true; } return window.evil === undefined")
    check(stopped, "the policy lets no other script run")
    browser.complaints()

    quiet = start(script=False)
    quiet.open(page)
    check("In order" in quiet.title(), "without script: the page is whole")
    before = quiet.devtools("Runtime.evaluate", expression="1") and quiet.ask("GET", "/source")
    wait_for("without script the page is loaded again", lambda: quiet.ask("GET", "/source") != before)
    print("ok   without script: it is loaded again by itself")
    quiet.close()
    quiet.close = lambda: None

    # One record is refused for good, and a page of the portal cannot be read.
    FarEnd.picky = True
    wait_for("a dead letter", lambda: sum(e["dead_letters"] for e in status()["exporters"]) == 1)
    fault({"target": "audit", "kind": "malformed"})
    wait_for("a gap", lambda: status()["gaps"])
    # It stays like that, or the gap would soon be healed; the other log goes on.
    wait_for("the page says that it needs attention",
             lambda: browser.title().startswith("Needs attention") and browser.text("#part-gaps") != "" and browser.text("#part-letters") != "")
    gap = status()["gaps"][0]["gap"]
    commands = "return Array.from(document.querySelectorAll(arguments[0] + ' code'), (code) => code.innerText)"
    of_gap = browser.run(commands, "#part-gaps")
    check(any(command.startswith("auditferry backfill --source acme --stream audit --from ") for command in of_gap), "the gap: how to ask once more")
    check(any(command.startswith(f"auditferry gaps accept {gap} --reason WHY ") for command in of_gap), "the gap: how to take note of it")
    of_letter = browser.run(commands, "#part-letters")
    for what in ("list --exporter siem", "retry --all --exporter siem", "discard --all --exporter siem"):
        check(f"auditferry dead-letters {what} --config {config}" in of_letter, f"the dead letter: dead-letters {what}")

    FarEnd.words = EVIL
    wait_for("the far end refuses", lambda: any(e["exporter"] == "siem" and e["state"] == "paused" for e in status()["exporters"]))
    fault({"kind": "status", "status": 401})
    wait_for("the page says what needs attention", lambda: browser.text("#verdict").find("5 things") > 0)
    needs = browser.text("#part-needs")
    check("acme/audit is not collected" in needs and "siem does not deliver" in needs, "broken: what needs a person, in words")
    check(f"auditferry check --online --config {config}" in needs, "and the command to type")
    check(browser.title().startswith("Needs attention") and browser.run("return document.querySelectorAll('img, #part-needs script, #part-exporters script').length") == 0,
          "the far end's words inject nothing")
    check("\u202e" not in needs and "\x1b" not in needs and "<script>" in needs, "they are shown as they are, without what would turn them round")
    FarEnd.words = HARMLESS
    wait_for("the far end refuses with other words", lambda: HARMLESS in browser.text("#part-needs") and "<script>" not in browser.text("main"))
    shown = browser.text("main")
    check(all(part in shown for part in ("What to do", "Collected", "Delivered", "Gaps", "Dead letters")), "broken: every part of the page is there")
    (accept,) = [command for command in browser.run(commands, "#part-gaps") if " gaps accept " in command]
    check_looks(browser, "broken", screenshots, names)
    check(not browser.complaints(), f"the browser has nothing to complain of {browser.complaints()}")

    # A command as it stands there does what it says.
    words = [{"auditferry": str(programs / "daemon/auditferry"), "WHY": "the portal was mended"}.get(word, word) for word in shlex.split(accept)]
    check(subprocess.run(words, env={**os.environ, **secrets}, timeout=PATIENCE, check=False).returncode == 0, f"done as the page says: {accept}")
    wait_for("the gap's row goes", lambda: browser.text("#part-gaps") == "" and browser.text("#verdict").find("4 things") > 0)
    print("ok   and its row goes")

    daemon.end()
    wait_for("the page says that the daemon is gone", lambda: browser.title().startswith("No answer"))
    check("does not answer" in browser.text("#verdict"), "the daemon is gone: the sentence on top says so")
    print("the page is as it should be")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--screenshots", type=pathlib.Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as ends:
        run(arguments.programs.resolve(), arguments.screenshots and arguments.screenshots.resolve(), pathlib.Path(name), ends)


main()
