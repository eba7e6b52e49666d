"""The sandbox's keys: made once, by whoever is first, readable by their owner only."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from bot.sandbox.keys import ensure_keys, pem
from services.adapters.alipay.signing import read_private_key, read_public_keys, sign, verifies
from services.crypto import read_root_key
from services.settings import SANDBOX_MARK


def test_processes_that_start_together_have_the_same_keys(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(ensure_keys, [tmp_path] * 3))
    assert found[0] == found[1] == found[2] == ensure_keys(tmp_path)


def test_files_are_the_owners_and_bear_the_sandbox_mark(shared_keys: Path) -> None:
    keys = ensure_keys(shared_keys)
    files = [
        keys.app_private_key_file,
        keys.app_public_key_file,
        keys.gateway_private_key_file,
        keys.gateway_public_key_file,
        keys.root_key_file,
    ]
    for file in files:
        assert file.stat().st_mode & 0o777 == 0o600
        assert SANDBOX_MARK in file.read_bytes()
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert len(read_root_key(keys.root_key_file)) == 32
    assert keys.bureau_token not in repr(keys)


def test_a_lost_public_key_comes_back_as_it_was(tmp_path: Path, shared_keys: Path) -> None:
    for file in (shared_keys / "sandbox-keys").glob("*.pem"):
        target = tmp_path / "sandbox-keys" / file.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(file.read_bytes())
    (tmp_path / "sandbox-keys" / "gateway-public.pem").unlink()
    old, new = ensure_keys(shared_keys), ensure_keys(tmp_path)
    assert pem(new.gateway_public_key_file) == pem(old.gateway_public_key_file)
    signature = sign(b"text", read_private_key(pem(new.app_private_key_file)))
    assert verifies(b"text", signature, read_public_keys(pem(new.app_public_key_file)))
    assert not verifies(b"text", signature, read_public_keys(pem(new.gateway_public_key_file)))
