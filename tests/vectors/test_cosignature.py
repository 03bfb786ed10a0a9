"""The cosigned checkpoint that the specification (C2SP tlog-cosignature) shows."""

from __future__ import annotations

from app.core.ledger.checkpoint import parse_checkpoint
from app.core.ledger.cosignature import message
from app.core.ledger.note import parse_note

TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
COSIGNED = (
    f"{TEXT}\n"
    "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5"
    "/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJs"
    "X3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def test_the_line_holds_the_time_that_the_message_says() -> None:
    text, (_, witness) = parse_note(COSIGNED.encode())
    assert parse_checkpoint(text).size == 20852163
    assert witness.name == "witness.example.com/w1"
    assert len(witness.signature) == 8 + 64
    at = int.from_bytes(witness.signature[:8], "big")
    assert at == 1679315147
    assert message(text, at) == f"cosignature/v1\ntime 1679315147\n{TEXT}".encode()
