"""Page and label of a shipped product are readable where people meet them.

On a phone (360 by 780) and a desk (1280 by 900), in Chromium: nothing is wider than the screen,
sentences are at least 14 px high and captions 12, text stands out from what is behind it by
4.5 to 1 or more (WCAG 2.1, 1.4.3), and something is drawn. On paper, Letter and A4: at most two
sheets, and each word within its sheet. The label: SVG and PNG have one size, and another program reads the
record's address from both.

The page itself is shown, byte for byte, in frames of a page of the test's own, whose script
measures; beside it stand pages with one seeded fault each, which the same script must find."""
import html
import json
import os
import re
import struct
import subprocess
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ship"))
from shop import Shop, expect  # noqa: E402

SCREENS = {"phone": (360, 780), "desk": (1280, 900)}
PAPERS = {"letter": (612, 792), "A4": (595, 842)}  # points
DOTS_PER_INCH = 600

# A fault by its name: a style that makes it.
FAULTS = {"wide": "h1{white-space:nowrap;overflow-wrap:normal}.card{width:150%}",
          "small": ".detail,.about{font-size:13px}",
          "tiny": ".class{font-size:11px}",
          "faint": ".claim p.detail{color:#8a8a8a}"}

MEASURE = r"""
const captions = ".brand, .class, .proof, dt, code, kbd";
const channels = text => text.match(/[\d.]+/g).map(Number);
const linear = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);

function ground(view, element) {
  for (; element; element = element.parentElement) {
    const style = view.getComputedStyle(element), color = channels(style.backgroundColor);
    if (style.backgroundImage !== "none" || style.opacity !== "1") throw "cannot be computed";
    if (color.length === 3 || color[3] === 1) return color;
    if (color[3] !== 0) throw "cannot be computed";
  }
  return [255, 255, 255];
}

function contrast(view, element) {
  const front = luminance(channels(view.getComputedStyle(element).color));
  const behind = luminance(ground(view, element));
  return (Math.max(front, behind) + 0.05) / (Math.min(front, behind) + 0.05);
}

function measure(frame) {
  const view = frame.contentWindow, page = frame.contentDocument, faults = [];
  let texts = 0, characters = 0, lowest = Infinity, wide = 0;
  const found = (fault, element, value) =>
    faults.push([fault, element.tagName + "." + element.className, String(value)]);
  const root = page.documentElement;
  if (root.scrollWidth > root.clientWidth) found("wide", root, root.scrollWidth);
  for (const element of page.body.querySelectorAll(":not(svg *)")) { // a drawing clips itself
    const box = element.getBoundingClientRect();
    if (box.right > root.clientWidth + 0.5 || box.left < -0.5) found("wide", element, box.right);
    if (element.tagName !== "svg" && element.scrollWidth > element.clientWidth + 1 &&
        view.getComputedStyle(element).display !== "inline") found("wide", element, element.scrollWidth);
    wide = Math.max(wide, box.right);
  }
  const walk = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement, text = walk.currentNode.data.trim();
    if (!text) continue;
    const size = parseFloat(view.getComputedStyle(element).fontSize);
    texts++;
    characters += text.length;
    if (!element.getClientRects().length) found("hidden", element, text);
    if (size < 12) found("tiny", element, size);
    else if (size < 14 && !element.closest(captions)) found("small", element, size);
    const ratio = contrast(view, element);
    lowest = Math.min(lowest, ratio);
    if (ratio < 4.5) found("faint", element, ratio);
  }
  const fetched = view.performance.getEntriesByType("resource").length;
  return {faults, texts, characters, lowest, wide, fetched, width: view.innerWidth,
          height: view.innerHeight, scripts: page.scripts.length};
}

addEventListener("load", () => {
  const result = {};
  for (const frame of document.querySelectorAll("iframe")) {
    try { result[frame.id] = measure(frame); } catch (error) { result[frame.id] = String(error); }
  }
  document.getElementById("result").textContent = JSON.stringify(result);
});
"""


def chromium(shop, *arguments):
    """Its standard output. No host has an address but this machine, and nothing of the user's is read."""
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
               "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking",
               "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND",
               "--hide-scrollbars", "--force-device-scale-factor=1",
               "--user-data-dir=" + shop.path("browser"), *arguments]
    result = subprocess.run(command, cwd=shop.root, stdin=subprocess.DEVNULL, capture_output=True,
                            text=True, timeout=120, env={**os.environ, "HOME": shop.root})
    expect(result.returncode == 0, f"chromium gave {result.returncode}: {result.stderr[-2000:]}")
    return result.stdout


def frame(name, screen, page):
    width, height = SCREENS[screen]
    return (f'<iframe id="{name}" width="{width}" height="{height}" srcdoc="'
            f'{html.escape(page, quote=True)}"></iframe>')


def write_wrapper(shop, page):
    """The shown frames side by side at the top, those with seeded faults below them."""
    frames = "".join(frame(name, name, page) for name in SCREENS) + "<hr>"
    for name, style in FAULTS.items():
        faulty = page.replace("</style>", style + "</style>", 1)
        expect(faulty != page, "the page has no style sheet")
        frames += frame(name, "phone", faulty)
    with open(shop.path("wrapper.html"), "w", encoding="utf-8") as file:
        file.write('<!doctype html><meta charset="utf-8"><style>body{margin:0;width:4000px}'
                   "iframe{border:0;vertical-align:top}</style>"
                   f'{frames}<pre id="result"></pre><script>{MEASURE}</script>')


def measured(shop):
    size = f"{sum(width for width, _ in SCREENS.values())},{max(height for _, height in SCREENS.values())}"
    dom = chromium(shop, "--window-size=" + size, "--screenshot=" + shop.path("screen.png"),
                   "--dump-dom", "file://" + shop.path("wrapper.html"))
    found = re.search(r'<pre id="result">(.*?)</pre>', dom, re.S)
    expect(found and found[1], "the measuring script did not run")
    return json.loads(html.unescape(found[1]))


def expect_readable(name, result, screen):
    expect(isinstance(result, dict), f"{name}: {result}")
    expect((result["width"], result["height"]) == screen, f"{name}: the screen is {result['width']}")
    expect(result["faults"] == [], f"{name}: {result['faults'][:5]}")
    expect(result["texts"] > 60 and result["characters"] > 1500, f"{name}: little text: {result}")
    expect(result["fetched"] == 0 and result["scripts"] == 0, f"{name}: fetches, or has a script")
    print(f"{name}: {result['texts']} texts, contrast from {result['lowest']:.1f}, "
          f"{result['wide']:.0f} of {screen[0]} px wide")


def expect_fault(name, result):
    expect(isinstance(result, dict), f"{name}: {result}")
    kinds = {fault[0] for fault in result["faults"]}
    expect(kinds == {name}, f"the page made {name} has the faults {sorted(kinds)}")


def read_png(path):
    """Width, height, and rows of 8-bit RGB or RGBA (W3C PNG, 9: filters) with bytes a pixel."""
    with open(path, "rb") as file:
        data = file.read()
    width, height, depth, kind, *_ = struct.unpack(">IIBBBBB", data[16:29])
    expect(data[:8] == b"\x89PNG\r\n\x1a\n" and depth == 8 and kind in (2, 6), f"{path}: its form")
    step, at, packed = 3 if kind == 2 else 4, 8, b""
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + length] if name == b"IDAT" else b""
        at += length + 12
    raw, rows, above = zlib.decompress(packed), [], bytearray(width * step)
    for y in range(height):
        begin = y * (width * step + 1)
        above = unfilter(raw[begin], bytearray(raw[begin + 1:begin + 1 + width * step]), above, step)
        rows.append(above)
    return width, height, rows, step


def unfilter(kind, row, above, step):
    """Each kind with a loop of its own: there are millions of bytes."""
    if kind == 1:
        for x in range(step, len(row)):
            row[x] = (row[x] + row[x - step]) & 255
    elif kind == 2:
        row = bytearray([(a + b) & 255 for a, b in zip(row, above)])
    elif kind == 3:
        for x in range(len(row)):
            row[x] = (row[x] + ((row[x - step] if x >= step else 0) + above[x]) // 2) & 255
    elif kind == 4:
        for x in range(step):
            row[x] = (row[x] + above[x]) & 255
        for x in range(step, len(row)):
            left, up, corner = row[x - step], above[x], above[x - step]
            to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            nearest = up if to_up <= to_corner else corner
            row[x] = (row[x] + (left if to_left <= to_up and to_left <= to_corner else nearest)) & 255
    return row


def expect_drawn(shop):
    """Ink of text, white paper, and the band with the date until which security is fixed."""
    _, _, rows, step = read_png(shop.path("screen.png"))
    left = 0
    for name, (width, height) in SCREENS.items():
        seen = {}
        for row in rows[:height:2]:
            for x in range(left, left + width, 2):
                color = bytes(row[x * step:x * step + 3])
                seen[color] = seen.get(color, 0) + 4
        shares = {ink: seen.get(bytes.fromhex(ink), 0) / (width * height)
                  for ink in ("14171a", "ffffff", "0b4a35")}
        drawn = shares["14171a"] > 0.01 and shares["ffffff"] > 0.1 and shares["0b4a35"] > 0.02
        expect(drawn and len(seen) > 50, f"{name}: {len(seen)} colours, {shares}")
        left += width


def sheets_of(shop, paper, page):
    """For each printed sheet its width, its height, and its words with their boxes."""
    styled = page.replace("@page{", "@page{size:" + paper + ";", 1)
    expect(styled != page, "the page says nothing of paper")
    with open(shop.path("paper.html"), "w", encoding="utf-8", newline="") as file:
        file.write(styled)
    chromium(shop, "--no-pdf-header-footer", "--print-to-pdf=" + shop.path("page.pdf"),
             "file://" + shop.path("paper.html"))
    boxes = subprocess.run(["pdftotext", "-bbox", "page.pdf", "-"], cwd=shop.root, check=True,
                           capture_output=True, text=True).stdout
    word = r'<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)</word>'
    return [(float(width), float(height), re.findall(word, content)) for width, height, content in
            re.findall(r'<page width="([\d.]+)" height="([\d.]+)">(.*?)</page>', boxes, re.S)]


def expect_on_paper(shop, record, paper, page):
    sheets = sheets_of(shop, paper, page)
    expect(1 <= len(sheets) <= 2, f"{paper}: the page takes {len(sheets)} sheets")
    printed = ""
    for width, height, words in sheets:
        expect((round(width), round(height)) == PAPERS[paper], f"{paper}: a sheet of {width} by {height}")
        expect(len(words) > 40, f"{paper}: a sheet has {len(words)} words")
        for *box, text in words:
            left, top, right, bottom = map(float, box)
            inside = left > 0 and top > 0 and right < width and bottom < height
            expect(inside, f"{paper}: {text} is outside of its sheet")
            printed += html.unescape(text)
    for claim in record["claims"]:
        expect(claim["sentence"].replace(" ", "") in printed, f"{paper} lacks: {claim['sentence']}")
    print(f"{paper}: {len(sheets)} sheets, {sum(len(words) for *_, words in sheets)} words")


def expect_label(shop, record):
    folder = shop.path(shop.folder)
    subprocess.run(["rsvg-convert", "-d", str(DOTS_PER_INCH), "-p", str(DOTS_PER_INCH), "-b", "white",
                    "-o", shop.path("drawn.png"), os.path.join(folder, "label.svg")], check=True)
    sizes = []
    for path in (os.path.join(folder, "label.png"), shop.path("drawn.png")):
        with open(path, "rb") as file:
            sizes.append(struct.unpack(">II", file.read(24)[16:]))
        read = subprocess.run(["zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", path],
                              capture_output=True, text=True, check=False)
        expect(read.returncode == 0 and read.stdout == record["url"] + "\n",
               f"{path}: its code reads {read.stdout!r}, expected {record['url']!r}")
    # SVG is rounded up to whole dots, and PNG may be rounded to the nearest.
    expect(all(abs(a - b) <= 1 for a, b in zip(*sizes)), f"the label has the sizes {sizes}")
    print(f"label: {sizes[0][0]} by {sizes[0][1]} dots, both read {record['url']}")


def main():
    with Shop(*sys.argv[1:3]) as shop:
        shop.change("  model: HT-1\n", f"  model: HT-1-{'W' * 30}\n")  # one word, wider than a phone
        shop.ship()
        with open(shop.path(shop.folder, "record.json"), encoding="utf-8") as file:
            record = json.load(file)
        with open(shop.path(shop.folder, "index.html"), encoding="utf-8", newline="") as file:
            page = file.read()
        write_wrapper(shop, page)
        results = measured(shop)
        for name, screen in SCREENS.items():
            expect_readable(name, results[name], screen)
        for name in FAULTS:
            expect_fault(name, results[name])
        expect_drawn(shop)
        for paper in PAPERS:
            expect_on_paper(shop, record, paper, page)
        expect_label(shop, record)


if __name__ == "__main__":
    main()
