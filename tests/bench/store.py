"""C-STORE on one machine: the agent's delivery path against DCMTK's sender."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bench.certificates import certificates
from bench.delivery import delivered, sent_alone, settings
from bench.measure import OURS, Bench, Figure
from bench.objects import Load, spooled
from bench.receivers import NO_NAGLE, NodelayStorescp, Sink, StockOrthanc, StockStorescp
from bench.senders import DcmtkSender
from passerelle.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.certificates import Certificates
    from bench.measure import Contender, Plan, Values
    from bench.receivers import Receiver

_MB = 1_000_000
_PEER, _QUICK = "dcmsend", "dcmsend, TCP_NODELAY=1"
_TLS_PEER, _TLS_QUICK = "storescu +tls", "storescu +tls, TCP_NODELAY=1"
#: Where each answer of a receiver comes 40 ms late its rate is constant: fewer objects show it.
_PEER_COUNT = 100


@dataclass(frozen=True)
class _Set:
    """What is sent, and what is asked of it."""

    name: str
    full: Load
    short: Load
    tiny: Load
    metric: str
    unit: str
    aim: float  #: against a receiver that runs Nagle

    def load(self, plan: Plan) -> Load:
        return (self.full, self.short, self.tiny)[plan.dose.value]


_SETS = (
    _Set("300KB", Load(100, 300_000), Load(60, 300_000), Load(3, 300_000), "instances_s", "/s", 10),
    _Set("20KB", Load(2000, 20_000), Load(600, 20_000), Load(3, 20_000), "instances_s", "/s", 10),
    _Set("200MB", Load(5, 200 * _MB), Load(2, 100 * _MB), Load(2, _MB), "MB_s", "MB/s", 0.95),
)
_RECEIVERS: Mapping[str, tuple[type[Receiver], bool]] = {
    "orthanc": (StockOrthanc, True),
    "storescp": (StockStorescp, True),
    "storescp-nodelay": (NodelayStorescp, False),
    "sink": (Sink, False),
}


@contextmanager
def _contenders(
    receiver: type[Receiver], load_of: _Set, folder: Path, plan: Plan, *, encrypted: bool = False
) -> Iterator[Mapping[str, Contender]]:
    tls = certificates(folder / "tls") if encrypted else None
    load = load_of.load(plan)
    with receiver(folder, tls=tls) as archive, Spool.open(folder / "data") as spool:
        # Owed to one destination a run: each run has its own deliveries of the same objects.
        runs = [f"run{number}" for number in range(plan.runs)]
        objects = spooled(spool, load, runs)
        some = objects[:_PEER_COUNT]
        names = (_TLS_PEER, _TLS_QUICK) if encrypted else (_PEER, _QUICK)
        sender = partial(DcmtkSender, port=archive.port, tls=tls)
        contenders: dict[str, Contender] = {
            OURS: partial(_ours, spool, objects, iter(runs), archive, tls),
            names[0]: sender(folder / "peer", some),
            names[1]: sender(folder / "quick", objects, environment=NO_NAGLE),
        }
        if archive.environment != NO_NAGLE and not isinstance(archive, Sink):
            del contenders[names[1]]
        yield {name: partial(_after, archive, one) for name, one in contenders.items()}


def _ours(
    spool: Spool,
    objects: Sequence[Path],
    runs: Iterator[str],
    archive: Receiver,
    tls: Certificates | None,
) -> Values:
    """Delivered with all that an agent does; then the same objects sent by the sender alone."""
    described = settings(next(runs), port=archive.port, ae_title=archive.ae_title, tls=tls)
    size = sum(path.stat().st_size for path in objects)
    values = delivered(spool, Load(len(objects), size // len(objects)), described)
    archive.emptied()
    return {**values, **sent_alone(spool, [path.stem for path in objects], described)}


def _after(archive: Receiver, contender: Contender) -> Values:
    archive.emptied()
    values = contender()
    told = {"MB_s": values["bytes_s"] / _MB, "peak_MB": values["peak_bytes"] / _MB}
    told["alone_MB_s"] = values.get("alone_bytes_s", 0.0) / _MB
    told |= {name: 1000 * spent for name, spent in values.items() if name.endswith("cpu_s_each")}
    return {**values, **told}


def _figures(load_of: _Set, *, nagle: bool, encrypted: bool) -> Iterator[Figure]:
    peer, quick = (_TLS_PEER, _TLS_QUICK) if encrypted else (_PEER, _QUICK)
    is_large = load_of.metric == "MB_s"
    few = "" if is_large or load_of.full.count <= _PEER_COUNT else f"peer: {_PEER_COUNT} objects"
    aim = load_of.aim if nagle or is_large else 1.0
    rate = partial(Figure, metric=load_of.metric, unit=load_of.unit, aim=aim)
    yield rate(name="rate", against=peer, remark=few)
    if not nagle:
        yield rate(name="rate, no Nagle at either end", against=quick)
        yield Figure(
            name="rate of the sender alone, no Nagle at either end",
            metric=f"alone_{load_of.metric}",
            against=quick,
            against_metric=load_of.metric,
            unit=load_of.unit,
            aim=aim,
        )
    cpu = partial(
        Figure, unit="ms an object", against_metric="cpu_s_each", aim=1.2, more_is_better=False
    )
    if load_of.full.count > _PEER_COUNT:
        against, told = (peer, few) if nagle else (quick, "")
        yield cpu(name="CPU, peer child", metric="cpu_s_each", against=against, remark=told)
        yield cpu(name="CPU, sender alone", metric="alone_cpu_s_each", against=against, remark=told)
        yield cpu(name="CPU, whole agent", metric="all_cpu_s_each", against=against, remark=told)
    yield Figure(
        name="peak RSS, peer child",
        metric="peak_MB",
        unit="MB",
        against=peer,
        aim=60,
        aims_at_value=True,
        more_is_better=False,
    )


def _benches() -> Iterator[Bench]:
    for encrypted in (False, True):
        for load_of in _SETS:
            for name, (receiver, nagle) in _RECEIVERS.items():
                yield Bench(
                    name=f"store{'-tls' if encrypted else ''}.{load_of.name}.{name}",
                    figures=tuple(_figures(load_of, nagle=nagle, encrypted=encrypted)),
                    contenders=partial(_contenders, receiver, load_of, encrypted=encrypted),
                )


BENCHES = tuple(_benches())
