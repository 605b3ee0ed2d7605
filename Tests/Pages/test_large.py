"""A large file in memory that does not grow with it: part of the long tests."""

import os

import pytest

from parts import Memory, profile
from test_open import wait

MEGABYTES, GROWTH_MIB = 300, 200

pytestmark = pytest.mark.skipif("SATCHEL_SOAK" not in os.environ, reason="a long test; SATCHEL_SOAK=1 runs it")


def test_sending_and_opening_take_memory_that_does_not_grow(playwright, store, tmp_path):
    file = tmp_path / "data.bin"
    with file.open("wb") as stream:
        for _ in range(MEGABYTES):
            stream.write(os.urandom(10 ** 6))
    with profile(playwright, tmp_path / "profile") as (context, process):
        page = context.new_page()
        page.add_init_script("delete globalThis.showSaveFilePicker")
        page.goto(f"{store.url}/send")
        with Memory(process) as sending:
            page.set_input_files("#file", file)
            page.click("#send")
            wait(page, "sent")
        page.goto(page.input_value("#link"))
        with Memory(process) as opening, page.expect_download() as download:
            page.click("#open")
        wait(page, "ready")
        assert download.value.path().read_bytes() == file.read_bytes()
    assert sending.grown < GROWTH_MIB and opening.grown < GROWTH_MIB, (sending.grown, opening.grown)
