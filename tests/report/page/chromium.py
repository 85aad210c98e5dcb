"""A browser to look at pages with: Debian's Chromium, told what to do through a pipe.

The DevTools protocol says what a test must know: what the console complains of, what is asked of the network, how wide
the page is, and what it looks like. https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EXECUTABLE = os.environ.get("JETSTREAM_TEST_BROWSER", "")  # Chromium, as Debian packages it
_ADDRESS = "https://pages.example/page.html"
_OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--force-color-profile=srgb", "--remote-debugging-pipe",
)  # fmt: skip


@dataclass
class Browser:
    """A page in a browser. `complaints` are errors and warnings, `asked` the addresses that the page asked for."""

    to: int
    back: int
    session: str = ""
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _last: int = 0
    _rest: bytes = b""
    _seen: list[dict[str, Any]] = field(default_factory=list)
    _served: tuple[str, str] = ("", "")

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Do a command of the protocol; return its result."""
        number = self._tell(method, **parameters)
        while True:
            answer = self._read()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return dict(answer["result"])

    def _tell(self, method: str, **parameters: Any) -> int:
        """Give a command, and return its number without waiting for the answer."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data) :]
        return self._last

    def show(self, html: str, *, policy: str = "") -> None:
        """Show a document as from a server that sends it with a Content-Security-Policy; nothing else is there."""
        self._served = html, policy
        self._seen.clear()
        self.do("Page.navigate", url=_ADDRESS)
        while not any(event.get("method") == "Page.loadEventFired" for event in self._seen):
            self._read()

    def shape(self) -> tuple[int, int]:
        """Return how wide and high the document is, which is more than the window where it overflows."""
        found = self.do("Page.getLayoutMetrics")["cssContentSize"]
        return int(found["width"]), int(found["height"])

    def press(self, selector: str, number: int) -> None:
        """Click on an element, the `number`th that a selector finds."""
        root = self.do("DOM.getDocument")["root"]["nodeId"]
        node = self.do("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"][number]
        self.do("DOM.scrollIntoViewIfNeeded", nodeId=node)
        corners = self.do("DOM.getBoxModel", nodeId=node)["model"]["content"]
        where = {"x": (corners[0] + corners[4]) / 2, "y": (corners[1] + corners[5]) / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self.do("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **where)

    def height_of(self, selector: str, number: int) -> int:
        """Return how high an element is drawn; 0 where it is not."""
        root = self.do("DOM.getDocument")["root"]["nodeId"]
        node = self.do("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"][number]
        try:
            return int(self.do("DOM.getBoxModel", nodeId=node)["model"]["height"])
        except RuntimeError:  # what is not drawn has no box
            return 0

    def size(self, width: int, *, dark: bool = False, media: str = "screen") -> None:
        """Make the page so many pixels wide, in light or dark colours."""
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.do("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def picture(self, *, most: int = 20_000, scale: float = 1.0) -> bytes:
        """Return a PNG of the page, from its top, at most so many pixels high, made smaller by `scale`."""
        width, height = self.shape()
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, most), "scale": scale}
        data = self.do("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)["data"]
        return base64.b64decode(data)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            found = os.read(self.back, 1 << 20)
            if not found:
                raise RuntimeError("the browser ended")
            self._rest += found
        line, _, self._rest = self._rest.partition(b"\0")
        event: dict[str, Any] = json.loads(line)
        self._seen.append(event)
        self._note(event.get("method", ""), event.get("params", {}))
        return event

    def _note(self, method: str, facts: dict[str, Any]) -> None:
        if method == "Fetch.requestPaused":
            self._answer(facts)
        elif method == "Log.entryAdded" and facts["entry"]["level"] in ("error", "warning"):
            self.complaints.append(facts["entry"]["text"])
        elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.complaints.append(json.dumps(facts))

    def _answer(self, facts: dict[str, Any]) -> None:
        """Answer a request: with the document, or that there is nothing."""
        if facts["request"]["url"].endswith("/favicon.ico"):  # the browser's own wish, of every server
            self._tell("Fetch.fulfillRequest", requestId=facts["requestId"], responseCode=204)
            return
        if facts["request"]["url"].endswith("/favicon.ico"):  # the browser's own wish, of every server
            self._tell("Fetch.fulfillRequest", requestId=facts["requestId"], responseCode=204)
            return
        if facts["request"]["url"] != _ADDRESS:
            self.asked.append(facts["request"]["url"])
            self._tell("Fetch.failRequest", requestId=facts["requestId"], errorReason="AddressUnreachable")
            return
        html, policy = self._served
        headers = [{"name": "Content-Type", "value": "text/html; charset=utf-8"}]
        headers += [{"name": "Content-Security-Policy", "value": policy}] if policy else []
        body = base64.b64encode(html.encode()).decode()
        self._tell(
            "Fetch.fulfillRequest", requestId=facts["requestId"], responseCode=200, responseHeaders=headers, body=body
        )


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start a browser with a profile in `folder`, and end it."""
    child_in, to = os.pipe()
    back, child_out = os.pipe()

    def connect() -> None:
        # The protocol is spoken on descriptors 3 and 4, which may be taken by one of these pipes.
        first, second = os.dup(child_in), os.dup(child_out)
        os.dup2(first, 3)
        os.dup2(second, 4)

    command = [EXECUTABLE, *_OPTIONS, f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(  # the browser, with options of ours
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=connect, close_fds=False
    )
    os.close(child_in)
    os.close(child_out)
    try:
        made = Browser(to, back)
        target = made.do("Target.createTarget", url="about:blank")["targetId"]
        made.session = made.do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime", "DOM", "Fetch"):
            made.do(f"{domain}.enable")
        yield made
    finally:
        process.terminate()
        process.wait()
        os.close(to)
        os.close(back)
