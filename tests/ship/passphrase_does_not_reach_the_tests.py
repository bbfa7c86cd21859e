"""The descriptor that `ship --passphrase-fd` reads is not there for the product's tests:
a file behind it could be opened anew and read."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shop import Shop, expect  # noqa: E402

SECRET = "correct horse battery"

with Shop(*sys.argv[1:3]) as shop:
    with open(shop.path("secret"), "w+", encoding="utf-8") as file:
        file.write(SECRET + "\n")
        file.flush()
        number = file.fileno()
        shop.change("good", f"the test ran; cat /proc/self/fd/{number} 2>/dev/null; true")
        shop.change('test -s \\"$0\\" && echo', "echo")
        for verb in (["keygen", "-o", "locked.key"], ["ship", "--key", "locked.key", "product.yaml"]):
            file.seek(0)
            shop.run(*verb, "--passphrase-fd", str(number), expect=0, pass_fds=[number])
    with open(shop.path(shop.folder, "test.log"), encoding="utf-8") as log:
        said = log.read()
    expect("the test ran" in said, said)
    expect(SECRET not in said, "the product's test read the passphrase")
