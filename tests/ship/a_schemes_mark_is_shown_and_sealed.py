"""The mark and grant that a scheme gave to the maker are on page and record, the mark as it came and
digested in the record; with another file in its place, or with none, nothing of page or label holds."""
import base64
import hashlib
import json
import os
import sys

from shop import Shop, expect, one_sentence

with Shop(*sys.argv[1:3]) as shop:
    shop.join_scheme("Trust Mark <of> Testers", "G-123")
    shop.ship()
    tree = shop.tree()
    with open(shop.path("mark.png"), "rb") as file:
        mark = file.read()
    expect(tree["scheme-1.png"] == mark, "the mark is not the maker's file")
    record = json.loads(tree["record.json"])
    expect(record["schemes"] == [{"file": "scheme-1.png", "grant": "G-123", "name": "Trust Mark <of> Testers",
                                  "sha256": hashlib.sha256(mark).hexdigest()}], record["schemes"])
    page = tree["index.html"].decode()
    for part in ("Trust Mark &lt;of&gt; Testers", "Grant G-123", base64.b64encode(mark).decode()):
        expect(part in page, f"{part} is not on the page")
    shop.verify()

    path = shop.path(shop.folder, "scheme-1.png")
    for other in (mark + b"\0", tree["label.png"], None):
        os.unlink(path)
        if other:
            with open(path, "wb") as file:
                file.write(other)
        result = shop.verify("--json", expect=1)
        one_sentence(result, "scheme-1.png")
        states = {row["id"]: row["state"] for row in json.loads(result.stdout)["findings"]}
        expect(states["page"] == states["label"] == states["files"] == "refused", str(states))
        expect(states["returns"] == states["record"] == "holds", str(states))
        with open(path, "wb") as file:
            file.write(mark)
    shop.verify()

    # Without its file, or with one that is no picture, there is no release.
    os.unlink(shop.path("mark.png"))
    one_sentence(shop.ship("--force", expect=1), "mark.png")
    with open(shop.path("mark.png"), "w", encoding="utf-8") as file:
        file.write("no picture")
    one_sentence(shop.ship("--force", expect=1), "artwork is not a PNG")
    expect(shop.tree() == tree, "the release changed")
