"""Starts ZetaSQL's WebAssembly module, which is compiled only once on a machine."""

import hashlib
import os
import stat
import tempfile
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jetstream_argo.errors import InvalidQuery

if TYPE_CHECKING:
    import wasmtime
    from google.protobuf.message import Message

    Reply = TypeVar("Reply", bound=Message)

_LARGEST_ADDRESS = 0xFFFF_FFFF
_POINTER_BYTES = 4
_PRIVATE = 0o700


def default_cache() -> Path:
    """Return the folder of compiled modules, this user's alone: what is loaded from it is run as native code."""
    return Path.home() / ".cache" / "jetstream-argo" / "zetasql"


class Service:
    """ZetaSQL's local service in this process. Starting it takes half a second; the first time ever, half a minute."""

    def __init__(self, cache: Path) -> None:
        import wasmtime

        config = wasmtime.Config()
        config.shared_memory = True
        engine = wasmtime.Engine(config)
        self._store = wasmtime.Store(engine)
        wasi = wasmtime.WasiConfig()
        zones = _time_zones()
        if zones is not None:
            wasi.preopen_dir(str(zones), "/usr/share/zoneinfo")
        self._store.set_wasi(wasi)
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        instance = linker.instantiate(self._store, _module(engine, cache))
        self._exports = instance.exports(self._store)
        memory = self._exports["memory"]
        if not isinstance(memory, wasmtime.SharedMemory):
            raise TypeError(f"ZetaSQL's memory is {memory!r}, not shared; this wasm module is another one")
        self._memory = memory
        self._function("_initialize")

    def call(self, method: str, request: "Message", reply: type["Reply"]) -> "Reply":
        """Call a method of the service.

        Raises:
            InvalidQuery: with ZetaSQL's own message, which ends in `[at line:column]` where it concerns a query.
        """
        data = request.SerializeToString()
        size_at = self._function("wasm_malloc", _POINTER_BYTES)
        data_at = self._function("wasm_malloc", max(len(data), 1))
        try:
            self._write(data_at, data)
            answer_at = self._function(f"ZetaSqlLocalService_{method}", data_at, len(data), size_at)
            if not answer_at:
                raise InvalidQuery(_message(self._last_error()))
            size = int.from_bytes(self._read(size_at, _POINTER_BYTES), "little")
            answer = self._read(answer_at, size)
            self._function("wasm_free", answer_at)
        finally:
            self._function("wasm_free", data_at)
            self._function("wasm_free", size_at)
        message: Reply = reply.FromString(answer)
        return message

    def _function(self, name: str, *arguments: int) -> int:
        import wasmtime

        function = self._exports[name]
        if not isinstance(function, wasmtime.Func):
            raise TypeError(f"{name} is no function of ZetaSQL's module")
        # Addresses are unsigned, and WebAssembly's numbers of 32 bits come back signed: from 2 GB on they are negative.
        return int(function(self._store, *(_signed(argument) for argument in arguments)) or 0) & _LARGEST_ADDRESS

    def _last_error(self) -> str:
        size = self._function("wasm_get_last_error_size")
        return self._read(self._function("wasm_get_last_error"), size).decode() if size else "unknown error"

    def _write(self, at: int, data: bytes) -> None:
        import ctypes

        ctypes.memmove(ctypes.addressof(self._memory.data_ptr().contents) + at, data, len(data))

    def _read(self, at: int, size: int) -> bytes:
        import ctypes

        return ctypes.string_at(ctypes.addressof(self._memory.data_ptr().contents) + at, size)


def _signed(number: int) -> int:
    return number - _LARGEST_ADDRESS - 1 if number > _LARGEST_ADDRESS // 2 else number


def _message(error: str) -> str:
    """Return the error's text, without the status code that ZetaSQL puts before it."""
    return error.partition("Message: ")[2] or error


def _module(engine: "wasmtime.Engine", cache: Path) -> "wasmtime.Module":
    import wasmtime

    wasm = Path(str(files("zetasql.wasi").joinpath("zetasql.wasm")))
    key = f"{_digest(wasm)}-{version('wasmtime')}"
    compiled = _private(cache) / f"{key}.cwasm"
    if compiled.exists() and _is_own(compiled):
        return wasmtime.Module.deserialize_file(engine, str(compiled))
    module = wasmtime.Module.from_file(engine, str(wasm))
    with tempfile.NamedTemporaryFile(dir=cache, delete=False) as draft:
        draft.write(module.serialize())
    Path(draft.name).replace(compiled)
    return module


def _digest(wasm: Path) -> str:
    # Reading all of it takes 10 ms.
    return hashlib.sha256(wasm.read_bytes()).hexdigest()[:16]


def _private(cache: Path) -> Path:
    cache.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
    if not _is_own(cache):
        raise PermissionError(f"{cache} can be written to by others; code cannot be loaded from it: chmod it to 700")
    return cache


def _is_own(path: Path) -> bool:
    info = path.stat()
    return info.st_uid == os.getuid() and not info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _time_zones() -> Path | None:
    package = find_spec("tzdata")  # its data may be newer than the system's
    own = [Path(package.origin).parent / "zoneinfo"] if package is not None and package.origin else []
    candidates = [*own, Path("/usr/share/zoneinfo")]
    return next((path for path in candidates if path.is_dir()), None)
