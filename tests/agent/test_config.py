"""The config file: strict, every fault at once, each with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from passerelle import config
from passerelle.errors import ConfigError
from passerelle.settings import DicomDestinationSettings

GOOD = """
[agent]
name = "echo-room-3"
data_dir = "data"
[[sources]]
name = "export"
type = "folder"
path = "in"
[[destinations]]
name = "pacs"
type = "dicom"
host = "pacs.local"
ae_title = "PACS"
commitment = { mode = "preferred", port = 11113 }
status = { A700 = "refuse" }
[[destinations]]
name = "share"
type = "folder"
path = "/srv/out"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(text, "utf-8")
    return path


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config.load(written(tmp_path, text))
    return str(caught.value).splitlines()


def test_relative_folders_are_relative_to_the_file(tmp_path: Path) -> None:
    loaded = config.load(written(tmp_path, GOOD))
    assert loaded.agent.data_dir == tmp_path / "data"
    assert getattr(loaded.sources[0], "path", None) == tmp_path / "in"


def test_an_absolute_folder_stays_and_defaults_are_filled_in(tmp_path: Path) -> None:
    loaded = config.load(written(tmp_path, GOOD))
    pacs, share = loaded.destinations
    assert isinstance(pacs, DicomDestinationSettings)
    assert (pacs.port, pacs.commitment.mode, pacs.commitment.port) == (104, "preferred", 11113)
    assert pacs.status == {"A700": "refuse"}
    assert getattr(share, "path", None) == Path("/srv/out")


SERIAL = '[[sources]]\ntype = "serial"\nname = "s"\nport = "p"\n'


def test_every_fault_is_told_at_once_with_its_place_and_the_nearest_key(tmp_path: Path) -> None:
    text = GOOD.replace('path = "in"', 'path = "in"\nsettle_sec = 3\npoll_s = "often"')
    text = text.replace("mode =", "mod =").replace('host = "pacs.local"', "port = 70000")
    assert set(faults(tmp_path, text)) == {
        "sources[0].settle_sec: unknown key, did you mean settle_s?",
        "sources[0].poll_s: input should be a valid number",
        "destinations[0].commitment.mod: unknown key, did you mean mode?",
        "destinations[0].host: field required",
        "destinations[0].port: input should be less than or equal to 65535",
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[agents]", "agents: unknown key, did you mean agent?"),
        ("x = 1", "x: unknown key"),
        ('[equipment]\nae_title = "SEVENTEEN_LETTERS"', "equipment.ae_title: string should have"),
        ('[equipment]\nae_title = " "', "equipment.ae_title: string should match pattern"),
        ('[equipment]\nmodality = "us"', "equipment.modality: string should match pattern"),
        ('[retention]\nmin_free = "a lot"', "retention.min_free: string should match pattern"),
        ("[agent]\nname = 3", "agent.name: input should be a valid string"),
        ('[agent]\nname = "two words"', "agent.name: string should match"),
        ('[[sources]]\ntype = "fax"\nname = "f"\npath = "p"', "sources[0]: input tag 'fax' found"),
        ('[[destinations]]\ntype = "fax"', "destinations[0]: input tag 'fax' found"),
        (SERIAL + "data_bits = 7", "sources[0]: data_bits: frames carries bytes of 8 bits"),
        (SERIAL + 'file_name = "a.raw"', "sources[0]: file_name and file_bytes: frames has"),
        (SERIAL + 'protocol = "ymodem"\nfile_bytes = 9', "sources[0]: file_name and"),
        (SERIAL + 'protocol = "zmodem"', "sources[0].protocol: input should be 'frames'"),
        (SERIAL + 'protocol = "xmodem"\nfile_name = "../a"', "sources[0].file_name: string"),
        ("[identity]\nresolvers = 'sidecar'", "identity.resolvers: input should be a valid"),
    ],
)
def test_an_impossible_value_is_named(tmp_path: Path, text: str, fault: str) -> None:
    assert any(line.startswith(fault) for line in faults(tmp_path, text)), faults(tmp_path, text)


def test_a_name_used_twice_is_refused(tmp_path: Path) -> None:
    twice = GOOD.replace('name = "share"', 'name = "pacs"')
    assert faults(tmp_path, twice) == ["destinations: the name pacs is used twice"]


def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    assert "line 2" in faults(tmp_path, "[agent]\nname = \n")[0]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        config.load(tmp_path / "none.toml")


def test_the_file_is_the_given_one_else_the_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSERELLE_CONFIG", str(tmp_path / "site.toml"))
    assert config.locate(None) == tmp_path / "site.toml"
    assert config.locate(tmp_path / "given.toml") == tmp_path / "given.toml"
    monkeypatch.delenv("PASSERELLE_CONFIG")
    assert config.locate(None) == config.DEFAULT_PATH


def test_a_scanner_is_in_one_place_and_names_patients(tmp_path: Path) -> None:
    def scanner(text: str) -> str:
        return f"{GOOD}\n[identity.barcode]\n{text}\n"

    good = scanner("port = '/dev/ttyS0'\npattern = '(?P<PatientID>\\d+)-(?P<AccessionNumber>\\w+)'")
    loaded = config.load(written(tmp_path, good)).identity.barcode
    assert loaded
    assert (loaded.port, loaded.input, loaded.baudrate) == ("/dev/ttyS0", "", 9600)
    where = "identity.barcode: say where the scanner is: either port or input"
    assert faults(tmp_path, scanner("baudrate = 9600")) == [where]
    assert faults(tmp_path, scanner("port = 'a'\ninput = 'b'")) == [where]
    for pattern, why in {
        "(?P<PatientID>": "not a regular expression: ",
        "(?P<PatientId>.*)": "a group is named PatientId, and not one of AccessionNumber, ",
        "(.*)": "names no patient: ",
    }.items():
        (fault,) = faults(tmp_path, scanner(f"port = 'a'\npattern = '{pattern}'"))
        assert fault.startswith(f"identity.barcode.pattern: {why}")
    (fault,) = faults(tmp_path, scanner("prot = 'a'\nport = 'a'"))
    assert fault == "identity.barcode.prot: unknown key, did you mean port?"
