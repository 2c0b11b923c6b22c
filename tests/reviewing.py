"""The review page in a process of its own, over a record of ten findings, and a Chromium that looks at it."""

import http.client
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

from psycopg.types.json import Jsonb

from tests import matched
from tests.context import save
from tests.matched import MATCHED_AT, SMALL_DRESS, image, record
from theftwatch.files import Files
from theftwatch.listing import Seller
from theftwatch.match.context import update_context

WAIT_MAX_S = 120
#: A vendor that tries what a page can be attacked with
HOSTILE = Seller(
    marketplace="alibaba",
    ref="666",
    name='"><script>document.title="owned"</script>',
    url="javascript:document.title='owned'",
)
HOSTILE_TITLE = "<img src=x onerror=\"document.title='owned'\"> {{ 7*7 }} \u202egpj.exe"
#: How the small dress lies in the original: the whole of it, at 60 %
WHOLE = {
    "mirrored": False,
    "scale": 0.6,
    "stretch": 1.0,
    "rotation_degrees": 0.0,
    "shown": 1.0,
    "crop": [0.0, 0.0, 1.0, 1.0],
    "place": [0.0, 0.0, 1.0, 1.0],
    "around": "nothing",
    "matrix": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
    "covered": [],
    "cut_out": False,
}


async def fill(connection, files: Files) -> None:
    """Fill a record with ten findings; two of them are with the hostile vendor."""
    async with connection.transaction():
        await matched.fill(connection, files)
    await save(connection, [record(HOSTILE, "666", image(SMALL_DRESS), title=HOSTILE_TITLE)])
    await connection.execute("update match set transform = %s where transform ->> 'scale' = '0.6'", [Jsonb(WHOLE)])
    await update_context(connection, load=files.get, now=MATCHED_AT)


class Review:
    """`theftwatch review` in a process of its own."""

    def __init__(self, dsn: str, folder: Path, port: int, *arguments: str, **environment: str) -> None:
        self.port = port
        self.origin = f"http://127.0.0.1:{port}"
        known = {name: value for name, value in os.environ.items() if not name.startswith("THEFTWATCH_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "theftwatch", "review", "--port", str(port), *arguments],
            env=known | {"THEFTWATCH_DSN": dsn, "THEFTWATCH_DATA_DIR": str(folder)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.greeting = self.process.stdout.readline()
        assert "Ctrl-C" in self.greeting, self.greeting

    def ask(self, method, path, fields=None, **headers):
        """Return status, headers and text of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_MAX_S)
        body = None if fields is None else urlencode(fields)
        own = {} if method == "GET" else {"Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, own | given)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), data

    def stop(self) -> str:
        """End it as Ctrl-C does, and return what else it said."""
        self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=WAIT_MAX_S)
        return said
