"""Bundles of proof: built from a record, verified by the program and by common tools alone."""

import asyncio
import hashlib
import io
import json
import random
import re
import shutil
import subprocess
import sys
import tracemalloc
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from tests.crawling import World
from tests.fixtures_timestamps import openssl
from tests.program import refusal
from tests.proof import SEEN_AT, copied_offers, fill, theftwatch
from theftwatch.cases.open import open_case
from theftwatch.cli import main
from theftwatch.clock import system_clock
from theftwatch.demo.photos import photo_bytes
from theftwatch.demo.replica import running_replica
from theftwatch.errors import EvidenceError, UsageError
from theftwatch.evidence.archive import SUMS, write_archive
from theftwatch.evidence.bundle import write_bundle
from theftwatch.evidence.capture import (
    Capture,
    CapturedFile,
    CapturedPhoto,
    find_due,
    find_subject,
    put_files,
    save_capture,
)
from theftwatch.evidence.contents import Contents
from theftwatch.evidence.gather import find_complaint, find_defence
from theftwatch.evidence.manifest import canonical
from theftwatch.evidence.stamping import work_off
from theftwatch.evidence.timestamp import Authority, read_certificates
from theftwatch.evidence.verify import verify_bundle
from theftwatch.files import Files, replacing
from theftwatch.match.queue import update_queue

DOCUMENT = (Path(__file__).parents[1] / "docs/evidence.md").read_text()
#: A letter of a script that the font of the extra `fonts` has not
KAWI = "\U00011f04"
OUTTAKE = photo_bytes("05e3b8df4189.jpg")


@pytest.fixture(scope="module")
def replica():
    with running_replica() as replica:
        yield replica


@pytest.fixture
def world(dsn, tmp_path, replica):
    return World(replica=replica, dsn=dsn, folder=tmp_path)


def confirm(world) -> list[int]:
    """Have a person confirm all findings, as `theftwatch finding confirm` writes it; return them."""
    with psycopg.connect(world.dsn) as connection:
        connection.execute(
            "insert into verdict (finding, verdict, judged_by, judged_at)"
            " select id, 'confirmed', 'Eva', %s from finding",
            [SEEN_AT],
        )
        connection.execute(
            "insert into judged_match (verdict, match, match_decision) select v.id, m.match_id, d.id from verdict v"
            " join analysis.match m on m.finding_id = v.finding join match_decision d on d.match = m.match_id"
        )
        # what an archive says makes the original the first
        connection.execute(
            """
            insert into date_claim (listing, kind, latest_at, source, strength, claimed_at)
            select distinct original_listing, 'archived', %(at)s::timestamptz, 'web.archive.org', 'strong', %(at)s
            from finding where original_listing is not null
            """,
            {"at": SEEN_AT - timedelta(days=900)},
        )
        connection.execute(
            "update direction set direction = 'original_first', margin_days = 900,"
            " weakest_link = 'the suspect: first seen by us', missing_proof = null"
        )
        findings = [key for (key,) in connection.execute("select id from finding order by id").fetchall()]
    bring_up_to_date(world)
    return findings


def bring_up_to_date(world) -> None:
    """Work out where findings stand, after statements that went past the program."""

    async def main() -> None:
        async with await psycopg.AsyncConnection.connect(world.dsn, autocommit=True) as connection:
            await update_queue(connection, everything=True)

    asyncio.run(main())


def files_of(world) -> Files:
    return Files(world.folder / "data/theftwatch")


def capture(world) -> None:
    """Write captures without a crawl."""
    files = files_of(world)

    async def main() -> None:
        async with await psycopg.AsyncConnection.connect(world.dsn) as connection:
            for due in await find_due(connection, now=SEEN_AT, most=None):
                subject = await find_subject(connection, due)
                taken = Capture(
                    subject=subject,
                    why=due.why,
                    state="taken",
                    taken_at=SEEN_AT,
                    url=subject.url,
                    software="TheftWatch",
                    user_agent="TheftWatch",
                    http_status=200,
                    photos=tuple(CapturedPhoto(photo=each) for each in subject.photos),
                    files=(
                        CapturedFile(name="page.html", role="page", media_type="text/html", data=b"<h1>Goods</h1>"),
                        CapturedFile(name="screenshot.jpg", role="screenshot", media_type="image/jpeg", data=OUTTAKE),
                    ),
                )
                await save_capture(connection, taken, put_files(taken, files), run=None)

    asyncio.run(main())


def build(world, path, findings, authority=None, chromium=None, defended=None, **changes):
    """Build a bundle in this process, of facts that may be changed."""
    asked = None
    if authority:
        asked = Authority(url=authority.url, certificates=authority.certificate.read_text(), user_agent="x")

    async def main():
        async with await psycopg.AsyncConnection.connect(world.dsn, options="-c timezone=UTC") as connection:
            facts = replace(await find_complaint(connection, findings, overridden=frozenset()), **changes)
        with replacing(path) as file:
            return await write_bundle(
                file, facts, files_of(world), now=SEEN_AT, chromium=chromium, authority=asked, defended=defended
            )

    return asyncio.run(main())


def stamp(world, authority):
    asked = Authority(url=authority.url, certificates=authority.certificate.read_text(), user_agent="x")

    async def main():
        async with await psycopg.AsyncConnection.connect(world.dsn, autocommit=True) as connection:
            return await work_off(connection, files_of(world), asked, clock=system_clock)

    assert asyncio.run(main()).waiting == 0


@pytest.fixture
def filled(world, authority) -> list[int]:
    """Fill the record with two copied listings, captured and timestamped; return the findings."""
    fill(world, copied_offers(), outtake=OUTTAKE)
    findings = confirm(world)
    capture(world)
    stamp(world, authority)
    return findings


def unpacked(path: Path) -> Path:
    folder = path.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return folder


def verified(path, authority=None) -> tuple[list[str], list[str]]:
    """Return what held and what did not."""
    trusted = read_certificates(authority.certificate.read_text()) if authority else None
    results = list(verify_bundle(path, trusted))
    return [each.text for each in results if each.ok], [each.text for each in results if not each.ok]


def test_a_bundle_holds_all_that_a_complaint_needs(world, filled, authority, tmp_path):
    path = tmp_path / "bundle.zip"
    built = build(world, path, filled, authority)
    assert (built.printed, built.stamped, built.left_out) == (False, True, 0)
    folder = unpacked(path)
    names = {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}
    assert {"README.txt", "SHA256SUMS", "addresses.txt", "complaint.txt", "evidence.html", "statement.html"} <= names
    assert not [name for name in names if not name.isascii() or set(name) & set('<>:"|?*\\ ')]
    pairs = copied_offers()
    assert (folder / "addresses.txt").read_text().split() == sorted(pair.suspect.listing.url for pair in pairs)
    complaint = (folder / "complaint.txt").read_text()
    for pair in pairs:
        assert pair.suspect.listing.url in complaint
        assert pair.original.listing.url in complaint
    assert "original files, out-takes of the same shoots, captures of the listings and a signed" in in_a_row(complaint)
    assert "Digests and timestamps of trusted authorities stand beside the files." in in_a_row(complaint)
    originals = {each.read_bytes() for each in (folder / "originals").iterdir() if each.suffix != ".tsr"}
    assert originals == {*(pair.photo for pair in pairs), OUTTAKE}
    page = (folder / "evidence.html").read_text()
    assert "with photos of Ana &lt;b&gt;. 2 pairs of photos were compared by a program" in page
    assert "<b>" not in page
    assert page.count("archived by 2024-06-03, says web.archive.org (strong)") >= 2
    assert "On this evidence the original was first, by 900 days." in page
    assert "The weakest link: <bdi>the suspect: first seen by us</bdi>" in page
    statement = (folder / "statement.html").read_text()
    assert "hold the copyright" in statement
    assert all(pair.suspect.listing.url in statement for pair in pairs)
    readme = (folder / "README.txt").read_text()
    assert not [name for name in names if name.endswith(".pdf")]
    assert "There is no PDF, as no Chromium was found" in readme
    assert "Alibaba Group IP Protection Platform, https://ipp.alibabagroup.com, wants:" in readme


def test_it_claims_nothing_that_is_not_in_it(world, filled, tmp_path):
    """Of an artisan who gave no file, whose listings nobody captured, and without an authority."""
    path = tmp_path / "bundle.zip"
    build(world, path, filled, files=(), captures=(), captured={}, tokens={})
    folder = unpacked(path)
    complaint = in_a_row((folder / "complaint.txt").read_text())
    assert "the weakest of them named and a signed copyright claim statement. Digests stand beside" in complaint
    readme = (folder / "README.txt").read_text()
    assert "The artisan gave no original file and no out-take" in readme
    for name in ("README.txt", "evidence.html"):
        text = (folder / name).read_text()
        assert "sha256sum -c SHA256SUMS" in text
        assert "openssl" not in text
    assert "timestamps.txt" not in readme


def test_an_original_of_another_work_stays_at_home(world, filled):
    """Where no file is known to have been copied, only out-takes may be of the same shoot."""
    with psycopg.connect(world.dsn) as connection:
        rows = connection.execute("select id from finding where original_listing is not null").fetchall()
        for number, pair in enumerate(copied_offers()):
            connection.execute(
                "update original_file set image = (select id from image where sha256 = %s) where name = %s",
                [hashlib.sha256(pair.copy).digest(), f"shoot/{number}.jpg"],
            )

    async def files():
        async with await psycopg.AsyncConnection.connect(world.dsn) as connection:
            return (await find_complaint(connection, [key for (key,) in rows], overridden=frozenset())).files

    assert [each.name for each in asyncio.run(files())] == ["shoot/out <1>.jpg"]


def test_works_of_the_same_title_are_all_declared(world, filled, tmp_path):
    path = tmp_path / "bundle.zip"
    with psycopg.connect(world.dsn) as connection:
        connection.execute("update listing set title = 'Felt hare' where marketplace = 'etsy'")
    build(world, path, filled)
    statement = (unpacked(path) / "statement.html").read_text()
    assert statement.count("<bdi>Felt hare</bdi>") == 2
    assert all(pair.original.listing.url in statement for pair in copied_offers())


def in_a_row(text: str) -> str:
    """Return a text without its breaks of line."""
    return " ".join(text.split())


def run_the_documented_commands(folder):
    """Verify an unpacked bundle as docs/evidence.md shows it, with nothing of ours on the way."""
    [commands] = re.findall(r"^```sh\n(sha256sum .*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    told = (folder / "README.txt").read_text().partition("with common tools,\n")[2]
    assert [line.strip().split()[0] for line in told.splitlines()] == [
        line.split()[0] for line in commands.splitlines()
    ]
    return subprocess.run(["sh", "-e"], cwd=folder, input=commands, capture_output=True, text=True, check=False)


def test_every_digest_and_timestamp_verifies_with_common_tools_alone(world, filled, authority, tmp_path):
    path = tmp_path / "bundle.zip"
    build(world, path, filled, authority)
    folder = unpacked(path)
    names = [each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()]
    tokens = [name for name in names if name.endswith(".tsr")]
    dated = [name for name in names if name.startswith("originals/") and not name.endswith(".tsr")]
    dated += [name for name in names if name.endswith("manifest.json")]
    assert sorted(tokens) == sorted(f"{name}.tsr" for name in dated)
    done = run_the_documented_commands(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(re.findall(r"^(?!Verification)(\S+): OK$", done.stdout, re.MULTILINE)) == sorted(
        {*names} - {"SHA256SUMS"}
    )
    assert (done.stdout + done.stderr).count("Verification: OK") == len(tokens) == 6
    # and they notice what was changed
    photo = next((folder / "originals").glob("*.jpg"))
    photo.write_bytes(OUTTAKE + b"x")
    assert run_the_documented_commands(folder).returncode != 0
    sums = [line for line in (folder / "SHA256SUMS").read_text().splitlines() if not line.endswith(photo.name)]
    (folder / "SHA256SUMS").write_text("\n".join(sums) + "\n")
    done = run_the_documented_commands(folder)
    assert done.returncode != 0
    assert "Verification: FAILED" in done.stdout + done.stderr

    build(world, path, filled, authority)
    folder = unpacked(path)
    held, failed = verified(path, authority)
    assert failed == []
    assert len([text for text in held if "existed by" in text]) == 6
    assert verified(folder, authority) == (held, failed), "unpacked too"
    assert verified(path) == (held, failed), "and by the certificates in it"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: next((folder / "originals").glob("*.jpg")).write_bytes(b"another"), "it was changed"),
        (lambda folder: next((folder / "originals").glob("*.jpg")).unlink(), "missing or damaged"),
        (lambda folder: next((folder / "originals").glob("*.tsr")).write_bytes(b"none"), "it was changed"),
        (lambda folder: (folder / "more.txt").write_text("more"), "more.txt: in the bundle, but not in its manifest"),
        (lambda folder: forge(folder, "page.html", b"other"), "is not the file that was captured"),
        (lambda folder: forge(folder, "001-0.jpg", OUTTAKE), "does not verify"),
    ],
)
def test_what_was_changed_is_named(world, filled, authority, tmp_path, spoil, said):
    path = tmp_path / "bundle.zip"
    build(world, path, filled, authority)
    folder = unpacked(path)
    spoil(folder)
    _, failed = verified(folder, authority)
    assert [text for text in failed if said in text], failed


def forge(folder, name, data):
    """Change a file, and the bundle's manifest to agree with it."""
    path = next(folder.rglob(name))
    path.write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    for each in manifest["files"]:
        if each["name"] == path.relative_to(folder).as_posix():
            each |= {"sha256": hashlib.sha256(data).hexdigest(), "byte_count": len(data)}
    (folder / "manifest.json").write_bytes(canonical(manifest))


def test_a_renewed_timestamp_verifies_as_a_chain(world, authority, tmp_path):
    authority.certify(days=30)
    fill(world, copied_offers(1))
    findings = confirm(world)
    stamp(world, authority)
    authority.certify(days=3650)
    stamp(world, authority)
    path = tmp_path / "bundle.zip"
    build(world, path, findings, authority)
    held, failed = verified(path, authority)
    assert failed == []
    assert [text for text in held if text.startswith("originals/001-0.jpg.tsr: existed by")]
    done = run_the_documented_commands(unpacked(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_authority_s_certificate_verifies_nothing(world, filled, authority, tmp_path):
    path = tmp_path / "bundle.zip"
    build(world, path, filled, authority)
    other = tmp_path / "other.pem"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(tmp_path / "other.key"), "-out", str(other),
            "-subj", "/CN=Other", "-days", "9")  # fmt: skip
    done = theftwatch(world, "evidence", "verify", path, "--certificate", other)
    assert done.returncode == 1
    assert done.stdout.count("failed  ") == 6
    assert done.stderr.splitlines()[-1].startswith(f"theftwatch: {path}: 6 things did not hold")


def test_the_portal_s_limits_shape_it(world, filled, authority, tmp_path):
    with psycopg.connect(world.dsn) as connection:
        connection.execute("update portal set links_max = 1, file_bytes_max = 20000")
    path = tmp_path / "bundle.zip"
    built = build(world, path, filled)
    folder = unpacked(path)
    assert {each.name for each in folder.iterdir()} >= {"addresses-1.txt", "addresses-2.txt", "complaint-2.txt"}
    assert "part 2 of 2" in (folder / "complaint-2.txt").read_text()
    large = [each for each in folder.rglob("*") if each.is_file() and each.stat().st_size > 20_000]
    assert not [each for each in large if each.name not in {"manifest.json", "SHA256SUMS"}]
    assert built.left_out
    assert "larger than the portal takes" in (folder / "README.txt").read_text()
    held, failed = verified(path, authority)
    assert failed == []
    assert [text for text in held if "left out" in text]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("delete from verdict", "was not confirmed by a person, so no complaint may rest on it"),
        ("update direction set direction = 'undecided'", "no complaint may rest on it (direction: undecided)"),
        ("update seller set artisan = null", "nobody entered whose original it is"),
        ("delete from finding", "no such finding"),
    ],
)
def test_no_complaint_rests_on_what_is_not_sure(world, change, said):
    fill(world, copied_offers(1))
    findings = confirm(world)
    with psycopg.connect(world.dsn) as connection:
        connection.execute(change)
    bring_up_to_date(world)
    with pytest.raises(UsageError, match=re.escape(said)):
        build(world, world.folder / "bundle.zip", findings)
    assert not list(world.folder.glob("*.zip"))


def test_hostile_names_stay_text_and_what_is_wrong_with_a_bundle_is_said(world, filled, authority, tmp_path):
    evil = "</title><script>alert(1)</script>\x1b[2J\u202e\r\nBcc: all"
    with psycopg.connect(world.dsn) as connection:
        connection.execute("update listing set title = %s || repeat('x', 300)", [evil])
        connection.execute("update seller set name = %s", [evil])
        connection.execute("update artisan set name = %s, contact = %s", [evil, evil])
        connection.execute("update original_file set name = '../..\\' || id || '\"$(touch x)' || %s", [evil])
    bring_up_to_date(world)
    authority.down = True
    path = tmp_path / "bundle.zip"
    built = build(world, path, filled, authority)
    assert not built.stamped
    assert "503" in (built.not_stamped_because or "")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        texts = {name: archive.read(name).decode() for name in names if name.endswith((".txt", ".html"))}
    assert not [name for name in names if not re.fullmatch(r"[A-Za-z0-9._/-]+", name) or ".." in name]
    for name in ("evidence.html", "statement.html"):
        assert "<script" not in texts[name]
    for name in ("complaint.txt", "README.txt"):
        assert not set(texts[name]) & set("\x1b\u202e\r")
        assert "manifest.json.tsr" not in texts[name], "there is none"
        assert "\nBcc" not in texts[name]
    assert verified(path)[1] == []
    # half of it is none
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UsageError, match="give a bundle of `theftwatch evidence build`"):
        verified(path)


def test_a_bundle_that_breaks_off_is_none(world, filled, tmp_path, monkeypatch):
    path = tmp_path / "bundle.zip"

    def break_off(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("theftwatch.evidence.archive._front_first", break_off)
    with pytest.raises(KeyboardInterrupt):
        build(world, path, filled)
    assert [each.name for each in tmp_path.iterdir() if "bundle" in each.name or each.suffix == ".part"] == []


def test_the_command_prints_pages_with_chromium(world, filled, authority, chromium, tmp_path):
    path = tmp_path / "bundle.zip"
    numbers = [part for each in filled for part in ("--finding", str(each))]
    with psycopg.connect(world.dsn) as connection:
        connection.execute(f"update listing set title = '毛毡兔 {KAWI}' where marketplace = 'alibaba'")
    (tmp_path / "none.conf").write_text("<fontconfig/>")
    environment = {
        "THEFTWATCH_CHROMIUM": str(chromium),
        "FONTCONFIG_FILE": str(tmp_path / "none.conf"),  # so the only font is that of the extra `fonts`
        **authority.environment,
    }
    done = theftwatch(world, "evidence", "build", *numbers, "-o", path, **environment)
    assert done.returncode == 0, done.stderr
    folder = unpacked(path)
    if sys.platform == "linux":
        assert done.stderr.startswith(f"boxes stand in its PDF files for letters without a font ({KAWI});")
        assert f"letters of which the machine had no font: {KAWI}\n" in (folder / "README.txt").read_text()
    for name in ("evidence.pdf", "statement.pdf"):
        assert (folder / name).read_bytes().startswith(b"%PDF-")
    again = theftwatch(world, "evidence", "verify", path, "--certificate", authority.certificate)
    assert again.returncode == 0, again.stdout
    assert "failed" not in again.stdout


def test_a_case_is_bundled_without_what_nobody_confirms_any_more(world, authority, tmp_path):
    fill(world, copied_offers())
    findings = confirm(world)
    [(artisan, seller)] = world.rows(
        "select distinct a.id, s.id from artisan a, seller s where marketplace = 'alibaba'"
    )

    async def open_one() -> int:
        async with await psycopg.AsyncConnection.connect(world.dsn) as connection:
            return (await open_case(connection, artisan, seller, by="Eva", now=SEEN_AT)).case

    case = asyncio.run(open_one())
    with psycopg.connect(world.dsn) as connection:
        connection.execute(
            "insert into verdict (finding, verdict, judged_by, judged_at) values (%s, 'unsure', 'Eva', %s)",
            [findings[-1], SEEN_AT],
        )
    bring_up_to_date(world)
    path = tmp_path / "case.zip"
    done = theftwatch(world, "evidence", "build", str(case), "-o", path)
    assert done.returncode == 0, done.stderr
    assert f"left out, as no person confirms them any more: finding {findings[-1]}" in done.stderr
    assert len((unpacked(path) / "addresses.txt").read_text().split()) == 2
    assert "no capture of its listings was taken" in done.stderr


def test_an_artisan_defends_her_own_listing(world, filled, authority, tmp_path):
    pair = copied_offers()[0]
    path = tmp_path / "defence.zip"
    nowhere = {"PATH": str(tmp_path), "HOME": str(tmp_path), **authority.environment}
    done = theftwatch(world, "evidence", "defend", pair.original.listing.url, "-o", path, **nowhere)
    assert done.returncode == 0, done.stderr
    assert "No Chromium is found, so its documents are HTML alone; `make chromium` installs one" in done.stderr
    folder = unpacked(path)
    assert not list(folder.glob("complaint*")), "it accuses nobody before a portal"
    assert not list(folder.glob("statement*"))
    text = (folder / "defence.txt").read_text()
    assert pair.original.listing.url in text
    assert f"1. {pair.suspect.listing.url} (Harbour Demo Garments Co., Ltd.); mine is known 900 days earlier" in text
    assert copied_offers()[1].suspect.listing.url not in text
    assert verified(path, authority)[1] == []
    # what the vendor had first speaks against her
    with psycopg.connect(world.dsn) as connection:
        connection.execute("update direction set direction = 'suspect_first'")
    with pytest.raises(UsageError, match=r"speaks for it \(direction: suspect_first\)"):
        asyncio.run(defended_facts(world, pair))


async def defended_facts(world, pair):
    async with await psycopg.AsyncConnection.connect(world.dsn) as connection:
        rows = await connection.execute(
            "select id from listing where listing_ref = %s", [pair.original.listing.listing_ref]
        )
        [(listing,)] = await rows.fetchall()
        return await find_defence(connection, listing, marketplace="etsy")


def test_a_dossier_names_those_who_agreed_and_no_others(world, authority, tmp_path):
    fill(world, copied_offers(1))
    with psycopg.connect(world.dsn) as connection:  # Bea's photos were copied too
        connection.execute(
            """
            with bea as (insert into artisan (name) values ('Bea') returning id),
            given as (
                insert into original_file (artisan, image, kind, name, first_seen_at)
                select bea.id, f.image, 'original', 'bea.jpg', f.first_seen_at from bea, original_file f
                returning id
            ), found as (
                insert into finding (original_file, suspect_listing, first_found_at)
                select given.id, f.suspect_listing, f.first_found_at from given, finding f limit 1
                returning id
            )
            insert into direction (finding, direction, likelier_source, decided_at)
            select found.id, 'original_first', 'original', now() from found
            """
        )
    confirm(world)
    [(vendor,)] = world.rows("select marketplace || '/' || seller_ref from seller where marketplace = 'alibaba'")
    path = tmp_path / "dossier.zip"
    refused = theftwatch(world, "evidence", "dossier", str(vendor), "-o", path)
    assert (refused.returncode, path.exists()) == (2, False)
    assert "agreed to be named" in refused.stderr

    agreed = theftwatch(world, "evidence", "agree", "Ana <b>", "--vendor", str(vendor), "--note", "mail of 3 November")
    assert agreed.returncode == 0, agreed.stderr
    done = theftwatch(world, "evidence", "dossier", str(vendor), "-o", path)
    assert done.returncode == 0, done.stderr
    assert "1 artisan, 1 complaint to file." in done.stdout
    assert "1 more artisan did not agree to be named" in done.stderr
    folder = unpacked(path)
    page = (folder / "dossier.html").read_text()
    assert "<bdi>Ana &lt;b&gt;</bdi>" in page
    assert "Bea" not in page
    assert "confirmed" in page
    assert copied_offers(1)[0].suspect.listing.url in page
    [bundle] = (folder / "complaints").iterdir()
    assert bundle.name == "01-Ana-b.zip"
    assert verified(bundle)[1] == []
    summed = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=False)
    assert summed.returncode == 0, summed.stdout

    withdrawn = theftwatch(world, "evidence", "agree", "Ana <b>", "--withdraw")
    assert withdrawn.returncode == 0, withdrawn.stderr
    assert theftwatch(world, "evidence", "dossier", str(vendor), "-o", path).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["build", "-o", "x.zip"], "give the number of a case, or --finding once or more"),
        (["build", "7", "-o", "x.zip"], "case 7: no such case"),
        (["build", "--finding", "7", "-o", "none/x.zip"], "finding 7: no such finding"),
        (["defend", "etsy/1", "-o", "x.zip"], "etsy/1: no such listing"),
        (["agree", "Ana"], "--note is empty; say how the artisan agreed"),
        (["verify", "none.zip"], "none.zip: "),
    ],
)
def test_a_mistake_is_one_line(world, arguments, said):
    assert said in refusal(main, ["theftwatch", "evidence", *arguments], world.environment())


def test_a_bundle_of_large_files_is_written_without_holding_them(tmp_path):
    """Three hundred listings with captures come to gigabytes; one file at a time is in memory."""
    files, size, many = Files(tmp_path / "store"), 2_000_000, 12
    digests = [files.put(random.Random(number).randbytes(size)) for number in range(many)]
    tracemalloc.start()
    try:
        contents = Contents(file_bytes_max=size)
        for number, digest in enumerate(digests):
            assert contents.add_kept(f"captures/{number}/page.warc.gz", files, digest, size)
        with replacing(tmp_path / "bundle.zip") as file:
            write_archive(file, contents.members, SEEN_AT)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * size
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        assert archive.testzip() is None
        listed = {line.split("  ")[1]: line.split("  ")[0] for line in archive.read(SUMS).decode().splitlines()}
    assert listed == {f"captures/{number}/page.warc.gz": each.hex() for number, each in enumerate(digests)}
    files.delete(digests[0])
    with pytest.raises(EvidenceError, match="went while the bundle was written; build it again"):
        write_archive(io.BytesIO(), contents.members, SEEN_AT)
