"""DCMTK's senders, timed by their own log: from the request of the association to its release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.process import program, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.certificates import Certificates
    from bench.measure import Values

# Only these lines are written, so that a peer is not measured writing its log.
_LOG = """
log4cplus.rootLogger = INFO, out
log4cplus.appender.out = log4cplus::ConsoleAppender
log4cplus.appender.out.layout = log4cplus::PatternLayout
log4cplus.appender.out.layout.ConversionPattern = @%D{%s.%q} %m%n
log4cplus.appender.out.filters.1 = log4cplus::spi::StringMatchFilter
log4cplus.appender.out.filters.1.StringToMatch = ing Association
log4cplus.appender.out.filters.1.AcceptOnMatch = true
log4cplus.appender.out.filters.2 = log4cplus::spi::DenyAllFilter
"""


class DcmtkSender:
    """dcmsend, or storescu where TLS is wanted, which dcmsend 3.6.7 cannot."""

    def __init__(
        self,
        folder: Path,
        objects: Sequence[Path],
        *,
        host: str = "127.0.0.1",
        port: int,
        environment: Mapping[str, str] | None = None,
        tls: Certificates | None = None,
        within: Sequence[str] = (),
    ) -> None:
        self._folder = folder
        self._within = within
        self._environment = environment
        folder.mkdir(parents=True)
        (folder / "log.cfg").write_text(_LOG)
        command = [program("dcmsend")]
        if tls:
            key, certificate = tls.client
            command = [program("storescu"), "+tls", str(key), str(certificate)]
            command += ["+cf", str(tls.authority)]
        self._command = [*command, "--log-config", str(folder / "log.cfg"), host, str(port), "+sd"]
        self._objects = list(objects)
        self._all = self._linked("all", objects)
        self._first = self._linked("first", objects[:1])

    def __call__(self) -> Values:
        """Send all, and one alone, which shows what starting costs."""
        one = run(
            [*self._within, *self._command, str(self._first)], self._folder, self._environment
        )
        sent = run([*self._within, *self._command, str(self._all)], self._folder, self._environment)
        stamps = [line.split() for line in sent.output.splitlines() if line.startswith("@")]
        began = next(float(stamp[1:]) for stamp, *text in stamps if text[0] == "Requesting")
        ended = [float(stamp[1:]) for stamp, *text in stamps if text[0] == "Releasing"][-1]
        count = len(self._objects)
        size = sum(path.stat().st_size for path in self._objects)
        values = {
            "instances_s": count / (ended - began),
            "bytes_s": size / (ended - began),
            "peak_bytes": float(sent.peak_bytes),
        }
        if count > 1:
            values["cpu_s_each"] = (sent.cpu_s - one.cpu_s) / (count - 1)
        return values

    def _linked(self, name: str, objects: Sequence[Path]) -> Path:
        folder = self._folder / name
        folder.mkdir()
        for number, path in enumerate(objects):
            (folder / f"{number:05}.dcm").hardlink_to(path)
        return folder
