"""What the planner fetches: from which hosts, and how much of it."""

import io
import tarfile
from pathlib import Path

import pytest

from jetstream_argo.argo.due import archive
from jetstream_argo.argo.due.archive import unpack_archive
from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.errors import ConfigError
from jetstream_argo.storage.http import check_host


@pytest.mark.parametrize(
    "url",
    [
        "https://experimenter.example/api", "HTTPS://EXPERIMENTER.example/x", "http://experimenter.example/",
        "https://other.example:8443/x",
    ],
)  # fmt: skip
def test_a_host_that_is_named_may_be_asked(url: str, monkeypatch) -> None:
    monkeypatch.setenv("JETSTREAM_HOSTS", "experimenter.example, other.example:8443")

    check_host(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/computeMetadata/v1/", "https://experimenter.example@evil.example/",
        "https://evil.example/experimenter.example", "https://experimenter.example.evil.example/",
        "https://other.example/", "https://experimenter.example:22/", "https:///x", "https://[::1]/", "https://[/",
    ],
)  # fmt: skip
def test_a_host_that_is_not_named_is_not_asked(url: str, monkeypatch) -> None:
    monkeypatch.setenv("JETSTREAM_HOSTS", "experimenter.example, other.example:8443")

    with pytest.raises(ConfigError):
        check_host(url)


def test_an_experiment_at_another_host_is_refused_without_asking_it(monkeypatch, capfd) -> None:
    monkeypatch.setenv("JETSTREAM_HOSTS", "experimenter.example")

    code = exit_code_of(["plan", "http://127.0.0.1:9/experiment.json"])

    assert code == 2
    assert "JETSTREAM_HOSTS names those that may" in capfd.readouterr().err


def _packed(tmp_path: Path, *members: tuple[str, bytes, bytes]) -> str:
    """Return the path of an archive with members of these names, kinds and contents."""
    file = tmp_path / "hub.tar.gz"
    with tarfile.open(file, "w:gz") as packed:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.size, member.mode = kind, len(content), 0o4777
            member.linkname = "/etc/passwd"
            packed.addfile(member, io.BytesIO(content))
    return str(file)


def test_links_and_devices_are_left_out_and_files_have_no_rights_of_their_own(tmp_path: Path) -> None:
    kinds = [("hub/link", tarfile.SYMTYPE), ("hub/hard", tarfile.LNKTYPE), ("hub/pipe", tarfile.FIFOTYPE)]
    packed = _packed(tmp_path, ("hub/a.toml", tarfile.REGTYPE, b"x"), *((name, kind, b"") for name, kind in kinds))
    (tmp_path / "out").mkdir()

    found = unpack_archive(packed, tmp_path / "out")

    assert [file.name for file in found.iterdir()] == ["a.toml"]
    assert not (found / "a.toml").stat().st_mode & 0o7111


@pytest.mark.parametrize("name", ["../x", "/x", "hub/../../x", "a/" * 3000 + "x"])
def test_a_file_outside_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()

    with pytest.raises(ConfigError, match=r"no usable \.tar\.gz"):
        unpack_archive(_packed(tmp_path, (name, tarfile.REGTYPE, b"x")), tmp_path / "out")


def test_an_archive_that_is_larger_unpacked_than_definitions_are_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    (tmp_path / "out").mkdir()

    with pytest.raises(ConfigError, match="holds more than"):
        unpack_archive(_packed(tmp_path, ("a", tarfile.REGTYPE, bytes(1001))), tmp_path / "out")


def test_archives_are_unpacked_where_the_library_has_no_filters(tmp_path: Path, monkeypatch) -> None:
    def without_filter(self, path=".", members=None, *, numeric_owner=False):
        raise AssertionError("as in Python 3.11.0 to 3.11.3, extractall has no argument 'filter'")

    monkeypatch.setattr(tarfile.TarFile, "extractall", without_filter)
    (tmp_path / "out").mkdir()

    assert (unpack_archive(_packed(tmp_path, ("a", tarfile.REGTYPE, b"x")), tmp_path / "out") / "a").read_text() == "x"
